# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The wanted networks of the cluster, and how they differ from the actual ones.

Only the coordinator changes them. It makes a network on all members at once, after each member has
named its parent interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import modes as network_modes
from modes import AUTO, MARK, NAMED, Mode, Site
from plan.networks import (
    contributions,
    disruption,
    obstacles,
    on_interfaces,
    ownership,
    parents,
    uplinks,
    wanted_networks,
)
from plan.networks.contributions import PARENTS
from plan.networks.wanted_networks import is_of, made, mode_of
from plan.storage import contributions as storage_contributions
from state.cluster import ClusterView, Network
from state.peers import ParentInterface
from state.view import Peers, View
from steps.networks import CreateNetwork, UpdateNetwork
from steps.plan import Step
from values.status import Status, blocked
from values.wanted_network import WantedNetwork


@dataclass(frozen=True)
class NetworkChanges:
    """What is due for all networks, the default one first.

    `problem` is the first one. `nic` is the default profile's: None keeps it.
    """

    groups: tuple[tuple[Step, ...], ...]
    problem: Status | None
    nic: Mapping[str, str] | None


@dataclass(frozen=True)
class NetworkChange:
    """What is due, what prevents it, and the default profile's nic: None keeps it."""

    steps: tuple[Step, ...] = ()
    problem: Status | None = None
    nic: Mapping[str, str] | None = None


def change(
    view: View, lxd: ClusterView, peers: Peers, own: Mapping[str, ParentInterface]
) -> NetworkChanges:
    """What the coordinator does about the networks now. `own` are its unit's answers."""
    existing = lxd.networks or ()
    first, *more = wanted_networks.of_options(view.options, existing)
    contested = wanted_networks.contested(view.options, existing)
    default = (
        NetworkChange(problem=contested) if contested else _change_of(view, lxd, peers, own, first)
    )
    changes = [default, *(_change_of(view, lxd, peers, own, net) for net in more)]
    # Why an uplink cannot be made comes before what needs it.
    nets = sorted(zip((first, *more), changes, strict=True), key=lambda pair: bool(pair[0].uplink))
    problem = next((change.problem for _, change in nets if change.problem), None)
    return NetworkChanges(tuple(change.steps for change in changes), problem, default.nic)


def _change_of(
    view: View,
    lxd: ClusterView,
    peers: Peers,
    own: Mapping[str, ParentInterface],
    net: WantedNetwork,
) -> NetworkChange:
    net = uplinks.fitted(net, lxd)
    mode = network_modes.MODES[net.mode]
    network = made(lxd, net.name) if mode.type else None
    if network is not None and not is_of(network, mode):
        return NetworkChange(
            problem=blocked(
                f"network {net.name} has the mode {mode_of(network)} here: choose another name"
            )
        )
    links = parents.of_members(view, lxd, peers, own, net)
    if network is not None:
        return _drift(view, lxd, net, network, links)
    if isinstance(links, Status):
        return NetworkChange(problem=links)
    shared = next(iter(links.values()), "") if mode.one_name else ""
    nic = mode.nic(net, shared)
    if not mode.type:
        return NetworkChange(nic=nic)
    if problem := next(filter(None, obstacles.of_new_network(view, lxd, peers, net, links)), None):
        return NetworkChange(problem=problem)
    return NetworkChange((_creation(view, lxd, net, links),), nic=nic)


def foreseen(view: View, lxd: ClusterView, net: WantedNetwork) -> NetworkChange:
    """What an existing network needs, for the action `plan`: no other unit has answered yet.

    Only this machine's interface is known.
    """
    net = uplinks.fitted(net, lxd)
    mode, network = network_modes.MODES[net.mode], made(lxd, net.name)
    if network is None or not is_of(network, mode):
        return NetworkChange()
    own = contributions.to_network(view, net) if contributions.asks_units(net) else None
    if own is not None and own.problem:
        return NetworkChange(problem=blocked(own.problem), nic=mode.nic(net, ""))
    links = {lxd.server.name: own.parent} if own is not None else {}
    return _drift(view, lxd, net, network, links)


def _creation(
    view: View, lxd: ClusterView, net: WantedNetwork, links: Mapping[str, str]
) -> CreateNetwork:
    """Makes a network. `links` are the members' interfaces."""
    mode = network_modes.MODES[net.mode]
    # A network without this key counts as made for the name that the option has now.
    keys = {**_resolved(view, lxd, net, links), NAMED: net.named}
    on = lxd.members if mode.on_members else ()
    members = {m.name: mode.own(links.get(m.name, "")) for m in on}
    return CreateNetwork(net.name, mode.type, {k: v for k, v in keys.items() if v}, members)


def bridges(lxd: ClusterView) -> tuple[str, ...]:
    """LXD's bridges, each by its name and its subnets: a joining machine must have none of them."""
    return tuple(
        " ".join([network.name, *(address for address in _addresses(network) if "/" in address)])
        for network in sorted(lxd.networks or (), key=lambda n: n.name)
        if network.type == network_modes.MODES["bridge"].type
    )


def _addresses(network: Network) -> list[str]:
    return [network.config.get(f"{family}.address", "") for family in ("ipv4", "ipv6")]


def _site(view: View, lxd: ClusterView, net: WantedNetwork, parent: str) -> Site:
    here = [cidr for i in view.interfaces for cidr in (*i.subnets, *i.routes)]
    of_members = [member.address for member in lxd.members]
    taken = (*here, *parents.taken(view, net), *_subnets_beside(lxd, net), *of_members)
    on = next((i for i in view.interfaces if i.name == parent), None)
    return Site(
        lxd.server.fingerprint, view.bound.subnet, contributions.members_version(view), taken, on
    )


def _subnets_beside(lxd: ClusterView, net: WantedNetwork) -> list[str]:
    """The subnets of LXD's other networks."""
    others = [network for network in lxd.networks or () if network.name != net.name]
    return [address for network in others for address in _addresses(network) if "/" in address]


def _keys(net: WantedNetwork) -> dict[str, str]:
    """LXD's keys that all members share. An empty one must not be set."""
    mode = network_modes.MODES[net.mode]
    keys = {**mode.config(net), **net.config}
    option_keys = {*net.config, *(key for key in mode.chosen if keys.get(key, AUTO) != AUTO)}
    return {
        **keys,
        MARK: mode.name,
        **on_interfaces.parent_names(net),
        storage_contributions.KEYS: " ".join(sorted(option_keys)),
    }


def _drift(
    view: View,
    lxd: ClusterView,
    net: WantedNetwork,
    network: Network,
    links: Mapping[str, str] | Status,
) -> NetworkChange:
    """Changes an existing network to the wanted one, unless that would cut off instances."""
    mode = network_modes.MODES[net.mode]
    wanted = {**_unset_keys(network), **_keys(net), **_reset_keys(view, lxd, net, network, links)}
    changes = network_modes.drift(wanted, network.config)
    if not changes or (ownership.only_notes(changes) and uplinks.refuses_changes(network)):
        return NetworkChange(nic=mode.nic(net, ""))
    nic = mode.nic(net, "") if ownership.is_charms(lxd, network) else None
    if isinstance(links, Status):
        return NetworkChange(problem=links, nic=nic)
    changes = _without_auto(view, lxd, net, changes, links)
    if problem := obstacles.of_update(view, lxd, net, network, changes):
        return NetworkChange(problem=problem, nic=nic)
    update = _update(net, network, changes, links)
    if problem := ownership.refused(lxd, network, update):
        return NetworkChange(problem=problem)
    if problem := _harm(view, lxd, net, network, update, links):
        return NetworkChange(problem=problem, nic=nic)
    return NetworkChange((update,), nic=nic)


def _harm(
    view: View,
    lxd: ClusterView,
    net: WantedNetwork,
    network: Network,
    update: UpdateNetwork,
    links: Mapping[str, str],
) -> Status | None:
    """Why an update must not happen: LXD would refuse it, or instances would lose the network."""
    if fixed := disruption.fixed(network, mode_of(network), update):
        return fixed
    if used := obstacles.of_moved_uplink(view, lxd, net, update, links):
        return used
    cut = disruption.cut_off(network, mode_of(network), update)
    return refused(net, cut) if cut and not view.options.network_disruptive else None


def _without_auto(
    view: View,
    lxd: ClusterView,
    net: WantedNetwork,
    changes: dict[str, str],
    links: Mapping[str, str],
) -> dict[str, str]:
    """The changes, with chosen values for `auto`, which LXD does not know or reads differently."""
    if AUTO not in changes.values():
        return changes
    chosen = _resolved(view, lxd, net, links)
    return {k: chosen.get(k, v) if v == AUTO else v for k, v in changes.items()}


def refused(net: WantedNetwork, cut: str) -> Status:
    """Blocked for a change of a network that would cut off something."""
    return blocked(f"network {net.name}: {cut}; set network-disruptive=true")


def _update(
    net: WantedNetwork, network: Network, changes: dict[str, str], links: Mapping[str, str]
) -> UpdateNetwork:
    """Sets the changed keys. If the list of names is among them, interfaces change, too."""
    if PARENTS not in changes:
        return UpdateNetwork(net.name, changes, {})
    mode = network_modes.MODES[net.mode]
    others = {m: p for m, p in links.items() if network.parents.get(m) != p}
    moved = {m: mode.own(parent) for m, parent in others.items() if mode.own(parent)}
    return UpdateNetwork(net.name, changes | _shared_parent(mode, network, links), moved)


def _unset_keys(network: Network) -> dict[str, str]:
    """The keys that options have set in the network, empty: unset if no option sets them now."""
    return dict.fromkeys(network.config.get(storage_contributions.KEYS, "").split(), "")


def _reset_keys(
    view: View,
    lxd: ClusterView,
    net: WantedNetwork,
    network: Network,
    links: Mapping[str, str] | Status,
) -> dict[str, str]:
    """Keys that no option sets any more, with the values that the charm chooses then."""
    mode, keys = network_modes.MODES[net.mode], _keys(net)
    option_keys = keys[storage_contributions.KEYS].split()
    back = {key for key in _unset_keys(network) if key in mode.chosen and key not in option_keys}
    if not back:
        return {}
    resolved = _resolved(view, lxd, net, {} if isinstance(links, Status) else links)
    return {key: resolved.get(key, "") for key in back}


def _resolved(
    view: View, lxd: ClusterView, net: WantedNetwork, links: Mapping[str, str]
) -> dict[str, str]:
    """A network's keys as in a new one: the mode chooses what is `auto`."""
    mode = network_modes.MODES[net.mode]
    shared = next(iter(links.values()), "") if mode.one_name else ""
    site = _site(view, lxd, net, links.get(lxd.server.name, ""))
    return mode.resolve(_keys(net), contributions.resolved(net, shared), site)


def _shared_parent(mode: Mode, network: Network, links: Mapping[str, str]) -> dict[str, str]:
    """The parent of a network that has one name everywhere, if another one is wanted now."""
    name = next(iter(links.values()), "")
    other = mode.shared_parent and network.config.get(mode.shared_parent, "") != name
    return {mode.shared_parent: name} if other else {}
