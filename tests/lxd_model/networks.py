# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks and the instances on them, as a daemon makes and keeps them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.lxd_model import heartbeats, peers, times
from tests.lxd_model.refusal import Refusal, bad, not_found
from tests.lxd_model.things import NO_CONFIG, Config, Network
from values.interface import Interface

if TYPE_CHECKING:
    from tests.lxd_model.joining import JoinRequest
    from tests.lxd_model.operations import Work
    from tests.lxd_model.records import Records
    from tests.lxd_model.server import Server

ON_INTERFACE = frozenset({"macvlan", "physical", "sriov"})
"""Types with a parent interface on each member."""
TYPES = frozenset({"bridge", "ovn", *ON_INTERFACE})
OWN_KEYS = ("parent", "bridge.external_interfaces", "bgp.ipv4.nexthop", "bgp.ipv6.nexthop")
"""Keys that each member has for itself."""
_OF_ROUTER = {"ipv4": "10.0.0.200", "ipv6": "fd42::200"}
"""By family: the address of an OVN network's router on its uplink."""


def of_machine(machine: str) -> dict[str, Interface]:
    """The interfaces of a machine: on every second one the second card has another name."""
    second = "ens3" if machine.isdigit() and int(machine) % 2 else "eth1"
    number = int(machine) % 200 if machine.isdigit() else 200
    first = Interface("eth0", subnets=(f"192.0.2.{number + 1}/24",), defaults=frozenset({4}))
    return {"eth0": first, second: Interface(second)}


def unfinished(name: str) -> Interface:
    """The bridge of a network whose making a member has not noted."""
    return Interface(name, bridge=True, made_by_lxd=True, inner=True)


def find(server: Server, name: str) -> Network:
    """A network by its name. Raises Refusal."""
    network = server.records.networks.get(name)
    if network is None:
        raise Refusal("Failed loading network: Network not found", 404)
    return network


def define(server: Server, name: str, kind: str, member: str, own: Config) -> None:
    """The first phase: a network as one member will have it. No other member is asked."""
    records = server.records
    network = records.networks.get(name)
    if member not in records.rows:
        raise not_found("Cluster member")
    if kind == "ovn":
        raise bad('Network type "ovn" does not support member specific config')
    if kind in ON_INTERFACE and not own.get("parent"):
        raise bad('Invalid value for network "parent" option: Required value')
    if network is None:
        network = Network(name, kind, "Pending", number=server.cloud.count())
    elif network.type != kind:
        raise Refusal("Network already exists with a different type")
    elif network.status != "Pending":
        raise Refusal("Network is not in pending state")
    if member in network.members:
        raise bad(f'The network is already defined on member "{member}"')
    records.networks[name] = replace(network, members={**network.members, member: dict(own)})


def _with_uplink(server: Server, config: Config) -> dict[str, str]:
    """The keys of an OVN network with its uplink: validateUplinkNetwork, 5.0 to 6.9.

    LXD chooses the uplink itself if there is one candidate.
    """
    made = (n for n in server.records.networks.values() if not n.half_made)
    uplinks = [network.name for network in made if network.type in ("bridge", "physical")]
    if not uplinks:
        raise bad("No allowed uplink networks in project")
    _refuse_narrow(server, config)
    uplink = config.get("network") or (uplinks[0] if len(uplinks) == 1 else "")
    if not uplink:
        raise bad('Option "network" is required')
    if uplink not in uplinks:
        allowed = "is not one of the allowed uplink networks in project"
        raise bad(f'Option "network" value "{uplink}" {allowed}')
    return _with_addresses(server, {**config, "network": uplink})


def _refuse_narrow(server: Server, config: Config) -> None:
    """As Validate in network/driver_ovn.go: OVN makes addresses from MACs."""
    width = config.get("ipv6.address", "").rpartition("/")[2]
    by_mac = config.get("ipv6.dhcp") != "false" and config.get("ipv6.dhcp.stateful") != "true"
    if server.generation.modern and by_mac and width.isdigit() and int(width) > 64:
        raise Refusal("IPv6 subnet must be at least a /64 when stateless DHCPv6 is enabled")


def _with_addresses(server: Server, config: Config) -> dict[str, str]:
    """The keys with the router's own addresses on the uplink (allocateUplinkPortIPs)."""
    uplink = server.records.networks[config["network"]].config
    found = dict(config)
    for family, example in _OF_ROUTER.items():
        cidr = uplink.get(f"{family}.address") or uplink.get(f"{family}.gateway", "")
        ranges = uplink.get(f"{family}.ovn.ranges", "")
        own = f"volatile.network.{family}.address"
        if "/" not in cidr or own in found:
            continue
        if family == "ipv4" and not ranges:
            raise Refusal('Missing required "ipv4.ovn.ranges" config key on uplink network')
        # Without ranges for IPv6 LXD takes an address that follows from the router's MAC.
        found[own] = ranges.partition("-")[0] or example
    return found


def _update_ovn(server: Server, network: Network, config: Config) -> dict[str, str]:
    """The changed keys of an OVN network (`Update` in driver_ovn.go: 5.0 lacks the refusal)."""
    for family in _OF_ROUTER:
        own, router = f"{family}.address", f"volatile.network.{family}.address"
        populated = config.get(own, "none") != "none" and router not in config
        if populated and server.generation.modern:
            why = f'cannot be empty when network address key "{own}" is populated'
            raise Refusal(f'Uplink address key "{router}" {why}')
    if config.get("network") == network.config.get("network"):
        return dict(config)
    if server.generation.modern:
        _refuse_other_ranges(server, config)
    # The router gets addresses on the other uplink.
    return _with_uplink(server, {k: v for k, v in config.items() if not k.startswith("volatile.")})


def _refuse_other_ranges(server: Server, config: Config) -> None:
    """As Validate in network/driver_ovn.go: the router still has its address on the old uplink."""
    ranges = find(server, config["network"]).config.get("ipv4.ovn.ranges", "")
    own = config.get("volatile.network.ipv4.address", "")
    if own and ranges and not ranges.startswith(f"{own}-"):
        raise bad(f'Uplink IP "{own}" not within allowed ranges specified by uplink network')


def making(server: Server, name: str, kind: str, config: Config) -> Work:
    """The second phase, or everything on a server outside a cluster. All members must be up.

    LXD does it to the end, also if the client leaves. It begins another one for a client only then
    (networkCreateLock); it deletes one at any time.
    """
    while server.makes_network:
        yield times.REQUEST
    server.makes_network = True
    try:
        if kind == "ovn" or (len(server.records.members) <= 1 and _none(server, name)):
            _create_here(server, name, kind, config)
            yield times.NETWORK
        else:
            yield from _making_on_all(server, _begun(server, name, kind, config))
    finally:
        server.makes_network = False


def _none(server: Server, name: str) -> bool:
    return name not in server.records.networks


def _begun(server: Server, name: str, kind: str, config: Config) -> Network:
    """It is errored until all members have made it."""
    records = server.records
    network = records.networks.get(name)
    if network is None:
        raise Refusal("Network not pending on any node (use --target <node> first)")
    if not network.half_made:
        raise Refusal("The network is already created")
    if kind != network.type:
        raise Refusal(
            f'Requested network type "{kind}" doesn\'t match type in existing database record'
            f' "{network.type}"'
        )
    if network.status == "Errored" and config:
        raise Refusal(
            "Network already partially created. Please do not specify any global config when"
            " re-running create"
        )
    if missing := sorted({row.name for row in records.members} - set(network.members)):
        raise Refusal("Network not defined on nodes: " + ", ".join(missing))
    config = network.config if network.status == "Errored" else _resolved(kind, config)
    begun = records.networks[name] = replace(network, status="Errored", config=config)
    return begun


def _create_here(server: Server, name: str, kind: str, config: Config) -> None:
    records = server.records
    if name in records.networks:
        raise bad("The network already exists")
    if records.clustered:
        peers.require_all(server)
    own = {key: value for key, value in config.items() if key in OWN_KEYS}
    shared = {key: value for key, value in config.items() if key not in OWN_KEYS}
    if kind == "ovn":
        shared = _with_uplink(server, shared)
    _has(server, kind, own.get("parent", ""))
    members = {} if kind == "ovn" else {server.place: own}
    if kind == "bridge":
        _refuse_ipv6(server, _resolved(kind, shared))
    made = Network(name, kind, "Created", _resolved(kind, shared), members)
    records.networks[name] = _started(server, made, server.place)


def _making_on_all(server: Server, begun: Network) -> Work:
    records, now, name = server.records, server.cloud.now, begun.name
    if begun.type == "physical" and server.generation.modern:
        _refuse_shared_parents(server)
    if any(heartbeats.offline(records, row, now) for row in records.members):
        peers.require_all(server)

    def make(there: Server, member: str) -> None:
        _has(there, begun.type, begun.members[member].get("parent", ""))
        _make_bridge(there, begun)

    def note(there: Server, member: str) -> None:
        network = _started(there, _still(records, begun), member)
        records.networks[name] = replace(network, made=network.made | {member})
        there.unfinished.discard(name)

    def made() -> frozenset[str]:
        return _still(records, begun).made

    yield from peers.make_on_all(server, times.NETWORK, made, make, note)
    records.networks[name] = replace(_still(records, begun), status="Created")


def _refuse_shared_parents(server: Server) -> None:
    """As checkParentUse in network/driver_physical.go of 5.21.7 and 6.9: VLANs do not count there.

    Networks without a part in it count as well; those of this member are not looked at.
    """
    for row in server.records.members:
        networks = server.records.networks.values()
        parents = [n.members.get(row.name, {}).get("parent", "") for n in networks]
        shared = next((p for p in parents if p and parents.count(p) > 1), "")
        if shared and row.name != server.place:
            raise Refusal(
                f'Parent interface "{shared}" in use by another network on cluster member'
                f' "{row.name}"'
            )


def _still(records: Records, begun: Network) -> Network:
    """The network as it is now. Raises Refusal if it is gone."""
    network = records.networks.get(begun.name)
    if network is None or network.number != begun.number:
        raise Refusal("Network not found", 404)
    return network


def _make_bridge(there: Server, network: Network) -> None:
    if network.type != "bridge":
        return
    if network.name in there.left | there.unfinished:
        raise Refusal(f'Network interface "{network.name}" already exists')
    _refuse_ipv6(there, network.config)
    there.unfinished.add(network.name)


def _refuse_ipv6(there: Server, config: Config) -> None:
    if there.no_ipv6 and config.get("ipv6.address", "none") != "none":
        raise Refusal("Network has ipv6.address but kernel IPv6 support is missing")


def _started(there: Server, network: Network, member: str) -> Network:
    """If a bridge's dnsmasq cannot start, the network is unavailable on that member, silently."""
    if there.dns_taken and network.type == "bridge":
        return replace(network, broken=network.broken | {member})
    return network


def _has(server: Server, kind: str, parent: str) -> None:
    if kind in ON_INTERFACE and parent not in server.interfaces:
        raise Refusal(f'Parent interface "{parent}" not found')


def join(server: Server, records: Records, name: str, request: JoinRequest) -> None:
    """The part of a joining server. LXD does not ask for an interface that was not named."""
    network = records.networks[name]
    own = request.own("network", name)
    if network.type == "ovn":
        return
    parent = own.get("parent", "")
    if name in server.left and not server.generation.modern:
        # LXD treats the bridge as its own network.
        parts = "Failed to initialize member: Failed to initialize storage pools and networks"
        update = f'Failed to update local member network "{name}" in project "default"'
        raise Refusal(f"{parts}: {update}: Failed loading network: Network not found")
    if parent:
        _has(server, network.type, parent)
    elif network.type in ON_INTERFACE:
        server.cloud.unlinked.append(f"{request.name} for {name}")
    network = _started(server, network, request.name)
    records.networks[name] = replace(network, members={**network.members, request.name: own})


def take_along(records: Records, name: str) -> None:
    """The server with these networks is the member `name` from now on."""
    for network in list(records.networks.values()):
        own = next(iter(network.members.values()), NO_CONFIG)
        records.networks[network.name] = replace(network, members={name: own})


def delete(server: Server, name: str, users: list[str]) -> None:
    """Deletes an unused network."""
    network = find(server, name)
    if users:
        raise bad("The network is currently in use")
    if network.status != "Pending" and server.records.clustered:
        peers.require_all(server)
    server.records.networks.pop(name)


def update(server: Server, name: str, config: Config, description: str = "") -> None:
    """Replaces the keys of a network that all members share. All must be up if one changes.

    If nothing changes, LXD tells no member (measured, 5.0.2; the source of 6.x is the same). For a
    pool it tells the others in any case.
    """
    network = find(server, name)
    config = _resolved(network.type, {k: v for k, v in config.items() if v})
    if (config, description) == (network.config, network.description):
        return
    if network.type == "ovn":
        config = _update_ovn(server, network, config)
    if server.records.clustered:
        peers.require_all(server)
    server.records.networks[name] = replace(network, config=config, description=description)


def update_member(server: Server, name: str, member: str, own: Config) -> None:
    """Replaces a member's own keys."""
    network = find(server, name)
    _has(
        server.cloud.servers[server.records.rows[member].server],
        network.type,
        own.get("parent", ""),
    )
    members = {**network.members, member: {k: v for k, v in own.items() if v}}
    server.records.networks[name] = replace(network, members=members)


def _refuse_shared_ranges(config: Config) -> None:
    """As Validate in network/driver_bridge.go: dnsmasq would give the routers' addresses out."""
    dhcp = config.get("ipv4.dhcp", "true") != "false" and config.get("ipv4.address") != "none"
    if dhcp and config.get("ipv4.ovn.ranges") and not config.get("ipv4.dhcp.ranges"):
        raise bad(
            '"ipv4.ovn.ranges" must be used in conjunction with non-overlapping'
            ' "ipv4.dhcp.ranges" when DHCPv4 is enabled'
        )


def _refuse_unfit_fan(underlay: str) -> None:
    """As fanAddress in network/driver_bridge.go."""
    if underlay != "auto" and underlay.rpartition("/")[2] not in ("16", "24"):
        raise bad("Only /16 or /24 underlays are supported at this time")


def _resolved(kind: str, config: Config) -> dict[str, str]:
    """LXD chooses an address for `auto`, and for a bridge without an address."""
    chosen = {"ipv4.address": "10.0.0.1/24", "ipv6.address": "fd42::1/64"}
    found = {k: chosen.get(k, v) if v == "auto" else v for k, v in config.items()}
    if kind == "ovn":
        # The MTU that fits through the tunnels, also after the key is unset.
        found.setdefault("bridge.mtu", "1442")
    if kind == "bridge" and config.get("bridge.mode") == "fan":
        _refuse_unfit_fan(found.get("fan.underlay_subnet", "auto"))
        found.setdefault("fan.underlay_subnet", "auto")
        found.setdefault("ipv4.nat", "true")
    elif kind == "bridge":
        _refuse_shared_ranges(config)
        for family in ("ipv4", "ipv6"):
            found.setdefault(f"{family}.address", chosen[f"{family}.address"])
            if config.get(f"{family}.address", "auto") == "auto":
                found.setdefault(f"{family}.nat", "true")
    return found
