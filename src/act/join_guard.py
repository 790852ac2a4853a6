# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The last check before a pool or a network is made on all members: no unit may be joining.

A join token lists the pools and networks that the joining unit must give its part to. One member
decides which unit joins, and another one makes pools and networks. Each first writes down in LXD's
database what it will do, and then looks for the note of the other. So at least one of them sees the
other's note. Either the token also lists what is defined and not made yet, or the member that makes
the pool or network sees the join, and waits.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxd.errors import LxdUnreachable
from ports.ports import Ports
from records import join_lock


def require_no_join(members: Mapping[str, object], ports: Ports) -> None:
    """Raises LxdUnreachable if a unit joins now: call this between defining and making an object.

    `members` are those that the object is defined on, none outside a cluster.
    """
    lock = join_lock.read(ports.lxd.notes.read()) if members else None
    if lock is not None and lock.name not in {m.name for m in ports.lxd.members.list()}:
        raise LxdUnreachable(f"{lock.unit} is joining")
