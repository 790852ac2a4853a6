# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A Ceph whose files LXD does not see, although the charm has written them into /etc/ceph.

If the snap of MicroCeph is on the machine, snapd connects it with `lxd:ceph-conf`. The LXD snap
then has MicroCeph's folder in place of /etc/ceph (daemon.start in lxd-pkg-snap; not tried here).
"""

from __future__ import annotations

_UNREAD = "calling conf_read_file"
"""In the error of Ceph's programs that do not find the configuration of their cluster."""


def with_cure(error: str) -> str:
    """The error, with what to do if a snap hides the files."""
    if _UNREAD not in error:
        return error
    return f"{error}: a snap may hide /etc/ceph: snap disconnect lxd:ceph-conf, then reload LXD"
