# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The wanted networks by their names in LXD, and the modes of existing ones."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import modes as network_modes
from modes import MARK, NAMED, Mode
from options.options import Options
from state.cluster import ClusterView, Network
from values.status import Status, blocked
from values.wanted_network import WantedNetwork

_PROFILE = "/1.0/profiles/default"


def of_options(options: Options, existing: tuple[Network, ...]) -> tuple[WantedNetwork, ...]:
    """All wanted networks, the default one first."""
    first, *more = options.wanted_networks
    return (default(first, existing, {net.name for net in more}), *more)


def default(
    net: WantedNetwork, existing: tuple[Network, ...], more: Collection[str]
) -> WantedNetwork:
    """The wanted default network, with another name if another mode has the configured one.

    It keeps the other name after the old network is gone. `more` are the names in `networks`.
    """
    mode = network_modes.MODES[net.mode]
    if not mode.type:
        return net
    other_name = network_modes.other_name(net.name, mode.name)
    names = [net.name] if other_name in more else [other_name, net.name]
    made = [n for n in existing if _may_be_default(n, net) and n.name in names]
    # An older charm may have made both: instances are on the one that the profile uses.
    made.sort(key=lambda n: (_PROFILE not in n.used_by, names.index(n.name)))
    taken = any(n.name == net.name for n in existing)
    free = other_name if taken else net.name
    name = made[0].name if made else free
    return replace(net, name=name, named=net.name if name != net.name else "")


def _may_be_default(network: Network, net: WantedNetwork) -> bool:
    """Whether a network was made for the default network, in its mode."""
    is_for_it = network.config.get(NAMED, net.name) == net.name
    return is_for_it and _may_become(network, network_modes.MODES[net.mode])


def _may_become(network: Network, mode: Mode) -> bool:
    """Whether a network is of a mode, or is half made and of its type: its keys come last."""
    return is_of(network, mode) or (network.half_made and network.type == mode.type)


def contested(options: Options, existing: tuple[Network, ...]) -> Status | None:
    """Blocked if the default network would have the name of another wanted one.

    Otherwise both options would change that network, again and again.
    """
    first, *more = of_options(options, existing)
    if first.name not in {net.name for net in more}:
        return None
    return blocked(f"network-mode={first.mode}: networks has {first.name}; set network-name")


def names(net: WantedNetwork) -> tuple[str, str]:
    """The possible names of a network."""
    return net.name, network_modes.other_name(net.name, net.mode)


def made(lxd: ClusterView, name: str) -> Network | None:
    """The network of that name if it exists on all members."""
    return next((n for n in lxd.networks or () if n.name == name and not n.half_made), None)


def is_of(network: Network, mode: Mode) -> bool:
    """Whether a network was made in a mode, or looks like one of that mode."""
    return network.type == mode.type and mode_of(network) == mode.name


def mode_of(network: Network) -> str:
    """The mode of a network by the charm's key; without it by its other keys, or LXD's type.

    A program that writes a network's whole configuration removes the charm's key.
    """
    return network.config.get(MARK) or _by_its_keys(network) or network.type


def _by_its_keys(network: Network) -> str:
    found = (
        mode.name
        for mode in network_modes.MODES.values()
        if mode.own_keys
        and mode.type == network.type
        and any(key.startswith(mode.own_keys) for key in network.config)
    )
    return next(found, "")
