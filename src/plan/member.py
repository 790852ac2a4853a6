# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plan for a member: publish, admit the next unit, and keep the cluster as the options say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import backends
from plan import cluster_change, duties, health, member_status, renamed_members
from plan.addresses import listening
from plan.forming import admission, identity
from plan.install import upgrade
from plan.leaving import dead_members, orphaned_members, restarts
from plan.networks import (
    contributions,
    gateways,
    left_bridges,
    networks,
    on_interfaces,
    overlay_dhcp,
    own_parents,
    profile_nics,
)
from plan.recovery import heartbeats, quorum, unresponsive
from plan.server import proxies, related_keys, settings
from plan.storage import ceph_access, daemon_volumes, left_folders, pools, shared_disks
from plan.storage import contributions as storage_contributions
from records import member_marks, pool_deletions, renames
from relations import ovn
from state.cluster import ClusterView, Member, Pool
from state.peers import ContributionRequest, Storage, UnitData
from state.view import Peers, View
from steps.forming import ForgetForming
from steps.leaving import OpenMember
from steps.plan import Plan, Step, untried
from steps.server import RestartLxd, SetFailureDomain
from values.addresses import endpoint, host
from values.status import Kind, Status, names, waiting
from values.wanted_pool import is_device


def plan_member(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Plan:
    """The plan of a unit whose LXD is clustered."""
    if foreign := identity.refusal(view, lxd, peers):
        return Plan(foreign, own=own)
    if adopting := identity.adopting(lxd, peers):
        status, steps = adopting
        return Plan(status, steps, own)
    member = lxd.own
    if member is None:
        return Plan(waiting("LXD does not list this member yet"), own=own)
    own = _identified(view, lxd, peers, member, own)
    if due := _first_start(view, peers):
        return Plan(waiting("for LXD to start again, with OVN's address"), due, own)
    if due := heartbeats.steps(view, lxd, member):
        return Plan(waiting("for the heartbeats of the database's leader"), due, own)
    return _serving_plan(view, lxd, peers, member, own)


def _identified(
    view: View, lxd: ClusterView, peers: Peers, member: Member, own: UnitData
) -> UnitData:
    """The unit's own data, with its member and its cluster.

    The bootstrap unit also says which pool is the default one.
    """
    own = own.model_copy(
        update={
            "name": member.name,
            "address": member.address,
            "cluster": lxd.identity,
            "fingerprint": lxd.server.fingerprint,
            "attempt": peers.own.attempt,
            "works": quorum.answers(peers),
        }
    )
    decided = _decided(view, lxd, peers, own)
    if decided and (peers.app.bootstrap == view.unit or _bootstrap_unit_is_gone(view, peers)):
        return own.model_copy(update={"storage": decided})
    return own


def _bootstrap_unit_is_gone(view: View, peers: Peers) -> bool:
    """Whether the leader must say for the bootstrap unit which pool is the default one.

    The unit that took a cluster back counts as its bootstrap unit, and may leave before its next
    hook.
    """
    gone = view.units is not None and peers.app.bootstrap not in view.units.in_juju
    return view.leader and gone and peers.app.storage is None


def _decided(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Storage | None:
    """The default pool as it was made, None while it is unknown."""
    return peers.app.storage or own.storage or _unrecorded_default_pool(view, lxd)


def _serving_plan(
    view: View, lxd: ClusterView, peers: Peers, member: Member, own: UnitData
) -> Plan:
    """The plan of a member whose LXD needs no restart."""
    steps = [
        *_own_notes(view, lxd, peers, member),
        # These steps depend on what this unit has published so far.
        *orphaned_members.noting(view, lxd, peers, own),
        *restarts.of_gone_units(view, lxd, peers, own),
        # This step reads the record, so it comes before instances that run again are removed from
        # the record.
        *restarts.kept_stopped(view, lxd),
        *restarts.outdated_notes(view, lxd),
        *dead_members.removal(view, lxd, peers, own),
        *_joined(view, lxd, peers),
    ]
    own = _contributing(view, lxd, peers, own)
    coordination = _coordination(view, lxd, peers, member, own)
    own = own.model_copy(update=dict(coordination.published))
    parents = own_parents.due(view, lxd, own.links)
    address = _address(view, lxd, member)
    admitted = admission.admit(view, lxd, peers)
    # Pools and networks are made before the token that lists them.
    # The address comes last: if that fails, nothing else waits for it.
    groups = [*_for_itself(view, lxd, peers, member), *coordination.groups, parents.steps]
    groups = untried(groups, view.history.failed)
    steps += [*chain.from_iterable(groups), *admitted.steps, *address.steps]
    here = address.problem or parents.problem
    problems = (here, coordination.problem)
    status = member_status.of(view, lxd, peers, member, own, problems)
    fields = {
        "token": admitted.token,
        "refused": admitted.refused,
        "missed": admitted.missed,
        "problem": status.message if status.kind is Kind.BLOCKED else "",
        "waits": "",
    }
    return Plan(status, tuple(steps), own.model_copy(update=fields), groups=groups)


def _joined(view: View, lxd: ClusterView, peers: Peers) -> tuple[Step, ...]:
    """Forgets the note about the join once the peers have this member's data.

    Until that is committed, only the note distinguishes a member that does not answer from a unit
    that never was a member.
    """
    committed = view.forming is not None and peers.own.cluster == lxd.identity
    return (ForgetForming(),) if committed else ()


def _contributing(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> UnitData:
    """The unit's own data, with its parts of the cluster's pools and networks.

    The fields that only the coordinator publishes are empty.
    """
    return own.model_copy(
        update={
            "call": None,
            "offers": storage_contributions.to_pools(view, lxd, pools.requests(peers)),
            "links": contributions.to_networks(view),
            "clashes": contributions.clashes(view),
            "disks": shared_disks.published(view, lxd, peers),
            "spread": (),
            "bridges": (),
            "on_devices": (),
            "sources": {},
            "pools": (),
            "placed": (),
            "removed": (),
        }
    )


@dataclass(frozen=True)
class _SharedChange:
    """Groups of steps for all members, what prevents more, and a request to publish."""

    groups: tuple[Sequence[Step], ...] = ()
    problem: Status | None = None
    request: ContributionRequest | None = None


@dataclass(frozen=True)
class _Coordination:
    """A coordinator's work for all members, and what it publishes; empty for any other member."""

    groups: tuple[Iterable[Step], ...] = ()
    problem: Status | None = None
    published: Mapping[str, object] = field(default_factory=dict[str, object])


def _coordination(
    view: View, lxd: ClusterView, peers: Peers, member: Member, own: UnitData
) -> _Coordination:
    decided = _decided(view, lxd, peers, own)
    if (
        _changed_address(view, lxd) is not None
        or decided is None
        or not duties.is_coordinator(view.unit, peers, lxd)
    ):
        return _Coordination()
    shared = _shared(view, lxd, peers, own, decided)
    deletions = pool_deletions.outdated(lxd.pools, lxd.notes) if lxd.pools is not None else ()
    units = cluster_change.units(view, lxd, peers)
    renamed = [r.old for r in renames.pending(lxd.notes, lxd.members, units)]
    data = (peers.others.get(entry.unit) for entry in peers.app.queue)
    queued = [unit.name for unit in data if unit is not None]
    outdated = member_marks.outdated(member.name, lxd, renamed, queued)
    published = {"call": shared.request, **_existing(view, lxd, own)}
    return _Coordination((outdated, deletions, *shared.groups), shared.problem, published)


def _address(view: View, lxd: ClusterView, member: Member) -> listening.Due:
    """What is due for the addresses that this member listens on.

    Nothing if the machine's address has changed.
    """
    changed = _changed_address(view, lxd)
    if changed is not None:
        return listening.Due(problem=changed)
    return listening.on_member(view, lxd, member)


def _existing(view: View, lxd: ClusterView, own: UnitData) -> dict[str, object]:
    """What a coordinator publishes about the existing networks and pools."""
    on_devices = {pool for pool, source in lxd.sources.items() if is_device(source)}
    return {
        "spread": overlay_dhcp.names(lxd),
        "bridges": networks.bridges(lxd),
        "on_devices": tuple(sorted(on_devices)),
        "sources": {p: s for p, s in lxd.sources.items() if p not in on_devices},
        "pools": pools.records(_pools_beside_default(view, lxd, own)),
        "placed": on_interfaces.placed(view, lxd),
        "removed": orphaned_members.units_without_member(lxd, view.peers.others)
        if view.peers
        else (),
    }


def _pools_beside_default(view: View, lxd: ClusterView, own: UnitData) -> tuple[Pool, ...]:
    """The cluster's pools without the default one; none while the default one is unknown.

    The record of the default pool does not name its user in the Ceph. So the default pool is
    included if it has an earlier user.
    """
    default = _decided(view, lxd, view.peers, own) if view.peers else None
    if default is None:
        return ()
    earlier = partial(ceph_access.has_earlier_user, view)
    return tuple(p for p in lxd.pools or () if p.name != default.pool or earlier(p))


def _unrecorded_default_pool(view: View, lxd: ClusterView) -> Storage | None:
    """The default pool of a cluster without a record of it: the one of the default profile.

    The option may name another pool by now. After a bootstrap the profile uses no pool. Then the
    option names the pool that this unit made.
    """
    # An operator's pool with a driver that no option names is not the default pool.
    offered = [p for p in lxd.pools or () if p.driver in backends.BACKENDS]
    used = [p for p in offered if pools.holds_root(p, lxd)]
    named = [p for p in offered if p.name == view.options.storage_pool]
    pool = next(iter([*used, *named]), None)
    if pool is None:
        return None
    size = view.options.storage_size if pool in named else ""
    size = pool.config.get(storage_contributions.SIZE, size)
    return Storage(backend=pool.driver, pool=pool.name, size=size)


def _changed_address(view: View, lxd: ClusterView) -> Status | None:
    """Blocked if the machine's address is not its member's: LXD cannot change that one."""
    address = lxd.server.config.get("cluster.https_address", "")
    if not view.cluster_address or address in ("", endpoint(view.cluster_address)):
        return None
    return unresponsive.address_changed(host(address), view.cluster_address)


def _own_notes(view: View, lxd: ClusterView, peers: Peers, member: Member) -> list[Step]:
    """Steps that note this member's unit and its name: all other steps need these notes."""
    steps: list[Step] = [*identity.noting(view, lxd), *quorum.noting(view, lxd)]
    steps += renamed_members.due(view, lxd, peers, member)
    if member_marks.closed(member, lxd):
        steps.append(OpenMember(member.name))
    steps += member_marks.owned(member, view.unit, peers.own.attempt, lxd)
    steps += upgrade.outdated_note(view, lxd, member)
    if lxd.server.old_name and not view.history.restarted:
        # LXD 5.0 launches no instance on a renamed member before a restart (LXD issue 11534).
        steps.append(RestartLxd())
    return steps


def _for_itself(view: View, lxd: ClusterView, peers: Peers, member: Member) -> list[Sequence[Step]]:
    """Groups of steps for this member alone."""
    groups: list[Sequence[Step]] = [
        settings.server_config(view.options, lxd.server.config, of_member=True),
        *daemon_volumes.due(view, lxd),
    ]
    groups += [(step,) for step in (*left_bridges.removal(view), *left_folders.removal(view))]
    if lxd.networks is not None:
        groups += [(step,) for step in overlay_dhcp.steps(view, lxd, peers)]
    if view.zone and member.failure_domain != view.zone:
        groups.append((SetFailureDomain(member.name, view.zone),))
    return groups


def _first_start(view: View, peers: Peers) -> tuple[Step, ...]:
    """Restarts LXD after a join, so that it reads OVN's address, which all members share.

    Until then LXD looks for OVN's database on its own machine (LXD 5.0.2), and no instance can use
    OVN. The restart is in the hook of the join, before this unit publishes that it is a member.
    """
    joined = view.forming is not None and view.forming.what == "join" and not peers.own.cluster
    answer = ovn.RELATION.of(view)
    to_ovn = answer is not None and bool(answer.northbound)
    return (RestartLxd(),) if joined and to_ovn and not view.history.restarted else ()


def _shared(
    view: View, lxd: ClusterView, peers: Peers, own: UnitData, decided: Storage
) -> _SharedChange:
    """Steps for all members. LXD changes shared values only while every member is up."""
    net = networks.change(view, lxd, peers, own.links)
    default_network, *more_networks = net.groups
    pool = pools.default(view.default_pool, decided, lxd.pools or ())
    groups: list[Sequence[Step]] = [
        settings.server_config(view.options, lxd.server.config, of_member=False),
        related_keys.steps(view, lxd),
        # Before the profile changes, instances get devices of their own for their networks and
        # pools.
        [*default_network, *settings.default_profile(pool.name, net.nic, lxd)],
        *more_networks,
        gateways.steps(view.options, lxd),
    ]
    if any(groups) and (down := _down(lxd)):
        return _SharedChange(problem=waiting(f"to apply the options until {names(down)} is back"))
    # LXD tells the members that are up; the others read the change when they start.
    proxy = proxies.due(view, lxd)
    change = pools.change(view, lxd, peers, decided)
    problem = (
        net.problem
        or change.problem
        or profile_nics.problem(lxd)
        or gateways.problem(view.options, lxd)
        or proxy.problem
        or health.unfinished(view, lxd, peers, decided)
    )
    # The step for the default profile may note more instances later.
    groups = [profile_nics.outdated(lxd), *groups, proxy.steps, change.steps]
    return _SharedChange(tuple(groups), problem, change.request)


def _down(lxd: ClusterView) -> list[str]:
    return [member.name for member in lxd.members if not member.up]
