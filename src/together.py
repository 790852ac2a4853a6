"""What a change needs that all members make at once."""

from __future__ import annotations

import networks
import storage
import turns
from status import Status, names, waiting
from view import Lxd, Peers, View


def asked(view: View) -> frozenset[str]:
    """Every name that a pool or a network of the options' may have."""
    default, nets = view.default_pool.name, view.options.networks_asked
    found = {default, *(pool.name for pool in view.more_pools), *(net.name for net in nets)}
    found |= {f"{default}-{backend}" for backend in storage.BACKENDS}
    return frozenset(found | {networks.other_name(net.name, net.mode) for net in nets})


def units(view: View, lxd: Lxd, peers: Peers) -> dict[str, str]:
    """By member: its unit."""
    members = {u: lxd.member_of(data) for u, data in peers.others.items() if data.cluster}
    found = {member.name: unit for unit, member in members.items() if member is not None}
    return {**found, lxd.server.name: view.unit}


def hindrance(view: View, lxd: Lxd, peers: Peers, what: str) -> Status | None:
    """Why `what` cannot be made now: all must be up and known, and nobody about to come in."""
    if down := [m.name for m in lxd.members if not m.up]:
        return waiting(f"to make {what} until {names(down)} is back")
    turn = turns.read(lxd.notes)
    if turn is not None and lxd.member(turn.name) is None:
        return waiting(f"to make {what} until {turn.unit} has joined")
    known = units(view, lxd, peers)
    if homeless := [m.name for m in lxd.members if m.name not in known]:
        return waiting(f"to make {what}: member {homeless[0]} has no unit")
    return None
