# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A Ceph whose files LXD does not see or cannot read, although the charm has written them.

If the snap of MicroCeph is on the machine, snapd connects it with `lxd:ceph-conf`. The LXD snap
then has MicroCeph's folder in place of /etc/ceph (daemon.start in lxd-pkg-snap; not tried here).

Ceph has another type of key since 20.2.4 and 19.2.6, aes256k. The programs of Ceph in the LXD snap
do not know it, and print the key (LXD issue 18985, LXD 5.21.7 and 6.9).
"""

from __future__ import annotations

from values import ceph_keys

_UNREAD = "calling conf_read_file"
"""In the error of Ceph's programs that do not find the configuration of their cluster."""


def with_cure(error: str) -> str:
    """The error without keys of Ceph, with what to do about the files or the key."""
    if ceph_keys.names_aes256k(error):
        return f"{ceph_keys.hidden(error)}: Ceph's key is aes256k, make it aes"
    error = ceph_keys.hidden(error)
    if _UNREAD not in error:
        return error
    return f"{error}: a snap may hide /etc/ceph: snap disconnect lxd:ceph-conf, then reload LXD"
