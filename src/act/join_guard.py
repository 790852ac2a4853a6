# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The last check before a pool or a network is made on all members: does a unit join now?

A join token lists the pools and networks that the joining unit must give its part to. Two members
decide: one which unit joins, the other what is made. Each first writes down in LXD's database what
it will do, and then looks for the note of the other. So at least one of them sees the other's note.
Either the issuer of the token also lists what is defined and not made yet, or the maker of the pool
or network sees the join, and waits.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxd.errors import LxdUnreachable
from ports.ports import Ports
from records import join_lock


def nobody_joins(members: Mapping[str, object], ports: Ports) -> None:
    """Call this before something that is defined on all members is made.

    Raises LxdUnreachable if a unit joins. `members` are those that it is defined on, none outside a
    cluster.
    """
    lock = join_lock.read(ports.lxd.notes.read()) if members else None
    if lock is not None and lock.name not in {m.name for m in ports.lxd.members.list()}:
        raise LxdUnreachable(f"{lock.unit} is joining")
