# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Checks the checker: it must notice each deliberate mistake in the charm's protocol.

`python -m tests.simulation.mutants` shows for each in how many histories it was noticed, and by
which invariant.
"""

# pyright: reportPrivateUsage=false

from __future__ import annotations

import argparse
import multiprocessing
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

# This puts the charm's modules on the path.
from tests.simulation import seeds, stage, stories, tasks
from tests.simulation.drawing import draw
from tests.simulation.mistakes import MISTAKES
from tests.simulation.mutant import Mutant
from tests.simulation.stories import (
    CUT_OFF_IN_CREATION,
    DIES_IN_CREATION,
    GONE_WHILE_IT_FOUNDS,
    TWO_ISSUERS,
    USED_AND_CANCELLED,
)

# isort: split
import charm
from act import forming, leaving, networks, storage
from hooks import reading
from hooks.input_reader import PEERS
from lxd.errors import LxdError, LxdUnreachable
from observe import cluster
from plan import duties, leader
from plan.forming import admission, joining
from plan.leaving import dead_members, orphaned_members, outcomes, removal
from plan.networks import left_bridges
from plan.recovery import unresponsive
from plan.storage import devices, pools
from ports.ports import Ports
from records import member_marks
from state.cluster import ClusterView, Member, Server
from state.peers import AppData, QueueEntry, Token, UnitData
from state.unresponsive import UnresponsiveReason
from state.view import Peers, RunHistory, Units, View
from steps.forming import MakeToken
from steps.leaving import AbandonMember, RemoveMember
from steps.networks import CreateNetwork
from steps.plan import Plan, Step

_plan_join = joining.plan_join
_is_usable = admission._is_usable
_plan_member = removal._plan_member
_answers = cluster._cluster_view
_removed_first = member_marks.removed_first
_run = charm.run.run
_bootstrap_unit = leader._bootstrap_unit


def _bootstraps_unrecorded(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Plan:
    app = peers.app
    if view.leader and not app.bootstrap and not joining._cluster(peers):
        named = AppData(bootstrap=view.unit, queue=app.queue)
        return _plan_join(view, lxd, replace(peers, app=named), own)
    return _plan_join(view, lxd, peers, own)


def _names_another(view: View, app: AppData, units: dict[str, UnitData]) -> str:
    named = _bootstrap_unit(view, app, units)
    able = [u for u in sorted(units) if units[u].able and u != named]
    return able[0] if app.bootstrap and able else named


def _everybody_makes_tokens(unit: str, peers: Peers, lxd: ClusterView) -> bool:
    del unit, peers, lxd
    return True


def _token_for_another(token: Token, *more: Any) -> bool:
    peers = next(m for m in more if isinstance(m, Peers))
    other = [p for p in peers.app.queue if p.unit != token.unit and p.unit in peers.others]
    waits = any(peers.others[p.unit].able for p in other)
    right: Any = _is_usable
    return False if waits else right(token, *more)


def _never_late(*arguments: Any) -> int:
    return next(p for p in arguments if isinstance(p, QueueEntry)).attempt


def _minds_no_lock(
    view: View, lxd: ClusterView, peers: Peers, missed: dict[str, int]
) -> tuple[Step, ...]:
    entries = [
        p for p in admission._able_to_join(view, lxd, peers) if missed.get(p.unit) != p.attempt
    ]
    data = peers.others[entries[0].unit] if entries else UnitData()
    return tuple(
        MakeToken(p.unit, data.name, data.key, p.attempt, adopted=True) for p in entries[:1]
    )


def _waits_for_nobody(*_: Any) -> tuple[Step, ...]:
    return ()


def _the_relation_is_juju() -> Units:
    context = stage.current().context
    relation = context.relation_ids(PEERS)
    units = context.relation_list(int(relation[0].partition(":")[2])) if relation else []
    return Units(frozenset((context.unit, *units)))


def _offline_is_gone(_: View, lxd: ClusterView, *__: Any) -> tuple[Member, ...]:
    return tuple(m for m in lxd.members if m.offline)


def _unsaid_is_gone(view: View, lxd: ClusterView, *_: Any) -> tuple[Member, ...]:
    known = view.units.in_juju if view.units else frozenset[str]()
    return tuple(
        m for m in lxd.members if orphaned_members.member_units.unit_of(m, lxd) not in known
    )


def _removes_the_living(view: View, *rest: Any) -> tuple[Step, ...]:
    if not view.leader:
        return ()
    return tuple(
        RemoveMember(m.name, m.address) for m in orphaned_members.without_unit(view, *rest)[:1]
    )


def _removes_unrecorded(
    step: RemoveMember, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    del unit
    ports.lxd.members.remove(step.name)
    return history


def _does_not_reset(ports: Ports, why: str, next_attempt: int) -> None:
    ports.machine.note_failure(why, next_attempt)
    ports.machine.forget_forming()


def _wipes_the_unresponsive(view: View, _: UnresponsiveReason) -> str:
    return "it does not answer" if view.forming is None else ""


def _leaves_by_force(view: View, lxd: ClusterView, peers: Peers, member: Member) -> Plan:
    if len(lxd.members) == 1:
        return _plan_member(view, lxd, peers, member)
    left = tuple(str(i) for i in lxd.instances or () if i.location == member.name)
    return outcomes.with_steps(AbandonMember(member.name, left, member.address))


def _lets_go(juju: Any, ports: Ports) -> Plan:
    return replace(_run(juju, ports), hold="")


def _half_a_view(juju: Any, ports: Ports) -> ClusterView:
    try:
        return _answers(juju, ports)
    except (LxdError, LxdUnreachable):
        return ClusterView(replace(ports.lxd.server.get(), clustered=False), (), (), (), (), ())


def _plain_token(text: str, public: str, purpose: str) -> str:
    del public, purpose
    return text


class _PlainSeal:
    """A `token_sealing` that does not seal."""

    SealError = forming.token_sealing.SealError
    new_key = forming.token_sealing.new_key
    public_half = forming.token_sealing.public_half
    seal = staticmethod(_plain_token)
    unseal = staticmethod(_plain_token)


def _takes_any_device(*_: Any) -> str:
    return ""


def _moves_nothing(*_: Any) -> list[Step]:
    return []


def _leaves_them(nic: Mapping[str, str], ports: Ports) -> None:
    del nic, ports


def _looks_once(ports: Ports) -> Server:
    return ports.lxd.server.get()


def _goes_first_by_name(member: Member, lxd: ClusterView) -> str:
    first = _removed_first(member, lxd)
    return "" if member_marks.is_removing(member, lxd) and member.name < first else first


def _leaves_it(name: str, ports: Ports) -> None:
    del name, ports


def _only_makes(step: CreateNetwork, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    del unit
    ports.lxd.networks.create(step.name, step.type, step.config, step.members)
    return history


def _removes_none(view: View) -> tuple[Step, ...]:
    del view
    return ()


VARIANTS = 100
"""How often a mutant's history runs before seeds do."""

CRASHES = frozenset({tasks.CRASHES, seeds.CRASHES})

MUTANTS = (
    Mutant("bootstrap without the record", joining, "plan_join", _bootstraps_unrecorded),
    Mutant("another bootstrap unit while one is slow", leader, "_bootstrap_unit", _names_another),
    Mutant("every member makes tokens", duties, "is_token_issuer", _everybody_makes_tokens),
    Mutant("a second token before the first is used", admission, "_is_usable", _token_for_another),
    Mutant(
        "the join lock does not count", admission, "_next_admission", _minds_no_lock, TWO_ISSUERS
    ),
    Mutant(
        "a used token is not waited for",
        admission,
        "awaiting",
        _waits_for_nobody,
        USED_AND_CANCELLED,
    ),
    Mutant("nobody ever loses its turn", leader, "_attempt_due", _never_late),
    Mutant("the relation is taken for Juju", reading, "units", _the_relation_is_juju),
    Mutant("removal without asking Juju", orphaned_members, "without_unit", _offline_is_gone),
    Mutant("removal of a member that lives", dead_members, "removal", _removes_the_living),
    Mutant("removal without a record of the loss", leaving, "remove_member", _removes_unrecorded),
    Mutant("no reset after a join that hangs", forming, "_reset", _does_not_reset),
    Mutant("a silent member is wiped", unresponsive, "join_failed", _wipes_the_unresponsive),
    Mutant("a leaver goes by force", removal, "_plan_member", _leaves_by_force),
    Mutant("a leaver is let go with what it holds", charm.run, "run", _lets_go),
    Mutant("no word of its unit is no unit", orphaned_members, "without_unit", _unsaid_is_gone),
    Mutant("a plan from half a view", cluster, "_cluster_view", _half_a_view),
    Mutant("tokens are not sealed", forming, "token_sealing", _PlainSeal),
    Mutant("a device is taken with what is on it", devices, "unusable", _takes_any_device),
    Mutant("instances do not stay on the old pool", pools, "pinning", _moves_nothing),
    Mutant(
        name="a half-made pool is left",
        module=storage,
        function="_remove_half_made_pool",
        wrong=_leaves_it,
        story=CUT_OFF_IN_CREATION,
    ),
    Mutant("two leave at once", member_marks, "removed_first", _goes_first_by_name),
    Mutant("instances are moved to a new network", networks, "_keep_nics", _leaves_them),
    Mutant("a half-made network is left", networks, "create_network", _only_makes),
    Mutant(
        "the bridge of an unfinished network is left",
        left_bridges,
        "removal",
        _removes_none,
        DIES_IN_CREATION,
    ),
    Mutant("who leaves is not done", cluster, "_server", _looks_once, GONE_WHILE_IT_FOUNDS),
    *MISTAKES,
)


@dataclass(frozen=True)
class Caught:
    """The result of a mutant."""

    mutant: str
    tried: int
    by: Counter[str]

    @property
    def times(self) -> int:
        """The number of histories in which it was noticed."""
        return self.by.total()


def hunt(mutant: Mutant, numbers: range, enough: int) -> Caught:
    """Runs a mutant's history and seeds until it was noticed in `enough` of them."""
    by: Counter[str] = Counter()
    tried = 0
    story = stories.variants(mutant.story, VARIANTS) if mutant.story else ()
    for schedule in chain(story, map(draw, numbers)):
        tried += 1
        with mutant.at_work():
            result = seeds.run_safely(schedule)
        if result.invariant in CRASHES:
            raise RuntimeError(f"{mutant.name} does not fit the charm: {result.violation}")
        # A history that also fails without the mistake proves nothing.
        if result.invariant and not seeds.run_safely(schedule).invariant:
            by[result.invariant] += 1
        if by.total() >= enough:
            break
    return Caught(mutant.name, tried, by)


def _hunt(task: tuple[int, range, int]) -> Caught:
    number, numbers, enough = task
    return hunt(MUTANTS[number], numbers, enough)


def main() -> int:
    """Exit status 1 if a mutant was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.mutants")
    parser.add_argument("--seeds", type=int, default=2000, help="at most, for each")
    parser.add_argument("--enough", type=int, default=20, help="failed seeds for each")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args()
    tasks = [(n, range(asked.seeds), asked.enough) for n in range(len(MUTANTS))]
    escaped = 0
    print(f"{'mutant':42} {'caught':>6} {'of':>5}  by")
    fork = multiprocessing.get_context("fork")
    with seeds.folder_for_all(), fork.Pool(asked.jobs) as pool:
        for found in pool.imap(_hunt, tasks):
            escaped += not found.times
            by = ", ".join(f"{name} {many}" for name, many in found.by.most_common(4))
            print(
                f"{found.mutant:42} {found.times:6} {found.tried:5}  {by or 'NOTHING'}", flush=True
            )
    print(f"{len(MUTANTS) - escaped} of {len(MUTANTS)} mutants are noticed.")
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
