# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The members' answers about a network: the parent interface of each, for the coordinator."""

from __future__ import annotations

from collections.abc import Mapping

import modes
from plan import cluster_change
from plan.networks import contributions
from state.cluster import ClusterView
from state.peers import ParentInterface
from state.view import Peers, View
from values.status import Kind, Status, blocked, names, waiting
from values.wanted_network import WantedNetwork


def of_members(
    view: View,
    lxd: ClusterView,
    peers: Peers,
    own: Mapping[str, ParentInterface],
    net: WantedNetwork,
) -> dict[str, str] | Status:
    """By member: the interface that its unit has answered; or what prevents the change."""
    if not contributions.asks_units(net):
        return {}
    units = cluster_change.units(view, lxd, peers)
    question = contributions.question(net)
    answers: dict[str, ParentInterface] = {}
    missing: list[str] = []
    for member in sorted(m.name for m in lxd.members):
        unit = units.get(member, "")
        links = own if unit == view.unit else _links(unit, peers)
        if question in links:
            answers[member] = links[question]
        else:
            missing.append(unit or member)
    if problem := _problem(units, answers):
        return problem
    if missing:
        return _unanswered(missing, net)
    return _same_name(
        net, units, {member: contribution.parent for member, contribution in answers.items()}
    )


def taken(view: View, net: WantedNetwork) -> tuple[str, ...]:
    """The subnets of the other members' machines that the charm must not choose."""
    others = view.peers.others.values() if view.peers else ()
    question = contributions.question(net)
    answers = [data.links.get(question) for data in others if data.cluster]
    return tuple(cidr for answer in answers if answer for cidr in answer.taken)


def clash(view: View, lxd: ClusterView, peers: Peers, net: WantedNetwork) -> Status | None:
    """Blocked for a bridge if LXD would delete an interface of another machine with it."""
    for unit, found in _clashes(view, lxd, peers):
        if interface := found.get(net.name):
            return blocked(f"network {net.name} would delete {interface} on {unit}; rename it")
    return None


def awaited_clash(view: View, lxd: ClusterView, peers: Peers, net: WantedNetwork) -> Status | None:
    """Waiting while another member's unit has not looked for such an interface.

    A unit with an older charm does not look before its refresh.
    """
    missing = _without_clash(view, lxd, peers, net)
    return _unanswered(missing, net) if missing else None


def _without_clash(view: View, lxd: ClusterView, peers: Peers, net: WantedNetwork) -> list[str]:
    if net.name not in contributions.clashes(view):
        return []
    return [unit for unit, found in _clashes(view, lxd, peers) if net.name not in found]


def _clashes(view: View, lxd: ClusterView, peers: Peers) -> list[tuple[str, Mapping[str, str]]]:
    """The units of the other members, with their answers about the names of bridges."""
    units = sorted(cluster_change.units(view, lxd, peers).values())
    return [(unit, peers.others[unit].clashes) for unit in units if unit != view.unit]


def _unanswered(units: list[str], net: WantedNetwork) -> Status:
    return waiting(f"for {names(units)} to answer about the network {net.name}")


def awaited(
    view: View, lxd: ClusterView, peers: Peers, own: Mapping[str, ParentInterface]
) -> Status | None:
    """Waiting while a member's unit has not answered about a network. `own` are this unit's."""
    for net in view.options.wanted_networks:
        answers = of_members(view, lxd, peers, own, net)
        if isinstance(answers, Status) and answers.kind is Kind.WAITING:
            return answers
        # A unit with an older charm publishes none. The network may exist.
        units = [u for u in _without_clash(view, lxd, peers, net) if peers.others[u].clashes]
        if units:
            return _unanswered(units, net)
    return None


def _problem(units: Mapping[str, str], answers: Mapping[str, ParentInterface]) -> Status | None:
    """Blocked for the first member that can have no part in the network."""
    problems = ((units[member], answer.problem) for member, answer in answers.items())
    return next((blocked(f"{unit}: {problem}") for unit, problem in problems if problem), None)


def _links(unit: str, peers: Peers) -> Mapping[str, ParentInterface]:
    """The answers of another member's unit, none without a unit."""
    return peers.others[unit].links if unit else {}


def _same_name(
    net: WantedNetwork, units: Mapping[str, str], links: dict[str, str]
) -> dict[str, str] | Status:
    """The same answers, or which of them differ although all must be the same."""
    if modes.MODES[net.mode].one_name and len(set(links.values())) > 1:
        (member, parent), *others = sorted(links.items())
        other_member, other_parent = next((m, p) for m, p in others if p != parent)
        return blocked(
            contributions.differing(
                net.mode, parent, units[member], other_parent, units[other_member]
            )
        )
    return links
