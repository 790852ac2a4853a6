"""What may happen while a pool or a network is made on all members, seen at the last moment.

Who joins is told by its token what it must give its part to. Two members decide who joins and what
is made: each writes down in LXD's database what it is about to do, then looks for what the other
has written down. So one of them at least sees the other's: whoever makes the token tells of what is
defined and not made yet, or whoever makes the thing sees that somebody joins, and waits.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxd.errors import LxdUnreachable
from ports.ports import Ports
from records import join_lock


def nobody_joins(members: Mapping[str, object], ports: Ports) -> None:
    """Before what is defined on all members is made. Raises LxdUnreachable if somebody joins.

    `members` are those that it is defined on, none outside a cluster.
    """
    lock = join_lock.read(ports.lxd.notes.read()) if members else None
    if lock is not None and lock.name not in {m.name for m in ports.lxd.members.list()}:
        raise LxdUnreachable(f"{lock.unit} is joining")
