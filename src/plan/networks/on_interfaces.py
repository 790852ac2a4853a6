# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that need an interface on each machine, and what LXD must be asked about them."""

from __future__ import annotations

import modes as network_modes
from options.options import Options
from plan import cluster_change
from plan.networks import wanted_networks
from plan.networks.contributions import EXTERNAL, PARENTS, UNFINISHED
from plan.networks.wanted_networks import is_of, mode_of
from state.cluster import ClusterView, Network
from state.peers import OnParent
from state.view import View
from values.numbers import whole
from values.wanted_network import WantedNetwork
from values.yaml_maps import words


def with_changed_list(options: Options, existing: tuple[Network, ...]) -> list[str]:
    """Networks with a parent interface on each machine whose list of names has changed."""
    return [
        network.name
        for net, network in _on_interfaces(options, existing)
        if network_modes.drift(parent_names(net), network.config)
    ]


def listed(options: Options, existing: tuple[Network, ...]) -> list[str]:
    """The other ones, whose list has not changed: each member handles its own interface."""
    changed = with_changed_list(options, existing)
    names = [network.name for _, network in _on_interfaces(options, existing)]
    return [name for name in names if name not in changed]


def _on_interfaces(
    options: Options, existing: tuple[Network, ...]
) -> list[tuple[WantedNetwork, Network]]:
    made = {n.name: n for n in existing if not n.half_made}
    wanted = wanted_networks.of_options(options, existing)
    nets = [net for net in wanted if network_modes.MODES[net.mode].own_parent]
    pairs = [(net, made[net.name]) for net in nets if net.name in made]
    return [(net, n) for net, n in pairs if is_of(n, network_modes.MODES[net.mode])]


def parent_names(net: WantedNetwork) -> dict[str, str]:
    """The names by which its interfaces are found, as recorded in the network."""
    mode = network_modes.MODES[net.mode]
    return {PARENTS: " ".join(net.parents)} if mode.own_parent or mode.shared_parent else {}


def records(existing: tuple[Network, ...]) -> tuple[OnParent, ...]:
    """Networks for which a joining unit must name its parent interface.

    LXD does not ask: a member that names no interface has none, and no instance starts there.
    """
    return tuple(
        OnParent(
            name=n.name,
            mode=mode_of(n),
            parents=_listed(n),
            on=tuple(sorted({name for value in n.parents.values() for name in words(value)})),
            ports=() if _own_parent(n) else _combinations(n),
            vlan=_number(n, "vlan"),
            mtu=_number(n, "mtu"),
        )
        for n in sorted(existing, key=lambda n: n.name)
        if _own_parent(n) or any(n.parents.values())
    )


def _combinations(network: Network) -> tuple[tuple[str, ...], ...]:
    """The interfaces of the members, once for each combination of them."""
    return tuple(sorted({words(value) for value in network.parents.values() if value}))


def _number(network: Network, key: str) -> int:
    return whole(network.config.get(key, "")) or 0


def placed(view: View, lxd: ClusterView) -> tuple[OnParent, ...]:
    """The records of networks that no option names.

    A unit that cannot have one of them says so before it gets a join token.
    """
    option_names = cluster_change.option_names(view)
    unnamed = [n for n in lxd.networks or () if not n.half_made and n.name not in option_names]
    return records(tuple(n for n in unnamed if _own_parent(n)))


def by_hand(options: Options, existing: tuple[Network, ...]) -> list[str]:
    """Networks whose interfaces on the members only LXD knows."""
    option_names = {name for net in options.wanted_networks for name in wanted_networks.names(net)}
    unnamed = [n for n in existing if not n.half_made and n.name not in option_names]
    return [n.name for n in unnamed if unlisted(n) == "parent"]


def uplink_due(options: Options, existing: tuple[Network, ...]) -> bool:
    """Whether a network that needs a whole interface is not made yet."""
    names = {network.name for network in existing if not network.half_made}
    due = [net for net in options.wanted_networks if network_modes.MODES[net.mode].exclusive]
    return not all(names & set(wanted_networks.names(net)) for net in due)


def uplink_moves(options: Options, existing: tuple[Network, ...]) -> bool:
    """Whether an existing network needs another whole interface by the options."""
    return any(
        network_modes.drift({**parent_names(net), "vlan": str(net.vlan or "")}, network.config)
        for net, network in _on_interfaces(options, existing)
        if network_modes.MODES[net.mode].exclusive
    )


def beside_uplinks(options: Options, existing: tuple[Network, ...]) -> list[str]:
    """Networks that may have the interface that an uplink needs, while it is not made yet."""
    if not uplink_due(options, existing):
        return []
    return [n.name for n in existing if not n.half_made and _own_parent(n)]


def unlisted(network: Network) -> str:
    """The key for the members' interfaces that LXD must be asked for, empty if none is needed.

    A network with a list of names is found by that list, unless the list is changing. A bridge may
    have interfaces from its operator.
    """
    if _own_parent(network):
        return "" if _listed(network) else "parent"
    return EXTERNAL if mode_of(network) == network_modes.MODES["bridge"].name else ""


def _listed(network: Network) -> tuple[str, ...]:
    """The list of names by which its interfaces are found, empty while it changes."""
    listed = network.config.get(PARENTS, "")
    return () if listed == UNFINISHED else words(listed)


def _own_parent(network: Network) -> bool:
    mode = network_modes.MODES.get(mode_of(network))
    return mode is not None and mode.own_parent
