# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Chooses LXD's addresses from those of Juju's bindings.

A binding may have several addresses, of both families, and Juju may list them in another order
after a reboot: 3.6 sorts them as text, 4.0 lists the address of LXD's own bridge first (both
observed). So the order means nothing. The machine's own facts about an address decide.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from state.bindings import BindingAddress
from state.cluster import Server
from state.view import Peers
from values.addresses import family, host, is_address
from values.interface import Interface


@dataclass(frozen=True)
class Addresses:
    """The known facts about this machine's addresses.

    `here` are those that LXD has or had and that are on the machine now. `interfaces` is empty if
    there is no choice.
    """

    here: frozenset[str] = frozenset()
    interfaces: tuple[Interface, ...] = ()


class Chosen(NamedTuple):
    """An address for the cluster's traffic and one for the API, empty if there is none."""

    cluster: str
    https: str


def current_addresses(peers: Peers | None, server: Server | None) -> Chosen:
    """LXD's addresses; if LXD does not answer, the one that its unit published.

    `server` is None while LXD does not answer.
    """
    config = server.config if server else dict[str, str]()
    published = peers.own.address if peers and peers.own.cluster else ""
    return Chosen(
        _configured(config.get("cluster.https_address", "")) or published,
        _configured(config.get("core.https_address", "")),
    )


def is_choice(
    peers: Peers | None,
    server: Server | None,
    cluster: Sequence[BindingAddress],
    https: Sequence[BindingAddress],
    here: frozenset[str],
) -> bool:
    """Whether the choice needs the machine's interfaces."""
    if not _is_member(peers, server):
        return _has_choice(cluster, "", frozenset()) or _has_choice(https, "", frozenset())
    current = current_addresses(peers, server)
    return _has_choice(cluster, current.cluster, here) or _has_choice(
        https, current.https, frozenset()
    )


def _has_choice(bound: Sequence[BindingAddress], own: str, here: frozenset[str]) -> bool:
    """Whether a binding offers another address than the member's `own`, or several without one."""
    bound_addresses = {entry.address for entry in bound}
    if not own:
        return len(bound_addresses) > 1
    # A member's API has an address already: a single other one may be a virtual one.
    return bool(bound_addresses) and own not in bound_addresses | here


def choose(
    peers: Peers | None,
    server: Server | None,
    cluster: Sequence[BindingAddress],
    https: Sequence[BindingAddress],
    machine: Addresses,
) -> Chosen:
    """The addresses for LXD on this machine, chosen from its bindings'.

    A member keeps the address that the others know as long as the machine has it: LXD cannot change
    it. Its API follows the binding, but not to a virtual address.
    """
    current = current_addresses(peers, server)
    member = _is_member(peers, server)
    if member and _stays(current.cluster, cluster, machine):
        for_cluster = current.cluster
    else:
        version = 0 if member else members_family(peers)
        members = _member_addresses(peers)
        for_cluster = _first(_ranked(tuple(cluster), version, members, machine.interfaces))
    ranked = _ranked(tuple(https), family(for_cluster), (for_cluster,), machine.interfaces)
    if member and _https_stays(current.https, https, ranked):
        return Chosen(for_cluster, current.https)
    return Chosen(for_cluster, _first(ranked))


def _https_stays(own: str, bound: Iterable[BindingAddress], ranked: Sequence[_Rank]) -> bool:
    """Whether a member's API keeps its address: it is bound, or only a virtual one would follow.

    It also keeps it while the machine lacks the address. The API would not return from a virtual
    address by itself, because the binding also has that address.
    """
    if own in {entry.address for entry in bound}:
        return True
    return bool(own) and all(rank.virtual or rank.link_local for rank in ranked)


def network_address(bound: Sequence[BindingAddress]) -> BindingAddress | None:
    """The address of a binding whose interface networks use, None without any.

    It is the same after every reboot, and a virtual address only if there is no other.
    """
    by_address = {entry.address: entry for entry in bound}
    ranked = _ranked(tuple(bound), 0, (), ())
    return by_address[ranked[0].address] if ranked else None


def members_family(peers: Peers | None) -> int:
    """The version of IP between the cluster's members, 0 without members.

    The bootstrap unit's address counts, if it is known.
    """
    return next((family(address) for address in _member_addresses(peers)), 0)


def _member_addresses(peers: Peers | None) -> tuple[str, ...]:
    """The members' addresses, the bootstrap unit's first."""
    if peers is None:
        return ()
    bootstrap_unit = peers.others.get(peers.app.bootstrap)
    units = [bootstrap_unit] if bootstrap_unit else []
    units += [peers.others[unit] for unit in sorted(peers.others)]
    return tuple(data.address for data in units if data.cluster and is_address(data.address))


def _is_member(peers: Peers | None, server: Server | None) -> bool:
    return server.clustered if server else bool(peers and peers.own.cluster)


def _stays(own: str, bound: Iterable[BindingAddress], machine: Addresses) -> bool:
    return bool(own) and (own in machine.here or own in {entry.address for entry in bound})


class _Rank(NamedTuple):
    """The quality of an address: the smallest is taken."""

    other_family: bool
    link_local: bool
    """169.254.0.0/16 or fe80::/10, such as the connection to the machine's BMC. Juju 3.6 lists it
    last.
    """
    virtual: bool
    """A /32 or /128, or a second one of its subnet: such an address may move to another machine."""
    inner: bool
    """On a bridge without a port that leads off this machine, such as docker0."""
    other_subnet: bool
    """In none of the members' subnets."""
    version: int
    number: int
    address: str


@lru_cache(maxsize=1024)
def _ranked(
    bound: tuple[BindingAddress, ...],
    version: int,
    members: tuple[str, ...],
    interfaces: tuple[Interface, ...],
) -> tuple[_Rank, ...]:
    """The addresses that LXD may use, the best one first, for any order in Juju.

    Those of LXD's own bridges and tunnels are excluded: no other machine reaches them.
    """
    by_address = {subnet.partition("/")[0]: i for i in interfaces for subnet in i.subnets}
    lxds_interfaces = {interface.name for interface in interfaces if interface.made_by_lxd}
    ranks: list[_Rank] = []
    for entry in bound:
        interface = by_address.get(entry.address)
        if (interface.name if interface else entry.interface) not in lxds_interfaces:
            ranks.append(_rank(entry, interface, version, members))
    return tuple(sorted(ranks))


def _rank(
    entry: BindingAddress, interface: Interface | None, version: int, members: tuple[str, ...]
) -> _Rank:
    """The quality of an address. `interface` is the machine's one with it, if that is known."""
    address = ipaddress.ip_address(entry.address)
    network = _network(entry, interface)
    single = network is not None and network.num_addresses == 1
    return _Rank(
        other_family=version not in (0, address.version),
        link_local=address.is_link_local,
        virtual=single or (interface is not None and entry.address in interface.secondary),
        inner=interface is not None and interface.inner,
        other_subnet=network is None or not any(_is_in(member, network) for member in members),
        version=address.version,
        number=int(address),
        address=entry.address,
    )


_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(entry: BindingAddress, interface: Interface | None) -> _Network | None:
    """The subnet of an address, from the machine, otherwise from Juju."""
    subnets = interface.subnets if interface else ()
    here = next((s for s in subnets if s.partition("/")[0] == entry.address), "")
    subnet = here or entry.subnet
    return ipaddress.ip_network(subnet, strict=False) if subnet else None


def _is_in(address: str, network: _Network) -> bool:
    return is_address(address) and ipaddress.ip_address(address) in network


def _first(ranked: Sequence[_Rank]) -> str:
    return ranked[0].address if ranked else ""


def _configured(endpoint: str) -> str:
    """The address in LXD's configuration, empty for a name or for all addresses: LXD takes both."""
    address = host(endpoint) if endpoint else ""
    return address if is_address(address) else ""
