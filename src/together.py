"""What a change needs that all members make at once."""

from __future__ import annotations

import turns
from status import Status, names, waiting
from view import Lxd, Peers, View


def units(view: View, lxd: Lxd, peers: Peers) -> dict[str, str]:
    """By member: its unit."""
    told = {data.name: unit for unit, data in peers.others.items() if data.cluster}
    return {**told, lxd.server.name: view.unit}


def hindrance(view: View, lxd: Lxd, peers: Peers, what: str) -> Status | None:
    """Why `what` cannot be made now: all must be up and known, and nobody about to come in."""
    if down := [m.name for m in lxd.members if not m.online]:
        return waiting(f"to make {what} until {names(down)} is back")
    turn = turns.read(lxd.notes)
    if turn is not None and lxd.member(turn.name) is None:
        return waiting(f"to make {what} until {turn.unit} has joined")
    known = units(view, lxd, peers)
    if homeless := [m.name for m in lxd.members if m.name not in known]:
        return waiting(f"to make {what}: member {homeless[0]} has no unit")
    return None
