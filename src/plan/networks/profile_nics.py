# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Running instances that LXD could not give the default profile's new nic."""

from __future__ import annotations

from records import without_nic
from state.cluster import ClusterView
from steps.server import WriteNotes
from values.status import Status, blocked, count


def problem(lxd: ClusterView) -> Status | None:
    """Blocked while an instance lacks the nic, with a command that keeps the instance as it is."""
    if not lxd.without_nic:
        return None
    first, *others = sorted(lxd.without_nic)
    instances = count(len(lxd.without_nic), "instance") if others else first
    cure = f"lxc config device add {first.partition('/')[2]} eth0 none"
    return blocked(f"profile's nic missing in {instances}: {cure}")


def settled(lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """Removes instances from the note that have started since then, or changed."""
    if lxd.without_nic == without_nic.read(lxd.notes):
        return ()
    return (WriteNotes(without_nic.written(lxd.without_nic)),)
