# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Looks at LXD, the snap and the machine, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import backends
from observe import cluster, devices
from observe.addresses import addresses
from plan.networks import contributions, left_bridges, own_parents, wanted_networks
from plan.storage import daemon_volumes, left_folders, pools, shared_disks
from plan.verified_peers import verified
from ports.ports import Ports
from relations import ceph, ovn
from state.cluster import ClusterView
from state.facts import Ceph, DatabaseCopy, Device, Folder, Forming, Ovn
from state.hook_input import HookInput, unbound
from state.unresponsive import WITHOUT_DATABASE, Unresponsive
from state.view import RunHistory, View
from values import lxd_versions
from values.wanted_pool import WantedPool


def observe(juju: HookInput, ports: Ports, history: RunHistory) -> View:
    """Everything that a plan may depend on, as it is now."""
    snap = ports.snap.facts(juju.resource)
    neighbour = ports.machine.neighbour(juju.unit)
    lxd = cluster.look(juju, ports) if snap.installed and not neighbour else None
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
        related=_related(juju, lxd, ports),
        bound=juju.bound,
        proxies=juju.proxies,
        overlays=ports.machine.overlays(),
        peers=juju.peers,
        units=juju.units,
        leaving=juju.leaving,
        can_publish=juju.can_publish,
        forming=forming,
        holds_data=_holds_data(juju, lxd, forming, ports),
        failures=ports.machine.failures(),
        noted_identity=ports.machine.identity(),
        noted_units=ports.machine.units(),
        unresponsive_since=ports.machine.unresponsive_since(),
        database=_database(juju, lxd, forming, ports),
        folders=_folders(lxd, ports),
        moved_off=ports.machine.moved_off(),
        mounted=_mounted(lxd, ports),
        arch=ports.machine.architecture(),
        history=history,
    )
    return _with_machine(_with_cluster(view, ports), ports)


def _with_cluster(view: View, ports: Ports) -> View:
    """The view with verified peers, and with buckets if the attached LXD would have none."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView):
        return view
    peers = view.peers and verified(view.peers, lxd) if lxd.server.clustered else view.peers
    if lxd_versions.ends_buckets(lxd.server.version, view.snap.offered):
        lxd = cluster.with_buckets(lxd, ports)
    return replace(view, peers=peers, lxd=lxd)


def _holds_data(
    juju: HookInput,
    lxd: ClusterView | Unresponsive | None,
    forming: Forming | None,
    ports: Ports,
) -> bool:
    """Whether the disk of a unit that forms the cluster or leaves has data that LXD does not list.

    LXD does not answer, or its cluster has removed this member and the member's records.
    """
    if isinstance(lxd, ClusterView):
        needed = juju.leaving and lxd.server.clustered and lxd.own is None
    else:
        needed = (forming is not None or juju.leaving) and lxd is not None
    return needed and ports.machine.has_data()


def _with_machine(view: View, ports: Ports) -> View:
    """The same, with what the wanted networks and pools need to know of this machine."""
    if needed := contributions.needs(view.options.wanted_networks):
        view = replace(
            view, missing_capabilities={need: ports.machine.missing(need) for need in needed}
        )
    if _needs_interfaces(view):
        view = _with_left_bridges(replace(view, interfaces=ports.machine.interfaces()), ports)
        view = _with_raw_nics(view, ports)
    view = _with_pool_disks(_with_left_folders(view, ports), ports)
    if not isinstance(view.lxd, ClusterView) or not _gives_to_pools(view, view.lxd):
        return view
    room, growth = ports.machine.room(), ports.machine.growth()
    return replace(view, devices=_devices(view, view.lxd, ports), room=room, growth=growth)


def _with_pool_disks(view: View, ports: Ports) -> View:
    """The same, with the disks of this member's pools that the others do not know yet."""
    lxd, peers = view.lxd, view.peers
    if peers is None or not isinstance(lxd, ClusterView) or not lxd.server.clustered:
        return view
    unknown = shared_disks.unpublished(lxd, peers)
    if not unknown:
        return view
    return replace(view, pool_disks=devices.of_pools(unknown, lxd.server.name, ports))


def _with_left_folders(view: View, ports: Ports) -> View:
    """The same, with the empty folders of wanted pools that LXD has no pool for."""
    names = left_folders.candidates(view)
    if not names or not isinstance(view.lxd, ClusterView):
        return view
    empty = ports.machine.empty_pool_folders(names, view.lxd.server.process)
    return replace(view, left_folders=empty)


def _with_left_bridges(view: View, ports: Ports) -> View:
    """The same, with the bridges that LXD has no network for."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered:
        return view
    names = left_bridges.candidates(view, lxd)
    left = frozenset(name for name in names if not ports.lxd.networks.manages(name))
    return replace(view, left_bridges=left)


def _with_raw_nics(view: View, ports: Ports) -> View:
    """The same, with the nics on this machine's interfaces if an uplink is to take one of those."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or not own_parents.takes_interface(view, lxd):
        return view
    return replace(view, lxd=cluster.with_raw_nics(lxd, ports))


def _devices(
    view: View, lxd: ClusterView, ports: Ports
) -> dict[tuple[str, ...], tuple[Device, ...]]:
    wanted = (view.default_pool, *view.more_pools)
    selections = {pool.devices for pool in wanted if pool.devices}
    unmade = {pool.devices for pool in wanted if not _is_made(pool, lxd)}
    member = lxd.server.name if lxd.server.clustered else ""
    return devices.marked(selections, unmade, lxd.sources, member, ports)


def _is_made(wanted: WantedPool, lxd: ClusterView) -> bool:
    """Whether there is a pool of that backend, under any name that the default pool may have."""
    return any(
        pool.driver == wanted.backend
        or (wanted.backend == backends.AUTO and pool.driver in backends.BACKENDS)
        for pool in lxd.pools or ()
        if pool.name in backends.names_of_default(wanted.name) and not pool.half_made
    )


def _needs_interfaces(view: View) -> bool:
    """Whether a network is on an interface of this machine, or could conflict with it."""
    if not isinstance(view.lxd, ClusterView):
        return False
    nets = view.options.wanted_networks
    existing = {network.name for network in view.lxd.networks or ()}
    makes = view.lxd.nic is not None and not all(
        existing & set(wanted_networks.names(net)) for net in nets
    )
    return makes or not view.lxd.server.clustered or any(map(contributions.needs_interfaces, nets))


def observe_networks(view: View, ports: Ports) -> View:
    """The view with the facts that otherwise only the coordinator needs."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or not lxd.server.clustered or lxd.nic is not None:
        return view
    return replace(view, lxd=cluster.with_networks(lxd, view.options, ports))


def _related(
    juju: HookInput, lxd: ClusterView | Unresponsive | None, ports: Ports
) -> dict[str, object]:
    """The answers of other applications, and whether this machine has the files that they need."""
    process = lxd.server.process if isinstance(lxd, ClusterView) else 0
    of_ovn = _ovn(juju, process, ports)
    files = {ceph.RELATION.name: _ceph(juju, ports), ovn.RELATION.name: of_ovn}
    return {**juju.related, **files}


def _ceph(juju: HookInput, ports: Ports) -> Ceph | None:
    """Ceph's answer, and what this machine has of its files."""
    answer = ceph.RELATION.of(juju)
    if answer is None:
        return None
    from host import ceph_files

    return ceph_files.compared(answer, ports.machine.ceph_files())


def _ovn(juju: HookInput, process: int, ports: Ports) -> Ovn | None:
    """OVN, and whether this machine has the files for its database, from this or another charm.

    `process` is the id of LXD's process.
    """
    answer = ovn.RELATION.of(juju)
    if answer is None or not ovn.needs_files(answer):
        return answer
    return replace(answer, written=ports.machine.opens_ovn(ovn.files(answer), process))


def _gives_to_pools(view: View, lxd: ClusterView) -> bool:
    """Whether this run needs the devices: examining them takes time in each hook."""
    peers = view.peers
    if peers is None:
        return False
    if not lxd.server.clustered or pools.requests(peers):
        return True
    decided = peers.app.storage
    if lxd.pools is None:
        return False
    if decided is None:
        # The default pool is not on record yet, and this may be the coordinator.
        return True
    return bool(pools.unmade(pools.wanted(view, decided, lxd.pools), lxd.pools))


def _database(
    juju: HookInput,
    lxd: ClusterView | Unresponsive | None,
    forming: Forming | None,
    ports: Ports,
) -> DatabaseCopy | None:
    """What the disk shows of the database, only if LXD does not answer: reading starts a process.

    For a leaving unit that never was a member it shows whether LXD is in another cluster.
    """
    if not isinstance(lxd, Unresponsive):
        return None
    # A unit that joins may be a member already, and had no time to publish that.
    joins = forming is not None and forming.what == "join"
    member = joins or (juju.peers is not None and bool(juju.peers.own.cluster))
    needed = lxd.reason in WITHOUT_DATABASE if member else juju.leaving
    return ports.database.copy() if needed else None


def _folders(lxd: ClusterView | Unresponsive | None, ports: Ports) -> dict[str, Folder]:
    """Where a member's images and backups really are. LXD's configuration does not prove it."""
    member = isinstance(lxd, ClusterView) and lxd.server.clustered
    return ports.machine.folders() if member else {}


def _mounted(lxd: ClusterView | Unresponsive | None, ports: Ports) -> frozenset[str]:
    """The mounted volumes for images and backups, if one that LXD does not use may be unmounted."""
    if not isinstance(lxd, ClusterView) or not daemon_volumes.mounted_if_used(lxd):
        return frozenset()
    return ports.machine.mounted(lxd.server.process)
