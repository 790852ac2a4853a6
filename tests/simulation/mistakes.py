# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""More mutants: mistakes that lose something of the operator's.

The unit tests notice mistakes about one answer of LXD, one listener or one snap.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from tests.simulation.mutant import Mutant
from tests.simulation.stories import (
    ABANDONED,
    ALL_GO,
    ALL_OTHERS_EVACUATED,
    CERTIFICATE_CHANGES,
    CUT_OFF_AND_RECOVERED,
    CUT_OFF_WITH_A_CEPH,
    EVACUATED_AND_DESTROYED,
    FOUNDED_BY_HAND,
    HAS_A_BUCKET,
    HAS_A_DEVICE,
    HAS_A_VOLUME,
    HAS_AN_EPHEMERAL,
    JOINED_BY_HAND,
    LEAVES_6_9,
    LOST_AND_REFRESHED,
    NAMES_SHIFT,
    NEWEST_COPY_SURVIVES,
    QUIET_EVACUATED_LEADER,
    QUIET_LEADER,
    QUIET_LEADER_WITH_INSTANCES,
)

# isort: split


import deadlines
from act import leaving as act_leaving
from act import server as act_server
from lxd import parsing
from lxd.instances import InstancesApi
from observe import cluster
from options.options import ABANDON
from plan.forming import identity
from plan.forming.identity import Owner
from plan.install import versions
from plan.leaving import (
    blockers,
    dead_members,
    evacuation,
    migration,
    orphaned_members,
    removal,
)
from plan.recovery import heartbeats, quorum
from plan.recovery.quorum import Recovery
from ports.ports import Ports
from records import member_marks
from state import lxd_objects
from state.cluster import ClusterView, Member, Server
from state.lxd_objects import Instance
from state.peers import UnitData
from state.view import Peers, RunHistory, View
from steps.leaving import MoveOffDead
from steps.plan import Step

_due = evacuation.due
_off_dead = act_leaving.move_off_dead
_member = parsing.member
_no_successor = blockers._no_successor
_obstacle = migration.obstacle
_with_name = cluster._with_cluster_name


def _by_prefix(project: str, volume: str) -> bool:
    del project
    return volume.startswith("lxd-cluster-")


def _by_fingerprint(view: View, lxd: ClusterView, peers: Peers) -> Owner:
    fingerprints = {d.fingerprint for d in (peers.own, *peers.others.values())} - {""}
    bootstraps = not fingerprints and peers.app.bootstrap == view.unit
    return Owner.OURS if bootstraps or lxd.server.fingerprint in fingerprints else Owner.ANOTHER


def _is_ours(view: View, lxd: ClusterView, peers: Peers) -> str:
    del view, lxd, peers
    return ""


def _any_dead(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> list[Member]:
    without_unit = orphaned_members.without_unit(view, lxd, peers, own)
    return [m for m in without_unit if member_marks.dead(m, view.now, lxd)]


def _holds_nothing(lxd: ClusterView) -> list[Any]:
    del lxd
    return []


def _moves_all(instance: Any, lxd: ClusterView) -> str:
    del instance, lxd
    return ""


def _tries_nothing(view: View, lxd: ClusterView, member: Member) -> tuple[Step, ...]:
    return () if view.options.on_remove == ABANDON else _due(view, lxd, member)


def _fixes_nothing(lxd: ClusterView, member: Member) -> list[Any]:
    del lxd, member
    return []


def _waits(view: View, lxd: ClusterView, member: Member) -> tuple[Step, ...]:
    del view, lxd, member
    return ()


def _waits_for_units(*_: Any) -> None:
    return None


def _never_quiet(*_: Any) -> bool:
    return False


def _asks_nobody(*_: Any) -> Recovery:
    return Recovery()


def _any_copy_will_do(*_: Any) -> str:
    return ""


def _moves_the_ephemeral(instance: Instance, lxd: ClusterView) -> str:
    return _obstacle(replace(instance, ephemeral=False), lxd)


def _counts_no_leader(row: Any) -> Member:
    member = _member(row)
    leads_only = member.roles == frozenset({"database-leader"})
    return replace(member, roles=frozenset[str]()) if leads_only else member


def _asks_no_evacuated(members: tuple[Member, ...], *_: Any) -> tuple[Member, ...]:
    return members


def _believes_its_name(server: Server, members: tuple[Member, ...]) -> Server:
    return server if any(m.name == server.name for m in members) else _with_name(server, members)


def _restarts_the_snap(ports: Ports) -> None:
    before = ports.lxd.server.process()
    ports.snap.stop()
    ports.snap.start()
    ports.lxd.server.await_restart(before, deadlines.START)


def _may_start(*_: Any) -> None:
    return None


def _starts_there(step: MoveOffDead, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    history = _off_dead(step, unit, ports, history)
    ports.lxd.instances.start(step.project, step.name)
    return history


def _minds_only_two(lxd: ClusterView, others: list[Member], up: list[Member]) -> Iterable[str]:
    return _no_successor(lxd, others, up) if len(others) == 1 else ()


MISTAKES = (
    Mutant(
        "what ran on a dead machine starts with a daemon",
        InstancesApi,
        "keep_stopped",
        _may_start,
        CUT_OFF_WITH_A_CEPH,
    ),
    Mutant(
        "what ran on a dead machine is started",
        act_leaving,
        "move_off_dead",
        _starts_there,
        CUT_OFF_WITH_A_CEPH,
    ),
    Mutant(
        "the fingerprint is the identity", identity, "owner", _by_fingerprint, CERTIFICATE_CHANGES
    ),
    Mutant(
        "a leaver goes from any cluster", removal.identity, "foreign", _is_ours, FOUNDED_BY_HAND
    ),
    Mutant(
        "any member without a unit is ours",
        dead_members,
        "_dead",
        _any_dead,
        JOINED_BY_HAND,
    ),
    Mutant("the application goes from all it has", blockers, "everything", _holds_nothing, ALL_GO),
    Mutant(
        "what has a device is moved all the same", migration, "obstacle", _moves_all, HAS_A_DEVICE
    ),
    Mutant("abandon gives up what could move", evacuation, "due", _tries_nothing, ABANDONED),
    Mutant("its volumes are known by a prefix", lxd_objects, "_is_own", _by_prefix, HAS_A_VOLUME),
    Mutant("volumes and buckets hold nobody", blockers, "immovable", _fixes_nothing, HAS_A_BUCKET),
    Mutant(
        "who reaches nobody recovers",
        quorum,
        "recovery",
        _asks_nobody,
        CUT_OFF_AND_RECOVERED,
    ),
    Mutant("a leader without heartbeats goes on", heartbeats, "steps", _waits, QUIET_LEADER),
    Mutant(
        "only a leader that LXD calls offline sends no heartbeats",
        heartbeats,
        "_without_heartbeats_while_evacuated",
        _never_quiet,
        QUIET_EVACUATED_LEADER,
    ),
    Mutant(
        "any copy of the database is recovered",
        quorum,
        "_not_newest",
        _any_copy_will_do,
        NEWEST_COPY_SURVIVES,
    ),
    Mutant(
        "what is ephemeral is moved", migration, "obstacle", _moves_the_ephemeral, HAS_AN_EPHEMERAL
    ),
    Mutant("the Raft leader of 6.9 has no vote", parsing, "member", _counts_no_leader, LEAVES_6_9),
    Mutant(
        "an evacuated member is up",
        cluster,
        "_with_answers",
        _asks_no_evacuated,
        EVACUATED_AND_DESTROYED,
    ),
    Mutant(
        "the only voter leaves evacuated members",
        blockers,
        "_no_successor",
        _minds_only_two,
        ALL_OTHERS_EVACUATED,
    ),
    Mutant(
        "a member has the name that its daemon shows",
        cluster,
        "_with_cluster_name",
        _believes_its_name,
        NAMES_SHIFT,
    ),
    Mutant(
        "who waits for a lost member's LXD does not say so",
        versions,
        "waits_for_member_without_unit",
        _waits_for_units,
        LOST_AND_REFRESHED,
    ),
    Mutant(
        "the snap is restarted, not the daemon",
        act_server,
        "reload_lxd",
        _restarts_the_snap,
        QUIET_LEADER_WITH_INSTANCES,
    ),
)
"""Each stands for a kind of mistake that was made once."""
