# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's contribution to the cluster's networks, or why it has none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fnmatch import fnmatch

import modes
from modes import parent_checks, vxlan
from plan.networks.machine_subnets import in_use, overlap, published, subnets, taken
from plan.networks.wanted_networks import made, names
from relations import ovn
from state.cluster import ClusterView
from state.peers import OnParent, ParentInterface, Token
from state.view import Peers, View
from values.interface import Interface
from values.status import Status, StatusText, blocked
from values.wanted_network import WantedNetwork

PARENTS = "user.lxd-cluster.parents"
"""LXD's key of a network: the names by which a later machine looks for its interface."""
UNFINISHED = "unfinished-change"
"""The value of that key while the members' interfaces change. It is too long for an interface."""
EXTERNAL = "bridge.external_interfaces"
"""LXD's key of a bridge: interfaces of the member's machine that are its ports."""


def is_on_binding(wanted: WantedNetwork) -> bool:
    """Whether a network depends on the binding `network`: it names no interface."""
    mode = modes.MODES[wanted.mode]
    return not wanted.parents and (mode.needs_parent or mode.off_subnet is not None)


def question(wanted: WantedNetwork) -> str:
    """The question of a network to every unit. An answer is valid for one question only."""
    parts = [wanted.mode, *wanted.parents, *subnets(wanted)]
    numbers = {"vlan": wanted.vlan, "mtu": wanted.mtu}
    parts += [f"{word}={number}" for word, number in numbers.items() if number]
    mode = modes.MODES[wanted.mode]
    if mode.off_subnet is not None:
        chosen = mode.chosen & wanted.config.keys()
        parts += [f"{key}={wanted.config[key]}" for key in sorted(chosen)]
    return " ".join([*parts, *([wanted.group] if wanted.mode == modes.SPREAD else [])])


def asks_units(wanted: WantedNetwork) -> bool:
    """Whether a network asks the units anything."""
    mode = modes.MODES[wanted.mode]
    tunnels = wanted.mode == modes.SPREAD
    return mode.on_parent(wanted) or tunnels or bool(mode.needs) or bool(subnets(wanted))


def needs_interfaces(wanted: WantedNetwork) -> bool:
    """Whether a network needs a machine's interfaces."""
    return asks_units(wanted) or modes.MODES[wanted.mode].one_name or _is_bridge(wanted.mode)


def to_networks(view: View) -> dict[str, ParentInterface]:
    """This unit's answers, by question."""
    answers = [
        (net, to_network(view, net)) for net in view.options.wanted_networks if asks_units(net)
    ]
    return {
        question(net): _unless_shared(net, contribution, answers) for net, contribution in answers
    }


def to_network(view: View, wanted: WantedNetwork) -> ParentInterface:
    """This unit's contribution to one network."""
    if problem := overlap(view, wanted):
        return ParentInterface(problem=problem)
    mode = modes.MODES[wanted.mode]
    if mode.needs:
        return ParentInterface(problem=_missing_need(view, mode.needs) or _off_subnet(view, wanted))
    if wanted.mode == modes.SPREAD:
        return _tunnel(view, wanted).model_copy(update={"taken": _taken(view, wanted)})
    if not mode.on_parent(wanted):
        return ParentInterface()
    return _parent(view, wanted)


def _taken(view: View, wanted: WantedNetwork) -> tuple[str, ...]:
    """Subnets that a network must not get. Once it is made, changes of them are not published."""
    published = view.peers.own.links.get(question(wanted)) if view.peers else None
    chosen = isinstance(view.lxd, ClusterView) and any(made(view.lxd, n) for n in names(wanted))
    return published.taken if published and chosen else taken(view, wanted)


def before_join(view: View, token: Token | None) -> tuple[dict[str, dict[str, str]], Status | None]:
    """This unit's own keys of the cluster's networks; or why it can have no part in one.

    A member without what is wanted now would block the change.
    """
    if problem := next(filter(None, _problems(view)), None):
        return {}, blocked(problem)
    keys_by_network: dict[str, dict[str, str]] = {}
    for record in token.networks if token else _placed(view):
        keys = _to_existing(view, record)
        if isinstance(keys, str):
            return {}, blocked(keys)
        keys_by_network[record.name] = keys
    return keys_by_network, None


def _problems(view: View) -> Iterator[str]:
    """Why this unit can have no part in the wanted networks. An empty text is not a problem."""
    yield from (contribution.problem for contribution in to_networks(view).values())
    for net in view.options.wanted_networks:
        yield _other_name(view, net)
        for name in names(net):
            if interface := clashing_interface(view.interfaces, name, net.mode):
                yield _name_taken(name, interface)
    yield _taken_name(view) or in_use(view)


def _other_name(view: View, wanted: WantedNetwork) -> str:
    """Why this unit cannot join a network whose interface has another name on the members."""
    if not modes.MODES[wanted.mode].one_name or view.peers is None:
        return ""
    own = to_network(view, wanted).parent
    members = _parents_of_members(view.peers, question(wanted))
    other = next(((unit, parent) for unit, parent in members.items() if parent != own), None)
    return "" if other is None else differing(wanted.mode, own, view.unit, *reversed(other))


def _parents_of_members(peers: Peers, question: str) -> dict[str, str]:
    """By unit of a member: the interface that it gives to a network.

    A member that cannot have a part in the network blocks it by itself.
    """
    answers = {u: d.links.get(question) for u, d in sorted(peers.others.items()) if d.cluster}
    return {u: answer.parent for u, answer in answers.items() if answer and not answer.problem}


def differing(mode: str, parent: str, unit: str, other_parent: str, other_unit: str) -> StatusText:
    """The message about a network that needs the same interface on all machines."""
    parents = f"{parent} on {unit}, {other_parent} on {other_unit}"
    return f"{mode} needs one name on all machines: {parents}"


def _placed(view: View) -> list[OnParent]:
    """Networks that no option names, from the members' data: needed until there is a token."""
    others = view.peers.others.values() if view.peers else ()
    return [record for data in others if data.cluster for record in data.placed]


def _to_existing(view: View, record: OnParent) -> dict[str, str] | StatusText:
    """This unit's own keys of an existing network; or why it can have no part in it."""
    mode = modes.MODES.get(record.mode)
    if mode is None:
        return f"network {record.name}: this charm does not know the mode {record.mode}"
    if not mode.own_parent:
        return _external(view, record.ports or (record.on,))
    wanted_parents = _wanted_parents(view)
    by_hand = record.name not in wanted_parents and not record.parents
    # A network that is defined but not made yet has no list of its own.
    parents = record.on if by_hand else record.parents or wanted_parents.get(record.name, ())
    wanted = WantedNetwork(record.name, record.mode, parents, vlan=record.vlan, mtu=record.mtu)
    if by_hand and not _selected(view, wanted):
        return _no_such_interface(record.name, parents)
    contribution = to_network(view, wanted)
    if contribution.problem:
        return f"network {record.name}: {contribution.problem}"
    return mode.own(contribution.parent)


def _wanted_parents(view: View) -> dict[str, tuple[str, ...]]:
    """By each name that a network of the options may have: its list of interfaces."""
    return {name: net.parents for net in view.options.wanted_networks for name in names(net)}


def _external(view: View, combinations: Iterable[tuple[str, ...]]) -> dict[str, str]:
    """This unit's own keys of a bridge that an operator gave interfaces of the members' machines.

    LXD attaches an existing interface when it starts the bridge, and refuses one with an address.
    Two members may use different interfaces for the same wire, and both on one bridge are a loop:
    this unit takes one member's combination, the one that it has most of.
    """
    here = {i.name for i in view.interfaces}
    used = {i.name for i in view.interfaces if i.subnets or i.master}

    def is_here(name: str) -> bool:
        # `eth0.7/eth0/7` is a VLAN that LXD makes on eth0.
        return not here.isdisjoint(name.split("/"))

    free = [
        [name for name in names if name.partition("/")[0] not in used] for names in combinations
    ]
    chosen = max(free, key=lambda names: sum(map(is_here, names)), default=list[str]())
    return {EXTERNAL: ",".join(chosen)} if chosen else {}


def _no_such_interface(network: str, interfaces: Iterable[str]) -> StatusText:
    """The message for a machine without an interface of the members' names, with the remedy."""
    sought = " or ".join(interfaces) or "interface"
    return f"network {network}: no {sought} here: lxc network set {network} {PARENTS}=NAME"


def clashing_interface(interfaces: Iterable[Interface], name: str, mode: str) -> str:
    """The machine's own interface that LXD would treat as a part of its bridge `name`.

    When LXD starts a bridge, it deletes every interface whose name begins with the bridge's name
    and a hyphen, because it has its own tunnels there (by source, 5.0 to 6.9): with `br` it deletes
    OVN's `br-int`. An interface with the same name prevents LXD from making the bridge.
    """
    if not _is_bridge(mode):
        return ""
    return next((i.name for i in interfaces if f"{i.name}-".startswith(f"{name}-")), "")


def _is_bridge(mode: str) -> bool:
    """Whether LXD makes a bridge for a network of this mode."""
    return modes.MODES[mode].type == modes.MODES["bridge"].type


def clashes(view: View) -> dict[str, str]:
    """By possible name of a wanted bridge: the interface here that LXD would delete, or empty.

    The coordinator makes the bridge once every member's unit has answered about its name.
    """
    # An existing bridge has interfaces of its own.
    foreign = [interface for interface in view.interfaces if not interface.made_by_lxd]
    return {
        name: clashing_interface(foreign, name, "bridge") for name in sorted(wanted_bridges(view))
    }


def wanted_bridges(view: View) -> set[str]:
    """The possible names of the wanted networks that LXD makes a bridge for."""
    wanted = [net for net in view.options.wanted_networks if _is_bridge(net.mode)]
    return {name for net in wanted for name in names(net)}


def needs(wanted: Iterable[WantedNetwork]) -> frozenset[str]:
    """What these networks need of each machine beside LXD."""
    return frozenset(modes.MODES[net.mode].needs for net in wanted) - {""}


def _missing_need(view: View, need: str) -> str:
    """Why this machine can have no part in such a network, empty if it can."""
    unreached = _unreached_ovn(view) if need == ovn.RELATION.name else ""
    return unreached or view.missing_capabilities.get(need, "")


def _unreached_ovn(view: View) -> StatusText:
    """Why this machine cannot reach OVN's database, empty if it can."""
    answer = ovn.RELATION.of(view)
    if answer and answer.problem:
        return f"ovn: {answer.problem}: see juju show-unit {view.unit}"
    if answer is None or not answer.northbound:
        return "ovn: integrate it with ovn-central, or set ovn-northbound"
    if not answer.written and answer.microovn:
        return "ovn: no certificate: snap connect lxd:ovn-certificates microovn"
    if not answer.written:
        return "ovn: no certificate for its database: integrate with vault:certificates"
    return ""


def _off_subnet(view: View, wanted: WantedNetwork) -> str:
    """Why this machine has no place on the subnet that a network needs, empty if it has one."""
    off_subnet = modes.MODES[wanted.mode].off_subnet
    return off_subnet(view.interfaces, view.bound.subnet, wanted) if off_subnet else ""


def members_version(view: View) -> int:
    """The version of IP between the members."""
    return 6 if ":" in view.cluster_address else 4


def _parent(view: View, wanted: WantedNetwork) -> ParentInterface:
    mode = modes.MODES[wanted.mode]
    contribution = _first_fit(
        view, wanted, lambda i: mode.unfit(wanted, i) or _taken_vlan(view, wanted, i)
    )
    meant = next((i for i in view.interfaces if i.name == contribution.parent), None)
    if meant is not None and (why := mode.unready(wanted, meant)):
        return ParentInterface(problem=_unfit(meant.name, why, wanted))
    return contribution


def _taken_vlan(view: View, wanted: WantedNetwork, interface: Interface) -> str:
    """What the machine itself uses the VLAN of an uplink for. A bridge can be shared."""
    if not modes.MODES[wanted.mode].exclusive or interface.bridge:
        return ""
    return parent_checks.taken_vlan(wanted.vlan, interface, view.interfaces)


def _tunnel(view: View, wanted: WantedNetwork) -> ParentInterface:
    """The interface for the tunnels to the other members.

    If none is named, LXD takes the one of IPv4's default route, for any group (by source, 5.0 to
    6.9).
    """
    version = vxlan.version(wanted, members_version(view))
    if wanted.parents:
        return _first_fit(view, wanted, lambda i: parent_checks.of_tunnel(wanted, i, version))
    out = next((i for i in view.interfaces if 4 in i.defaults), None)
    if out is None:
        return ParentInterface(
            problem=f"no IPv4 default route: set network-parent for {wanted.name}"
        )
    if why := parent_checks.of_tunnel(wanted, out, version):
        return ParentInterface(problem=f"{out.name} {why}: set network-parent for {wanted.name}")
    return ParentInterface()


def _first_fit(
    view: View, wanted: WantedNetwork, unfit: Callable[[Interface], str]
) -> ParentInterface:
    interfaces = _selected(view, wanted)
    if not interfaces:
        return ParentInterface(problem=_no_interface(view, wanted))
    fit = next((interface for interface in interfaces if not unfit(interface)), None)
    if fit is None:
        return ParentInterface(problem=_unfit(interfaces[0].name, unfit(interfaces[0]), wanted))
    return ParentInterface(parent=fit.name)


def _unfit(interface: str, why: str, wanted: WantedNetwork) -> StatusText:
    return f"{interface} {why}: name another for {wanted.name}"


def _unless_shared(
    wanted: WantedNetwork,
    contribution: ParentInterface,
    answers: Iterable[tuple[WantedNetwork, ParentInterface]],
) -> ParentInterface:
    """The same answer, unless an uplink would use the interface of another network.

    LXD refuses that for an uplink, unless both use their own VLANs (by source; for those see
    `lxd.uplink_errors`, too). The kernel refuses a macvlan on an interface of Open vSwitch.
    """
    if not modes.MODES[wanted.mode].exclusive or not contribution.parent:
        return contribution
    for other, answer in answers:
        apart = wanted.vlan and other.vlan and wanted.vlan != other.vlan
        on_it = other.name != wanted.name and modes.MODES[other.mode].own_parent
        if on_it and answer.parent == contribution.parent and not apart:
            return ParentInterface(
                problem=_unfit(contribution.parent, f"is used by {other.name}", wanted)
            )
    return contribution


def _selected(view: View, wanted: WantedNetwork) -> list[Interface]:
    """The selected interfaces of this machine, in order of preference."""
    patterns = wanted.parents or tuple(filter(None, [view.bound.interface]))
    interfaces = [i for i in view.interfaces if i.name != "lo"]
    matching = [i for pattern in patterns for i in interfaces if fnmatch(i.name, pattern)]
    return list({interface.name: interface for interface in matching}.values())


def _no_interface(view: View, wanted: WantedNetwork) -> StatusText:
    option = "network-parent" if wanted.name == view.options.network_name else "networks: parent"
    if not wanted.parents:
        return f"{option}: name the interface for the network {wanted.name}"
    return f"{option}={' '.join(wanted.parents)[:30]}: not on this machine"


def _name_taken(network: str, interface: str) -> StatusText:
    return f"network {network}: this machine has the interface {interface}: rename it"


def _taken_name(view: View) -> str:
    """The message if an interface here has the name of a bridge of the cluster, else empty."""
    found = [
        (name, clashing_interface(view.interfaces, name, "bridge")) for name, *_ in published(view)
    ]
    return next((_name_taken(name, interface) for name, interface in found if interface), "")


def resolved(wanted: WantedNetwork, parent: str) -> WantedNetwork:
    """A network with the one name that its interface has on every machine."""
    return replace(wanted, parents=(parent,)) if parent else wanted
