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
from plan.member import is_steward
from plan.networks import contributions, networks, overlay_dhcp
from plan.storage import pools
from plan.verified_peers import believed
from ports.world import World
from records import member_marks
from relations import ovn
from state.cluster import Lxd, Member, Server
from state.facts import Ceph, DatabaseCopy, Device, Folder, Ovn
from state.hook_input import Juju, unbound
from state.unresponsive import WITHOUT_DATABASE, Silence, Silent
from state.view import Events, View
from values import lxd_versions
from values.addresses import host


def observe(juju: Juju, world: World, events: Events) -> View:
    """Everything that a plan may depend on, in its current state."""
    snap = world.snap.facts(juju.resource)
    lxd = _lxd(juju, world) if snap.installed else None
    own_addresses = addresses(juju, lxd.server if isinstance(lxd, Lxd) else None, world)
    forming = world.machine.forming()
    looks_for_data = forming is not None or juju.leaving
    view = View(
        unit=juju.unit,
        leader=juju.leader,
        now=world.clock(),
        options=juju.options,
        resource=juju.resource,
        hostname=world.machine.hostname(),
        cluster_address=own_addresses.cluster,
        https_address=own_addresses.https,
        unbound=unbound(juju),
        zone=juju.zone,
        public_key=world.machine.public_key(),
        snap=snap,
        lxd=lxd,
        given_devices=juju.devices,
        ceph=_ceph(juju, world),
        ovn=_ovn(juju, world),
        bound=juju.bound,
        proxies=juju.proxies,
        segments=world.machine.segments(),
        peers=juju.peers,
        units=juju.units,
        leaving=juju.leaving,
        tells=juju.tells,
        forming=forming,
        holds_data=looks_for_data and isinstance(lxd, Silent) and world.machine.has_data(),
        failures=world.machine.failures(),
        noted_identity=world.machine.identity(),
        noted_units=world.machine.units(),
        silent_since=world.machine.silent_since(),
        database=_database(juju, lxd, world),
        folders=_folders(lxd, world),
        arch=world.machine.architecture(),
        events=events,
    )
    if isinstance(view.lxd, Lxd) and view.lxd.server.clustered and view.peers:
        view = replace(view, peers=believed(view.peers, view.lxd))
    if isinstance(view.lxd, Lxd) and lxd_versions.ends_buckets(
        view.lxd.server.version, snap.offered
    ):
        view = replace(view, lxd=_with_buckets(view.lxd, world))
    if needed := contributions.needs(view.options.networks_asked):
        view = replace(view, lacks={need: world.machine.lacks(need) for need in needed})
    if _asks_for_interfaces(view):
        view = replace(view, interfaces=world.machine.interfaces())
    if not _gives_to_pools(view):
        return view
    return replace(view, devices=_devices(view, world), room=world.machine.room())


def _devices(view: View, world: World) -> dict[tuple[str, ...], tuple[Device, ...]]:
    asked = {p.devices for p in (view.default_pool, *view.more_pools) if p.devices}
    return {wanted: world.machine.devices(wanted) for wanted in asked}


def _asks_for_interfaces(view: View) -> bool:
    """Whether a network is on an interface of this machine, or could conflict with it."""
    if not isinstance(view.lxd, Lxd):
        return False
    asked = view.options.networks_asked
    there = {network.name for network in view.lxd.networks or ()}
    makes = view.lxd.nic is not None and not all(
        there & set(contributions.names(net)) for net in asked
    )
    return makes or not view.lxd.server.clustered or any(map(contributions.asks, asked))


def observe_networks(view: View, world: World) -> View:
    """The same, with what otherwise only the coordinator looks at."""
    lxd = view.lxd
    if not isinstance(lxd, Lxd) or not lxd.server.clustered or lxd.nic is not None:
        return view
    return replace(view, lxd=_with_networks(lxd, view.options, world))


def _ceph(juju: Juju, world: World) -> Ceph | None:
    """Ceph's answer, and whether this machine has its files. Rendering them takes time."""
    if juju.ceph is None or not juju.ceph.ready:
        return juju.ceph
    from host import ceph_files

    return replace(juju.ceph, written=world.machine.has(ceph_files.files(juju.ceph)))


def _ovn(juju: Juju, world: World) -> Ovn | None:
    """OVN, and whether this machine has what opens it. Another charm's files are as good."""
    if juju.ovn is None or not ovn.needs_files(juju.ovn):
        return juju.ovn
    return replace(juju.ovn, written=world.machine.opens_ovn(ovn.files(juju.ovn)))


def _gives_to_pools(view: View) -> bool:
    """Whether this run needs the devices: looking at them takes a while."""
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, Lxd) or peers is None:
        return False
    if not lxd.server.clustered or pools.calls(peers):
        return True
    decided = peers.app.storage
    if lxd.pools is None:
        return False
    if decided is None:
        # It is not on record yet, and this may be the coordinator.
        return True
    return bool(pools.unmade(pools.wanted(view, decided, lxd.pools), lxd.pools))


def _database(juju: Juju, lxd: Lxd | Silent | None, world: World) -> DatabaseCopy | None:
    """The disk's facts about the database. Looking takes a process: only if LXD does not answer.

    For a leaving unit that never was a member: whether its LXD is in somebody's cluster.
    """
    if not isinstance(lxd, Silent):
        return None
    member = juju.peers is not None and bool(juju.peers.own.cluster)
    looks = lxd.kind in WITHOUT_DATABASE if member else juju.leaving
    return world.database.copy() if looks else None


def _folders(lxd: Lxd | Silent | None, world: World) -> dict[str, Folder]:
    """Where a member's images and backups really are, whatever LXD's configuration says."""
    member = isinstance(lxd, Lxd) and lxd.server.clustered
    return world.machine.folders() if member else {}


def _lxd(juju: Juju, world: World) -> Lxd | Silent:
    try:
        return _answers(juju, world)
    except LxdStopped:
        return _answers_soon(juju, world)
    except (LxdUnreachable, LxdError) as error:
        return unresponsive.of_error(error, juju, world)


def _answers_soon(juju: Juju, world: World) -> Lxd | Silent:
    """The daemon may be starting: after an installation, a reboot, a reset."""
    try:
        world.lxd.server.await_start(_time_to_start(juju, world))
        return _answers(juju, world)
    except LxdStopped as error:
        return unresponsive.of_stopped(error, juju, world)
    except (LxdUnreachable, LxdError) as error:
        return unresponsive.of_error(error, juju, world)


def _time_to_start(juju: Juju, world: World) -> float:
    """Seconds to wait for a daemon. For a leaving unit it is long only once."""
    waited = juju.leaving and world.machine.silent_since() is not None
    return deadlines.START_OF_LEAVER if waited else deadlines.START


def _named(server: Server, members: tuple[Member, ...]) -> Server:
    """The server by its name in the cluster: an operator may have renamed it.

    LXD 5.0 shows the old name until its daemon restarts. An address cannot change.
    """
    own = host(server.config.get("cluster.https_address", ""))
    if any(m.name == server.name for m in members):
        return server
    return next((replace(server, name=m.name) for m in members if m.address == own), server)


def _unreachable_without_unit(juju: Juju, seen: Lxd, world: World) -> frozenset[str]:
    """Members that LXD calls online, that have no unit in Juju, and that do not answer."""
    if not juju.leader or juju.units is None:
        return frozenset()
    gone = [
        m
        for m in seen.members
        if m.up and (unit := member_marks.unit_of(m.name, seen)) and unit not in juju.units.known
    ]
    return world.lxd.members.unreachable(gone)


def _dead_without_unit(juju: Juju, seen: Lxd) -> bool:
    """Whether the leader must remove a dead member: it first moves what is on it."""
    known = juju.units.known if juju.leader and juju.units is not None else None
    away = [m.name for m in seen.members if not m.up or m.evacuated]
    units = {member_marks.unit_of(name, seen) for name in away}
    return known is not None and not units <= known


def _closed(juju: Juju, seen: Lxd, world: World) -> frozenset[str]:
    """Units that are to join, and that no member would reach."""
    if juju.peers is None or (juju.leaving and not juju.tells) or seen.own is None:
        return frozenset()
    tried = admission.to_try(juju.unit, seen, juju.peers)
    members = world.lxd.members
    return frozenset(
        unit
        for unit, data in tried.items()
        if not (members.shows_certificate if data.listens else members.may_be_reached)(data.address)
    )


def _members(juju: Juju, server: Server, world: World) -> tuple[Member, ...]:
    """The members. A daemon that answers and counts as offline has started a moment ago.

    The unit waits for it. The leader also waits for others, because it shows their status: no later
    event would say that they are online.
    """
    members = world.lxd.members.list()
    own = _named(server, members).name
    offline = {m.name: m for m in members if m.offline}
    asked = set(offline) if juju.leader else {own} & set(offline)
    if asked:
        deaf = world.lxd.members.unreachable([offline[name] for name in sorted(asked - {own})])
        members = world.lxd.members.await_heartbeats(asked - deaf, deadlines.HEARTBEAT)
    return _proved(members, own, world)


def _proved(members: tuple[Member, ...], own: str, world: World) -> tuple[Member, ...]:
    """The members, after asking those that LXD calls evacuated: it calls dead ones so, too."""
    evacuated = [m for m in members if m.evacuated and m.name != own]
    silent = world.lxd.members.unreachable(evacuated)
    return tuple(replace(m, answers=False) if m.name in silent else m for m in members)


def _server(juju: Juju, world: World) -> Server:
    """LXD itself. An interrupted hook's operation continues in LXD, and nobody checks it later.

    A leaving unit waits for it: otherwise its unit would be gone, and its cluster without a unit.
    """
    server = world.lxd.server.get()
    if server.clustered or not juju.leaving or world.machine.forming() is None:
        return server
    return world.lxd.server.get() if world.lxd.cluster.joined(deadlines.JOIN) else server


def _alone(juju: Juju, server: Server, world: World) -> Lxd:
    """A server outside a cluster. For a leaving unit: everything that would be lost with it."""
    seen = Lxd(server, instances=world.lxd.instances.list())
    if juju.leaving:
        return replace(
            seen,
            volumes=world.lxd.volumes.list_all(),
            buckets=world.lxd.buckets.list_all(server.extensions),
            images=world.lxd.images.list(),
        )
    return replace(
        seen,
        pools=world.lxd.pools.list(),
        networks=world.lxd.networks.list(),
        projects=frozenset(world.lxd.projects.configs()),
        devices=frozenset(world.lxd.profiles.default()["devices"]),
        deaf=deaf(juju, server, world),
    )


def _answers(juju: Juju, world: World) -> Lxd:
    server = _server(juju, world)
    if not server.clustered:
        return _alone(juju, server, world)
    members = _members(juju, server, world)
    server = _named(server, members)
    seen = Lxd(server, members, notes=world.lxd.notes.read())
    seen = replace(seen, unreachable=_unreachable_without_unit(juju, seen, world))
    seen = replace(seen, closed=_closed(juju, seen, world))
    if juju.leaving:
        return _of_leaver(_with_holdings(juju, seen, world), world)
    if _someone_leaves(juju) or _dead_without_unit(juju, seen):
        seen = _with_contents(juju, seen, world)
    known = world.lxd.pools.list()
    made = [pool.name for pool in known if not pool.half_made]
    unavailable, on_devices = world.lxd.pools.parts(made, server.name)
    seen = replace(
        seen,
        pools=known,
        unavailable=unavailable,
        on_devices=on_devices,
        stopped=world.lxd.networks.unavailable(server.name),
        deaf=deaf(juju, server, world),
    )
    if juju.peers is None or not is_steward(juju.unit, believed(juju.peers, seen), seen):
        spread = overlay_dhcp.asked(juju.options.networks_asked, world.machine.segments())
        return replace(seen, networks=world.lxd.networks.list()) if spread else seen
    return _with_networks(seen, juju.options, world)


def _with_holdings(juju: Juju, seen: Lxd, world: World) -> Lxd:
    """What members hold, and what decides where it can go.

    What is in a Ceph is on no member: it would be lost only if the cluster ends.
    """
    last = len(seen.members) == 1 or (juju.units is not None and not juju.units.staying)
    volumes, buckets = world.lxd.volumes, world.lxd.buckets
    extensions = seen.server.extensions
    seen = replace(
        seen,
        instances=world.lxd.instances.list(),
        volumes=volumes.list_all() if last else volumes.list(),
        buckets=buckets.list_all(extensions) if last else buckets.list(extensions),
        allowed=world.lxd.projects.allowed_groups(),
        pools=world.lxd.pools.list(),
        networks=world.lxd.networks.list(),
    )
    copied = seen.server.config.get("cluster.images_minimal_replica") != "1"
    if not juju.leaving or (copied and not last):
        return seen
    return replace(seen, images=world.lxd.images.list())


def _of_leaver(seen: Lxd, world: World) -> Lxd:
    """What a leaving member must know of the others, and of itself."""
    own = seen.server.name
    others = [m for m in seen.members if m.up and m.name != own]
    evacuated = seen.own is not None and seen.own.evacuated
    return replace(
        seen,
        unreachable=world.lxd.members.unreachable(others),
        evacuating=evacuated and own in world.lxd.members.evacuating(),
    )


def _with_contents(juju: Juju, seen: Lxd, world: World) -> Lxd:
    """What members hold, which only the leader shows: without it everything else continues."""
    try:
        return _with_holdings(juju, seen, world)
    except (LxdError, LxdUnreachable) as error:
        asked = getattr(error, "request", "") or "a list"
        return replace(seen, refusals={asked: str(error)})


def _with_buckets(lxd: Lxd, world: World) -> Lxd | Silent:
    """The same, with the storage buckets on members' own disks."""
    try:
        return replace(lxd, buckets=world.lxd.buckets.list(lxd.server.extensions))
    except LxdUnreachable as error:
        return Silent(str(error))
    except LxdError as error:
        return Silent(f"{error.request}: {error}", Silence.REFUSED)


def _with_networks(seen: Lxd, options: Options, world: World) -> Lxd:
    """The networks and the default profile's nic; also their interfaces, if others are wanted."""
    nic = world.lxd.profiles.default()["devices"].get("eth0", {})
    known = world.lxd.networks.list()
    members = [m.name for m in seen.members if m.up]
    parents = {
        name: world.lxd.networks.parents(name, members)
        for name in networks.relisted(options, known)
    }
    known = tuple(replace(n, parents=parents.get(n.name, {})) for n in known)
    return replace(seen, networks=known, nic=nic)


def _someone_leaves(juju: Juju) -> bool:
    """The leader shows what holds a unit back: a leaving unit can publish nothing any more."""
    return juju.leader and juju.units is not None and bool(juju.units.leaving)
