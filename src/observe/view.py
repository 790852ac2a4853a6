"""Looks at LXD, the snap and the machine, and changes nothing.

It sends LXD only the requests that a plan needs: five on most members, seven on the coordinator,
and one more for each pool.
"""

from __future__ import annotations

from dataclasses import replace

import deadlines
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from observe import unresponsive
from observe.addresses import addresses, deaf
from options.options import Options
from plan.forming import admission
from plan.member import is_coordinator
from plan.networks import contributions, networks, overlay_dhcp
from plan.storage import pools
from plan.verified_peers import believed
from ports.ports import Ports
from records import member_marks, pool_deletions
from relations import ceph, ovn
from state.cluster import ClusterView, Member, Server
from state.facts import Ceph, DatabaseCopy, Device, Folder, Forming, Ovn
from state.hook_input import HookInput, unbound
from state.unresponsive import WITHOUT_DATABASE, Unresponsive, UnresponsiveReason
from state.view import RunHistory, View
from values import lxd_versions
from values.addresses import host


def observe(juju: HookInput, ports: Ports, history: RunHistory) -> View:
    """Everything that a plan may depend on, in its current state."""
    snap = ports.snap.facts(juju.resource)
    neighbour = ports.machine.neighbour(juju.unit)
    lxd = _lxd(juju, ports) if snap.installed and not neighbour else None
    own_addresses = addresses(juju, lxd.server if isinstance(lxd, ClusterView) else None, ports)
    forming = ports.machine.forming()
    view = View(
        unit=juju.unit,
        leader=juju.leader,
        now=ports.clock(),
        options=juju.options,
        resource=juju.resource,
        hostname=ports.machine.hostname(),
        cluster_address=own_addresses.cluster,
        https_address=own_addresses.https,
        unbound=unbound(juju),
        zone=juju.zone,
        public_key=ports.machine.public_key(),
        snap=snap,
        lxd=lxd,
        neighbour=neighbour,
        given_devices=juju.devices,
        related=_related(juju, ports),
        bound=juju.bound,
        proxies=juju.proxies,
        overlays=ports.machine.overlays(),
        peers=juju.peers,
        units=juju.units,
        leaving=juju.leaving,
        tells=juju.tells,
        forming=forming,
        holds_data=_holds_data(juju, lxd, forming, ports),
        failures=ports.machine.failures(),
        noted_identity=ports.machine.identity(),
        noted_units=ports.machine.units(),
        unresponsive_since=ports.machine.unresponsive_since(),
        database=_database(juju, lxd, ports),
        folders=_folders(lxd, ports),
        arch=ports.machine.architecture(),
        history=history,
    )
    if isinstance(view.lxd, ClusterView) and view.lxd.server.clustered and view.peers:
        view = replace(view, peers=believed(view.peers, view.lxd))
    if isinstance(view.lxd, ClusterView) and lxd_versions.ends_buckets(
        view.lxd.server.version, snap.offered
    ):
        view = replace(view, lxd=_with_buckets(view.lxd, ports))
    return _with_machine(view, ports)


def _holds_data(
    juju: HookInput,
    lxd: ClusterView | Unresponsive | None,
    forming: Forming | None,
    ports: Ports,
) -> bool:
    """Whether a unit that forms the cluster or leaves has data in an LXD that does not answer."""
    looks = (forming is not None or juju.leaving) and isinstance(lxd, Unresponsive)
    return looks and ports.machine.has_data()


def _with_machine(view: View, ports: Ports) -> View:
    """The same, with what the wanted networks and pools need to know of this machine."""
    if needed := contributions.needs(view.options.networks_asked):
        view = replace(
            view, missing_capabilities={need: ports.machine.missing(need) for need in needed}
        )
    if _asks_for_interfaces(view):
        view = replace(view, interfaces=ports.machine.interfaces())
    if not _gives_to_pools(view):
        return view
    return replace(view, devices=_devices(view, ports), room=ports.machine.room())


def _devices(view: View, ports: Ports) -> dict[tuple[str, ...], tuple[Device, ...]]:
    asked = {p.devices for p in (view.default_pool, *view.more_pools) if p.devices}
    return {wanted: ports.machine.devices(wanted) for wanted in asked}


def _asks_for_interfaces(view: View) -> bool:
    """Whether a network is on an interface of this machine, or could conflict with it."""
    if not isinstance(view.lxd, ClusterView):
        return False
    asked = view.options.networks_asked
    there = {network.name for network in view.lxd.networks or ()}
    makes = view.lxd.nic is not None and not all(
        there & set(contributions.names(net)) for net in asked
    )
    return makes or not view.lxd.server.clustered or any(map(contributions.asks, asked))


def observe_networks(view: View, ports: Ports) -> View:
    """The same, with what otherwise only the coordinator looks at."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered or lxd.nic is not None:
        return view
    return replace(view, lxd=_with_networks(lxd, view.options, ports))


def _related(juju: HookInput, ports: Ports) -> dict[str, object]:
    """The answers of other applications, and whether this machine has the files that they need."""
    files = {ceph.RELATION.name: _ceph(juju, ports), ovn.RELATION.name: _ovn(juju, ports)}
    return {**juju.related, **files}


def _ceph(juju: HookInput, ports: Ports) -> Ceph | None:
    """Ceph's answer, and whether this machine has its files. Rendering them takes time."""
    told = ceph.RELATION.of(juju)
    if told is None or not told.ready:
        return told
    from host import ceph_files

    return replace(told, written=ports.machine.has(ceph_files.files(told)))


def _ovn(juju: HookInput, ports: Ports) -> Ovn | None:
    """OVN, and whether this machine has what opens it. Another charm's files are as good."""
    told = ovn.RELATION.of(juju)
    if told is None or not ovn.needs_files(told):
        return told
    return replace(told, written=ports.machine.opens_ovn(ovn.files(told)))


def _gives_to_pools(view: View) -> bool:
    """Whether this run needs the devices: looking at them takes a while."""
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or peers is None:
        return False
    if not lxd.server.clustered or pools.requests(peers):
        return True
    decided = peers.app.storage
    if lxd.pools is None:
        return False
    if decided is None:
        # It is not on record yet, and this may be the coordinator.
        return True
    return bool(pools.unmade(pools.wanted(view, decided, lxd.pools), lxd.pools))


def _database(
    juju: HookInput, lxd: ClusterView | Unresponsive | None, ports: Ports
) -> DatabaseCopy | None:
    """The disk's facts about the database. Looking takes a process: only if LXD does not answer.

    For a leaving unit that never was a member: whether its LXD is in somebody's cluster.
    """
    if not isinstance(lxd, Unresponsive):
        return None
    member = juju.peers is not None and bool(juju.peers.own.cluster)
    looks = lxd.reason in WITHOUT_DATABASE if member else juju.leaving
    return ports.database.copy() if looks else None


def _folders(lxd: ClusterView | Unresponsive | None, ports: Ports) -> dict[str, Folder]:
    """Where a member's images and backups really are, whatever LXD's configuration says."""
    member = isinstance(lxd, ClusterView) and lxd.server.clustered
    return ports.machine.folders() if member else {}


def _lxd(juju: HookInput, ports: Ports) -> ClusterView | Unresponsive:
    try:
        return _answers(juju, ports)
    except LxdStopped:
        return _answers_soon(juju, ports)
    except (LxdUnreachable, LxdError) as error:
        return unresponsive.of_error(error, juju, ports)


def _answers_soon(juju: HookInput, ports: Ports) -> ClusterView | Unresponsive:
    """The daemon may be starting: after an installation, a reboot, a reset."""
    try:
        ports.lxd.server.await_start(_time_to_start(juju, ports))
        return _answers(juju, ports)
    except LxdStopped as error:
        return unresponsive.of_stopped(error, juju, ports)
    except (LxdUnreachable, LxdError) as error:
        return unresponsive.of_error(error, juju, ports)


def _time_to_start(juju: HookInput, ports: Ports) -> float:
    """Seconds to wait for a daemon. For a leaving unit it is long only once."""
    waited = juju.leaving and ports.machine.unresponsive_since() is not None
    return deadlines.START_OF_LEAVER if waited else deadlines.START


def _named(server: Server, members: tuple[Member, ...]) -> Server:
    """The server by its name in the cluster: an operator may have renamed it.

    LXD 5.0 shows the old name until its daemon restarts. An address cannot change.
    """
    own = host(server.config.get("cluster.https_address", ""))
    if any(m.name == server.name for m in members):
        return server
    return next((replace(server, name=m.name) for m in members if m.address == own), server)


def _unreachable_without_unit(juju: HookInput, seen: ClusterView, ports: Ports) -> frozenset[str]:
    """Members that LXD calls online, that have no unit in Juju, and that do not answer."""
    if not juju.leader or juju.units is None:
        return frozenset()
    gone = [
        m
        for m in seen.members
        if m.up and (unit := member_marks.unit_of(m.name, seen)) and unit not in juju.units.in_juju
    ]
    return ports.lxd.members.unreachable(gone)


def _dead_without_unit(juju: HookInput, seen: ClusterView) -> bool:
    """Whether the leader must remove a dead member: it first moves what is on it."""
    in_juju = juju.units.in_juju if juju.leader and juju.units is not None else None
    away = [m.name for m in seen.members if not m.up or m.evacuated]
    units = {member_marks.unit_of(name, seen) for name in away}
    return in_juju is not None and not units <= in_juju


def _closed(juju: HookInput, seen: ClusterView, ports: Ports) -> frozenset[str]:
    """Units that are to join, and that no member would reach."""
    if juju.peers is None or (juju.leaving and not juju.tells) or seen.own is None:
        return frozenset()
    tried = admission.to_try(juju.unit, seen, juju.peers)
    members = ports.lxd.members
    return frozenset(
        unit
        for unit, data in tried.items()
        if not (members.shows_certificate if data.listens else members.may_be_reached)(data.address)
    )


def _members(juju: HookInput, server: Server, ports: Ports) -> tuple[Member, ...]:
    """The members. A daemon that answers and counts as offline has started a moment ago.

    The unit waits for it. The leader also waits for others, because it shows their status: no later
    event would say that they are online.
    """
    members = ports.lxd.members.list()
    own = _named(server, members).name
    offline = {m.name: m for m in members if m.offline}
    asked = set(offline) if juju.leader else {own} & set(offline)
    if asked:
        deaf = ports.lxd.members.unreachable([offline[name] for name in sorted(asked - {own})])
        members = ports.lxd.members.await_heartbeats(asked - deaf, deadlines.HEARTBEAT)
    return _proved(members, own, ports)


def _proved(members: tuple[Member, ...], own: str, ports: Ports) -> tuple[Member, ...]:
    """The members, after asking those that LXD calls evacuated: it calls dead ones so, too."""
    evacuated = [m for m in members if m.evacuated and m.name != own]
    unreachable = ports.lxd.members.unreachable(evacuated)
    return tuple(replace(m, answers=False) if m.name in unreachable else m for m in members)


def _server(juju: HookInput, ports: Ports) -> Server:
    """LXD itself. An interrupted hook's operation continues in LXD, and nobody checks it later.

    A leaving unit waits for it: otherwise its unit would be gone, and its cluster without a unit.
    """
    server = ports.lxd.server.get()
    if server.clustered or not juju.leaving or ports.machine.forming() is None:
        return server
    return ports.lxd.server.get() if ports.lxd.cluster.joined(deadlines.JOIN) else server


def _alone(juju: HookInput, server: Server, ports: Ports) -> ClusterView:
    """A server outside a cluster. For a leaving unit: everything that would be lost with it."""
    seen = ClusterView(server, instances=ports.lxd.instances.list())
    if juju.leaving:
        return replace(
            seen,
            volumes=ports.lxd.volumes.list_all(),
            buckets=ports.lxd.buckets.list_all(server.extensions),
            images=ports.lxd.images.list(),
        )
    return replace(
        seen,
        pools=ports.lxd.pools.list(),
        networks=ports.lxd.networks.list(),
        projects=frozenset(ports.lxd.projects.configs()),
        devices=frozenset(ports.lxd.profiles.default()["devices"]),
        deaf=deaf(juju, server, ports),
    )


def _answers(juju: HookInput, ports: Ports) -> ClusterView:
    server = _server(juju, ports)
    if not server.clustered:
        return _alone(juju, server, ports)
    members = _members(juju, server, ports)
    server = _named(server, members)
    seen = ClusterView(server, members, notes=ports.lxd.notes.read())
    seen = replace(seen, unreachable=_unreachable_without_unit(juju, seen, ports))
    seen = replace(seen, closed=_closed(juju, seen, ports))
    if juju.leaving:
        return _for_leaving(_with_holdings(juju, seen, ports), ports)
    if _someone_leaves(juju) or _dead_without_unit(juju, seen):
        seen = _with_contents(juju, seen, ports)
    existing = pool_deletions.marked(ports.lxd.pools.list(), seen.notes)
    made = [pool.name for pool in existing if not pool.half_made]
    unavailable, sources = ports.lxd.pools.parts(made, server.name)
    seen = replace(
        seen,
        pools=existing,
        unavailable=unavailable,
        sources=sources,
        stopped=ports.lxd.networks.unavailable(server.name),
        deaf=deaf(juju, server, ports),
    )
    if juju.peers is None or not is_coordinator(juju.unit, believed(juju.peers, seen), seen):
        spread = overlay_dhcp.asked(juju.options.networks_asked, ports.machine.overlays())
        return replace(seen, networks=ports.lxd.networks.list()) if spread else seen
    return _with_networks(seen, juju.options, ports)


def _with_holdings(juju: HookInput, seen: ClusterView, ports: Ports) -> ClusterView:
    """What members hold, and what decides where it can go.

    What is in a Ceph is on no member: it would be lost only if the cluster ends.
    """
    last = len(seen.members) == 1 or (juju.units is not None and not juju.units.staying)
    volumes, buckets = ports.lxd.volumes, ports.lxd.buckets
    extensions = seen.server.extensions
    instances = ports.lxd.instances.list()
    placed = any(instance.placement for instance in instances)
    seen = replace(
        seen,
        instances=instances,
        placements=ports.lxd.placements.policies() if placed else {},
        volumes=volumes.list_all() if last else volumes.list(),
        buckets=buckets.list_all(extensions) if last else buckets.list(extensions),
        allowed=ports.lxd.projects.allowed_groups(),
        pools=ports.lxd.pools.list(),
        networks=ports.lxd.networks.list(),
    )
    copied = seen.server.config.get("cluster.images_minimal_replica") != "1"
    if not juju.leaving or (copied and not last):
        return seen
    return replace(seen, images=ports.lxd.images.list())


def _for_leaving(seen: ClusterView, ports: Ports) -> ClusterView:
    """What a leaving member must know of the others, and of itself."""
    own = seen.server.name
    others = [m for m in seen.members if m.up and m.name != own]
    evacuated = seen.own is not None and seen.own.evacuated
    return replace(
        seen,
        unreachable=ports.lxd.members.unreachable(others),
        evacuating=evacuated and own in ports.lxd.members.evacuating(),
    )


def _with_contents(juju: HookInput, seen: ClusterView, ports: Ports) -> ClusterView:
    """What members hold, which only the leader shows: without it everything else continues."""
    try:
        return _with_holdings(juju, seen, ports)
    except (LxdError, LxdUnreachable) as error:
        asked = getattr(error, "request", "") or "a list"
        return replace(seen, refusals={asked: str(error)})


def _with_buckets(lxd: ClusterView, ports: Ports) -> ClusterView | Unresponsive:
    """The same, with the storage buckets on members' own disks."""
    try:
        return replace(lxd, buckets=ports.lxd.buckets.list(lxd.server.extensions))
    except LxdUnreachable as error:
        return Unresponsive(str(error))
    except LxdError as error:
        return Unresponsive(f"{error.request}: {error}", UnresponsiveReason.REFUSED)


def _with_networks(seen: ClusterView, options: Options, ports: Ports) -> ClusterView:
    """The networks and the default profile's nic; also their interfaces, if others are wanted."""
    nic = ports.lxd.profiles.default()["devices"].get("eth0", {})
    existing = ports.lxd.networks.list()
    members = [m.name for m in seen.members if m.up]
    parents = {
        name: ports.lxd.networks.parents(name, members)
        for name in (*networks.relisted(options, existing), *networks.by_hand(options, existing))
    }
    existing = tuple(replace(n, parents=parents.get(n.name, {})) for n in existing)
    return replace(seen, networks=existing, nic=nic)


def _someone_leaves(juju: HookInput) -> bool:
    """The leader shows what holds a unit back: a leaving unit can publish nothing any more."""
    return juju.leader and juju.units is not None and bool(juju.units.leaving)
