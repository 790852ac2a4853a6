# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This member's own interface of a network, after the network was made.

The coordinator sets all members' interfaces when the list of names changes. Otherwise each member
sets its own, if somebody has changed it by hand, or if the machine has another card.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch

import modes
from modes import parent_checks
from plan.networks import contributions, disruption, networks, raw_nics, wanted_networks
from state.cluster import ClusterView, Network
from state.peers import ParentInterface
from state.view import View
from steps.networks import SetOwnParent
from values.status import Status
from values.wanted_network import WantedNetwork


@dataclass(frozen=True)
class Due:
    """What is due on this member, and what prevents it."""

    steps: tuple[SetOwnParent, ...] = ()
    problem: Status | None = None


def due(view: View, lxd: ClusterView, answers: Mapping[str, ParentInterface]) -> Due:
    """Puts this member's interfaces back, or replaces those that the machine no longer has.

    `answers` are this unit's. One with a problem blocks the unit already.
    """
    found = [
        _due(view, lxd, net, network, answers) for net, network in _with_known_parent(view, lxd)
    ]
    steps = tuple(step for one in found for step in one.steps)
    return Due(steps, next((one.problem for one in found if one.problem), None))


def takes_interface(view: View, lxd: ClusterView) -> bool:
    """Whether an uplink here is to take another interface, which nics of instances may be on."""
    uplinks = [net for net, _ in _with_known_parent(view, lxd) if modes.MODES[net.mode].exclusive]
    return any(_other(view, lxd, net, contributions.to_networks(view)) for net in uplinks)


def _with_known_parent(view: View, lxd: ClusterView) -> Iterator[tuple[WantedNetwork, Network]]:
    """The networks whose interface here is known, with what the options say of them."""
    for net in wanted_networks.of_options(view.options, lxd.networks or ()):
        network = wanted_networks.made(lxd, net.name)
        if network is not None and net.name in lxd.own_parents:
            yield net, network


def _due(
    view: View,
    lxd: ClusterView,
    net: WantedNetwork,
    network: Network,
    answers: Mapping[str, ParentInterface],
) -> Due:
    current, other = lxd.own_parents[net.name], _other(view, lxd, net, answers)
    if not other:
        return Due()
    if fixed := disruption.fixed_parent(network, net.mode, current):
        return Due(problem=fixed)
    users = disruption.users(network)
    # Also if the machine lacks the interface: it may be back in a moment.
    if users and not view.options.network_disruptive:
        port = _port(view, net, current)
        why = f"{current} {port}" if port else f"parent cuts off {users}"
        return Due(problem=networks.refused(net, why))
    step = SetOwnParent(net.name, lxd.server.name, other)
    used = raw_nics.taken_by_member(lxd, net, step, view.interfaces)
    return Due(problem=used) if used else Due((step,))


def _other(
    view: View, lxd: ClusterView, net: WantedNetwork, answers: Mapping[str, ParentInterface]
) -> str:
    """The interface that a network here needs instead of its present one, empty if that stays."""
    current = lxd.own_parents[net.name]
    parent = answers.get(contributions.question(net), ParentInterface()).parent
    return "" if parent == current or _stays(view, net, current) else parent


def _stays(view: View, net: WantedNetwork, current: str) -> bool:
    """Whether a network keeps its present interface here, because the list of names selects it.

    Another interface of the list may fit better for a moment. Without a list the interface stays as
    long as the machine has it: the binding may have several interfaces. An interface that became a
    port of a bridge does not stay: LXD starts no instance on it. Juju makes such a bridge for its
    own containers, and the binding then has the bridge's name.
    """
    listed = not net.parents or any(fnmatch(current, pattern) for pattern in net.parents)
    return listed and _is_here(view, current) and not _port(view, net, current)


def _port(view: View, net: WantedNetwork, current: str) -> str:
    """The bridge or bond that `current` is a port of, in words. Empty if a network takes ports."""
    here = next((i for i in view.interfaces if i.name == current), None)
    why = parent_checks.port(here) if here is not None else ""
    return why if here is not None and modes.MODES[net.mode].unfit(net, here) == why else ""


def _is_here(view: View, interface: str) -> bool:
    return any(i.name == interface for i in view.interfaces)
