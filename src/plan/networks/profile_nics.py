# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Running instances that LXD could not give the default profile's new nic."""

from __future__ import annotations

from records import without_nic
from state.cluster import ClusterView
from steps.server import WriteNotes
from values.status import Status, blocked, count


def problem(lxd: ClusterView) -> Status | None:
    """Blocked while an instance lacks the nic, with the command that gives it.

    LXD cannot give the running instance a device of type `none` instead: it would first take away
    the one that is not there (measured, 5.21.7).
    """
    # It is not known yet whether instances without a start time lack it.
    lacking = sorted(name for name, started in lxd.without_nic.items() if started)
    if not lacking:
        return None
    first, *others = lacking
    instances = count(len(lacking), "instance") if others else first
    cure = f"lxc restart {first.partition('/')[2]}"
    return blocked(f"profile's nic missing in {instances}: {cure}")


def outdated(lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """Removes instances from the note that have started since then, or changed."""
    if lxd.without_nic == without_nic.read(lxd.notes):
        return ()
    return (WriteNotes(without_nic.written(lxd.without_nic)),)
