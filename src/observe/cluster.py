# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Looks at LXD and its cluster, and changes nothing.

It sends LXD only the requests that a plan needs: five on most members, six on the one that admits a
unit, seven on the coordinator, one more for each pool, and one for each network on an interface of
the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import deadlines
import modes
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from observe import bridges, devices, pool_parts, skew, unresponsive
from observe.addresses import not_listening
from options.options import Options
from plan import duties
from plan.forming import admission
from plan.networks import on_interfaces, overlay_dhcp, raw_nics
from plan.storage import pools
from plan.verified_peers import verified
from ports.ports import Ports
from records import member_marks, member_units, not_running, pool_deletions, without_nic
from state.cluster import ClusterView, Member, Server
from state.hook_input import HookInput
from state.unresponsive import Unresponsive, UnresponsiveReason
from values import profile_devices
from values.addresses import host


def look(juju: HookInput, ports: Ports) -> ClusterView | Unresponsive:
    """LXD and its cluster, or why LXD does not answer."""
    try:
        return _cluster_view(juju, ports)
    except LxdStopped:
        return _after_start(juju, ports)
    except (LxdUnreachable, LxdError) as error:
        return unresponsive.of_error(error, juju, ports)


def _after_start(juju: HookInput, ports: Ports) -> ClusterView | Unresponsive:
    """The same, once a daemon that may be starting answers: after an installation or a reboot."""
    try:
        ports.lxd.server.await_start(_time_to_start(juju, ports))
        return _cluster_view(juju, ports)
    except LxdStopped as error:
        return unresponsive.of_stopped(error, juju, ports)
    except (LxdUnreachable, LxdError) as error:
        return unresponsive.of_error(error, juju, ports)


def _time_to_start(juju: HookInput, ports: Ports) -> float:
    """Seconds to wait for a daemon. For a leaving unit it is long only once."""
    waited = juju.leaving and ports.machine.unresponsive_since() is not None
    return deadlines.START_WHILE_LEAVING if waited else deadlines.START


def _with_cluster_name(server: Server, members: tuple[Member, ...]) -> Server:
    """The server by its name in the cluster: an operator may have renamed it.

    LXD 5.0 shows the old name until its daemon restarts, and another member may have got that name.
    An address cannot change.
    """
    own = host(server.config.get("cluster.https_address", ""))
    name = next((m.name for m in members if m.address == own), server.name)
    return server if name == server.name else replace(server, name=name, old_name=server.name)


def _unreachable_without_unit(juju: HookInput, lxd: ClusterView, ports: Ports) -> frozenset[str]:
    """Members that LXD calls online, that have no unit in Juju, and that do not answer."""
    if not _handles_orphans(juju, lxd) or juju.units is None:
        return frozenset()
    without_unit = [
        m
        for m in lxd.members
        if m.up and (unit := member_units.unit_of(m, lxd)) and unit not in juju.units.in_juju
    ]
    return ports.lxd.members.unreachable(without_unit, lxd.server.fingerprint)


def _without_heartbeat(lxd: ClusterView, ports: Ports) -> frozenset[str]:
    """See `ClusterView.without_heartbeat`. One heartbeat shows that this daemon sends them."""
    own = lxd.own
    if own is None or not (own.leads and own.evacuated) or any(m.online for m in lxd.members):
        return frozenset()
    offline = [m for m in lxd.members if m.offline]
    return frozenset(m.name for m in offline) - ports.lxd.members.unreachable(
        offline, lxd.server.fingerprint
    )


def _dead_without_unit(juju: HookInput, lxd: ClusterView) -> bool:
    """Whether this unit must remove a dead member: it first moves that member's instances."""
    responsible = _handles_orphans(juju, lxd)
    in_juju = juju.units.in_juju if responsible and juju.units is not None else None
    away = [m for m in lxd.members if not m.up or m.evacuated]
    units = {member_units.unit_of(member, lxd) for member in away}
    return in_juju is not None and not units <= in_juju


def _unreachable_units(juju: HookInput, lxd: ClusterView, ports: Ports) -> frozenset[str]:
    """Units that wait to join, and whose LXD this member cannot reach."""
    if juju.peers is None or (juju.leaving and not juju.can_publish) or lxd.own is None:
        return frozenset()
    tried = admission.to_test(juju.unit, lxd, juju.peers)
    members = ports.lxd.members
    return frozenset(
        unit
        for unit, data in tried.items()
        if not (members.shows_certificate if data.listens else members.may_be_reached)(data.address)
    )


def _join_obstacles(
    juju: HookInput, lxd: ClusterView, ports: Ports
) -> Mapping[tuple[str, str], str]:
    """See `ClusterView.join_obstacles`."""
    waits = juju.peers is not None and admission.has_waiting(juju.unit, lxd, juju.peers)
    return ports.lxd.projects.join_obstacles() if waits else {}


def _waits_to_exchange(juju: HookInput) -> bool:
    """Whether this member has an attached LXD to install, and waits for the member before it.

    The heartbeats of that member may be late after its own exchange, and no later event would tell
    that they are back.
    """
    if juju.resource is None or juju.peers is None or not juju.peers.own.cluster:
        return False
    return juju.peers.own.snap != juju.resource.digest


def _members(juju: HookInput, server: Server, ports: Ports) -> tuple[tuple[Member, ...], bool]:
    """The members, and whether the clock here is ahead of the Raft leader's.

    If the daemon here answers and is called offline, it has just started: the unit waits for its
    heartbeat. The leader also waits for the other members' heartbeats, because it shows their
    status: no later event would say that they are online.
    """
    members = ports.lxd.members.list()
    own = _with_cluster_name(server, members).name
    offline = {m.name: m for m in members if m.offline}
    awaited = set(offline) if juju.leader or _waits_to_exchange(juju) else {own} & set(offline)
    if awaited:
        unreachable = ports.lxd.members.unreachable(
            [offline[name] for name in sorted(awaited - {own})], server.fingerprint
        )
        before = members
        members = ports.lxd.members.await_heartbeats(awaited - unreachable, deadlines.HEARTBEAT)
        members, ahead = skew.corrected(members, before, own)
        return _with_answers(members, own, server.fingerprint, ports), ahead
    return _with_answers(members, own, server.fingerprint, ports), False


def _with_answers(
    members: tuple[Member, ...], own: str, fingerprint: str, ports: Ports
) -> tuple[Member, ...]:
    """The members, with whether evacuated ones answer: LXD also calls dead ones evacuated."""
    evacuated = [m for m in members if m.evacuated and m.name != own]
    unreachable = ports.lxd.members.unreachable(evacuated, fingerprint)
    return tuple(replace(m, answers=False) if m.name in unreachable else m for m in members)


def _server(ports: Ports) -> Server:
    """LXD itself, once no bootstrap or join is in progress.

    LXD continues these when the hook is killed. A leaving unit would not wait for the end, and
    leave a cluster without a unit. Any other unit would reset an LXD that joins: the cluster's
    database keeps such a half member, and the machine's next joins hung (seen with 5.0.2).
    """
    server = ports.lxd.server.get()
    if server.clustered or ports.machine.forming() is None:
        return server
    return ports.lxd.server.get() if ports.lxd.cluster.joined(deadlines.JOIN) else server


def _unclustered_view(juju: HookInput, server: Server, ports: Ports) -> ClusterView:
    """A server outside a cluster, with what would be lost if it joined or went with its unit."""
    lxd = ClusterView(server, instances=ports.lxd.instances.list(), images=ports.lxd.images.list())
    if juju.leaving:
        return replace(
            lxd,
            volumes=ports.lxd.volumes.list_all(),
            buckets=ports.lxd.buckets.list_all(server.extensions),
        )
    return replace(
        lxd,
        pools=ports.lxd.pools.list(),
        networks=ports.lxd.networks.list(),
        projects=frozenset(ports.lxd.projects.configs()),
        profiles=ports.lxd.profiles.names(),
        devices=frozenset(ports.lxd.profiles.default()["devices"]),
        not_listening=not_listening(juju, server, ports),
    )


def _cluster_view(juju: HookInput, ports: Ports) -> ClusterView:
    server = _server(ports)
    if not server.clustered:
        return _unclustered_view(juju, server, ports)
    members, ahead = _members(juju, server, ports)
    server = _with_cluster_name(server, members)
    lxd = ClusterView(server, members, notes=ports.lxd.notes.read(), clock_ahead=ahead)
    lxd = replace(lxd, unreachable=_unreachable_without_unit(juju, lxd, ports))
    lxd = replace(
        lxd,
        unreachable_units=_unreachable_units(juju, lxd, ports),
        without_heartbeat=_without_heartbeat(lxd, ports),
        join_obstacles=_join_obstacles(juju, lxd, ports),
    )
    if juju.leaving:
        return _for_leaving(_with_holdings(juju, lxd, ports), ports)
    if _needs_contents(juju, lxd):
        lxd = _with_contents(juju, lxd, ports)
    existing = pool_deletions.marked(ports.lxd.pools.list(), lxd.notes)
    made = [pool.name for pool in existing if not pool.half_made]
    unavailable, sources = pool_parts.look(made, server.name, ports)
    lxd = replace(
        lxd,
        pools=existing,
        unavailable=unavailable,
        degraded=devices.degraded(made, server.name, ports),
        sources=sources,
        stopped=bridges.deleted(server.name, ports) | ports.lxd.networks.unavailable(server.name),
        not_listening=not_listening(juju, server, ports),
    )
    if sum(pools.PROFILE in pool.used_by for pool in existing) > 1:
        lxd = replace(lxd, root=profile_devices.root_pool(_default_devices(ports)))
    if _coordinates(juju, lxd):
        lxd = with_networks(lxd, juju.options, ports)
    else:
        lxd = _with_own_networks(juju, lxd, ports)
    return _with_own_parents(juju, lxd, ports)


def _with_own_networks(juju: HookInput, lxd: ClusterView, ports: Ports) -> ClusterView:
    """The networks, if this member may have to change its own part of one, or admits units."""
    others = juju.peers.others.values() if juju.peers else ()
    overlays, nets = ports.machine.overlays(), juju.options.wanted_networks
    parts = any(modes.MODES[net.mode].own_parent for net in nets)
    concerned = parts or overlay_dhcp.concerned(nets, overlays, others) or _admits(juju, lxd)
    return replace(lxd, networks=ports.lxd.networks.list()) if concerned else lxd


def _coordinates(juju: HookInput, lxd: ClusterView) -> bool:
    """Whether this member is the coordinator."""
    peers = juju.peers
    return peers is not None and duties.is_coordinator(juju.unit, verified(peers, lxd), lxd)


def _admits(juju: HookInput, lxd: ClusterView) -> bool:
    """Whether a unit waits to join, and this member is the one to admit it."""
    if juju.peers is None or not any(data.able for data in juju.peers.others.values()):
        return False
    return duties.is_token_issuer(juju.unit, verified(juju.peers, lxd), lxd)


def _with_own_parents(juju: HookInput, lxd: ClusterView, ports: Ports) -> ClusterView:
    """The same, with this member's interfaces of the networks that the options name."""
    own = lxd.server.name
    names = on_interfaces.listed(juju.options, lxd.networks or ())
    found = {name: ports.lxd.networks.parents(name, [own]) for name in names}
    known = {name: parents[own] for name, parents in found.items() if own in parents}
    return replace(lxd, own_parents=known)


def _with_holdings(juju: HookInput, lxd: ClusterView, ports: Ports) -> ClusterView:
    """The view with what members hold, and with what decides where that can move.

    Content in a Ceph is left out, except when the cluster ends: it is on no member.
    """
    last = len(lxd.members) == 1 or (juju.units is not None and not juju.units.staying)
    volumes, buckets = ports.lxd.volumes, ports.lxd.buckets
    extensions = lxd.server.extensions
    instances = ports.lxd.instances.list()
    placed = any(instance.placement for instance in instances)
    lxd = replace(
        lxd,
        instances=instances,
        placements=ports.lxd.placements.policies() if placed else {},
        volumes=volumes.list_all() if last else volumes.list(),
        buckets=buckets.list_all(extensions) if last else buckets.list(extensions),
        allowed=ports.lxd.projects.allowed_groups(),
        pools=ports.lxd.pools.list(),
        networks=ports.lxd.networks.list(),
    )
    copied = lxd.server.config.get("cluster.images_minimal_replica") != "1"
    if not juju.leaving or (copied and not last):
        return lxd
    return replace(lxd, images=ports.lxd.images.list())


def _for_leaving(lxd: ClusterView, ports: Ports) -> ClusterView:
    """The view with what a leaving member must know about the others, and about itself."""
    own = lxd.server.name
    others = [m for m in lxd.members if m.up and m.name != own]
    return replace(
        lxd,
        unreachable=ports.lxd.members.unreachable(others, lxd.server.fingerprint),
        # LXD calls a member online as soon as it begins to restore it.
        evacuating=own in ports.lxd.members.evacuating(),
    )


def _with_contents(juju: HookInput, lxd: ClusterView, ports: Ports) -> ClusterView:
    """The view with what members hold. Only the leader's status needs it, so LXD may refuse it."""
    try:
        return _with_holdings(juju, lxd, ports)
    except (LxdError, LxdUnreachable) as error:
        request = getattr(error, "request", "") or "a list"
        return replace(lxd, refusals={request: str(error)})


def with_buckets(lxd: ClusterView, ports: Ports) -> ClusterView | Unresponsive:
    """The same, with the storage buckets on members' own disks."""
    return _if_answered(lambda: replace(lxd, buckets=ports.lxd.buckets.list(lxd.server.extensions)))


def with_raw_nics(lxd: ClusterView, ports: Ports) -> ClusterView | Unresponsive:
    """The same, with the nics of instances on interfaces of the machines."""
    return _if_answered(lambda: _with_raw_nics(lxd, ports))


def _if_answered(look: Callable[[], ClusterView]) -> ClusterView | Unresponsive:
    """The result of a look at LXD, or why LXD does not answer."""
    try:
        return look()
    except LxdUnreachable as error:
        return Unresponsive(str(error))
    except LxdError as error:
        return Unresponsive(f"{error.request}: {error}", UnresponsiveReason.REFUSED)


def with_networks(lxd: ClusterView, options: Options, ports: Ports) -> ClusterView:
    """The view with networks and the default profile's devices; with interfaces if they change."""
    devices = _default_devices(ports)
    nic, root = devices.get("eth0", {}), profile_devices.root_pool(devices)
    existing = ports.lxd.networks.list()
    members = [m.name for m in lxd.members if m.up]
    with_parents = {
        *on_interfaces.with_changed_list(options, existing),
        *on_interfaces.by_hand(options, existing),
        *on_interfaces.beside_uplinks(options, existing),
    }
    parents = {name: ports.lxd.networks.parents(name, members) for name in sorted(with_parents)}
    existing = tuple(replace(n, parents=parents.get(n.name, {})) for n in existing)
    lacking = ports.lxd.profiles.still_without_nic(without_nic.read(lxd.notes))
    lxd = replace(lxd, networks=existing, nic=nic, root=root, without_nic=lacking)
    if on_interfaces.uplink_due(options, existing) or on_interfaces.uplink_moves(options, existing):
        return _with_raw_nics(lxd, ports)
    return lxd


def _with_raw_nics(lxd: ClusterView, ports: Ports) -> ClusterView:
    return replace(lxd, raw_nics=raw_nics.of_instances(ports.lxd.instances.list()))


def _default_devices(ports: Ports) -> dict[str, dict[str, str]]:
    """The devices of the default profile."""
    return ports.lxd.profiles.default()["devices"]


def _needs_contents(juju: HookInput, lxd: ClusterView) -> bool:
    """Whether the leader shows, moves or starts what members hold."""
    return (
        _has_leaving_unit(juju)
        or _dead_without_unit(juju, lxd)
        or _has_stopped_instances(juju, lxd)
    )


def _has_leaving_unit(juju: HookInput) -> bool:
    """Whether the leader shows what holds a unit: a leaving unit can publish nothing any more."""
    return juju.leader and juju.units is not None and bool(juju.units.leaving)


def _has_stopped_instances(juju: HookInput, lxd: ClusterView) -> bool:
    """Whether units that are gone have stopped instances: the leader starts them, or names them."""
    stopped = member_marks.members_with_stopped(lxd.notes) or not_running.read(lxd.notes)
    return bool(stopped) and _handles_orphans(juju, lxd)


def _handles_orphans(juju: HookInput, lxd: ClusterView) -> bool:
    peers = juju.peers
    if peers is not None and peers.app.delegated:
        # Only in this case other units' data decide.
        peers = verified(peers, lxd)
    return duties.handles_orphans(juju.unit, leads=juju.leader, peers=peers, lxd=lxd)
