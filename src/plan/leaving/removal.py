# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Plan for a unit that is being removed: evacuate, leave, or report what blocks it.

The unit may go only when its plan has no `hold`. The charm deletes nothing and forces nothing
unless the operator set `on-remove=abandon`, also when the application goes with its last unit: MAAS
releases a machine with its last unit.
"""

from __future__ import annotations

from options.options import ABANDON
from plan import renamed_members
from plan.forming import admission, identity
from plan.install import disabled_snap, removed_snap, upgrade
from plan.leaving import (
    blockers,
    dead_members,
    evacuation,
    failed_joins,
    last_unit,
    outcomes,
    outside,
    restarts,
)
from plan.leaving.blockers import Reason
from plan.recovery import heartbeats, quorum, unresponsive
from plan.storage import daemon_volumes
from records import join_lock, member_marks
from state.cluster import ClusterView, Member, several_vote
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, View
from steps.forming import ResetLxd
from steps.install import StartAgain
from steps.leaving import (
    AbandonMember,
    AwaitLeave,
    AwaitRoles,
    CopyImages,
    LeaveCluster,
    RemoveMember,
)
from steps.plan import Plan, Step
from steps.server import RestartLxd
from values.status import Status, StatusText, blocked, count, names, waiting

_RECOVER = (
    "The others may need its data. Make it answer: snap restart --reload lxd; without a "
    "quorum: juju run {unit} recover-quorum. If it is lost: juju remove-unit --force {unit}"
)


def plan_removal(view: View) -> Plan:
    """The plan of a leaving unit."""
    if first := _before_lxd(view):
        return first
    if view.lxd is None or view.peers is None:
        clustered = isinstance(view.lxd, ClusterView) and view.lxd.server.clustered
        return _without_peers() if clustered else outside.of_deb(view)
    if isinstance(view.lxd, Unresponsive):
        return _plan_unresponsive(view, view.lxd, view.peers)
    if not view.lxd.server.clustered:
        return outside.of_unclustered(view, view.lxd)
    if foreign := identity.foreign(view, view.lxd, view.peers):
        return outside.of_foreign(view, foreign)
    return _plan_clustered(view, view.lxd, view.peers)


def _before_lxd(view: View) -> Plan | None:
    """The plan of a unit that leaves without its LXD, or first exchanges it. Else None."""
    if last_unit.application_ends(view) and view.options.on_remove == ABANDON:
        return Plan(waiting("the application is being removed: LXD is left as it is"))
    if ended := outside.networks_ended(view):
        return outcomes.with_steps(*ended)
    if unused := _without_snap(view):
        return unused
    exchange = upgrade.of_leaving_unit(view)
    return outcomes.with_steps(*exchange) if exchange else None


def _without_peers() -> Plan:
    return outcomes.held(waiting("to leave until Juju shows the other units"))


def _without_snap(view: View) -> Plan | None:
    """What holds a unit whose LXD snap is disabled or removed: its data may still be here."""
    if view.options.on_remove == ABANDON:
        return None
    if disabled_snap.has_data(view):
        return outside.of_disabled(view)
    return outside.of_removed(view) if removed_snap.status(view) is not None else None


def _plan_clustered(view: View, lxd: ClusterView, peers: Peers) -> Plan:
    """The plan of a unit whose LXD is in our cluster."""
    if _ends_empty(view, lxd, peers):
        return Plan(waiting("the application is being removed: its cluster holds nothing"))
    if adopting := identity.adopting(lxd, peers):
        status, steps = adopting
        return outcomes.with_steps(*steps) if steps else outcomes.held(status)
    member = lxd.own
    if member is None:
        if view.options.on_remove == ABANDON or view.unit in peers.removed:
            return outside.of_removed_member(view)
        return outcomes.held(waiting("to leave: LXD does not list this member yet"))
    return _plan_member(view, lxd, peers, member)


def _ends_empty(view: View, lxd: ClusterView, peers: Peers) -> bool:
    """Whether this unit may go although its member stays: the cluster holds nothing, and ends.

    The cluster does not end while an operator's own member is up: that one would lose its quorum.
    """
    if not last_unit.application_ends(view) or blockers.everything(lxd):
        return False
    complete = blockers.with_leavers(view, lxd, peers, peers.own)
    # A unit that went earlier has left its member behind.
    own = {lxd.server.name} | complete.leaving | complete.orphaned
    return not any(m.up for m in lxd.members if m.name not in own)


def _plan_member(view: View, lxd: ClusterView, peers: Peers, member: Member) -> Plan:
    if due := heartbeats.steps(view, lxd, member):
        return outcomes.with_steps(*due)
    lxd = blockers.with_leavers(view, lxd, peers, peers.own)
    if first := _marking(view, lxd, peers, member):
        return outcomes.with_steps(*first)
    if before := _before_evacuation(view, lxd, peers, member):
        # Instances that this unit stopped do not move now, so they start again.
        again = restarts.due(view, lxd, member.name)
        return outcomes.with_steps(*again) if again else before
    return _evacuate_and_leave(view, lxd, member)


def _before_evacuation(view: View, lxd: ClusterView, peers: Peers, member: Member) -> Plan | None:
    """What comes before the evacuation, or holds the member. None if nothing does."""
    if due := _duties(view, lxd, peers):
        return outcomes.with_steps(*due)
    if len(lxd.members) > 1 and (quiet := heartbeats.status(view, lxd, peers)):
        return _held_without_heartbeats(view, lxd, member, quiet)
    if joins := _before_joins(view, lxd, peers):
        return joins
    if len(lxd.members) == 1:
        return _plan_only_member(view, lxd, peers, member)
    if unknown := failed_joins.uncertain_member(lxd, peers):
        return failed_joins.held_until_known(view, unknown)
    on_remove, min_voters = view.options.on_remove, last_unit.wanted_voters(view)
    if reasons := blockers.removal_blockers(on_remove, min_voters, lxd, member):
        return _blocked(view, lxd, member, reasons, set(blockers.quorum(min_voters, lxd, member)))
    joining = admission.awaiting(view, lxd, peers)
    return outcomes.with_steps(*joining) if joining else None


def _before_joins(view: View, lxd: ClusterView, peers: Peers) -> Plan | None:
    """The member stays until a join has failed for certain, or until one has succeeded."""
    if failed := failed_joins.left_member(lxd, peers):
        return outcomes.held(
            waiting(f"to leave until LXD has noticed that {failed.name} is offline")
        )
    if expects := last_unit.expected(view, lxd, peers):
        return _let_in(view, lxd, peers, expects)
    if joiners := _awaited_joiners(view, lxd, peers):
        return outcomes.held(waiting(f"to leave once {_one_of(joiners)} has joined"))
    return None


def _awaited_joiners(view: View, lxd: ClusterView, peers: Peers) -> frozenset[str]:
    """Units that an abandoned member waits for: they may take what can move."""
    abandons = view.options.on_remove == ABANDON
    return last_unit.awaited(view, lxd, peers) if abandons else frozenset()


def _blocked(
    view: View, lxd: ClusterView, member: Member, reasons: tuple[Reason, ...], needed: set[str]
) -> Plan:
    """The member stays. `needed` are the reasons that concern the others' database."""
    if member_marks.is_removing(member, lxd):
        # Other leaving units would wait for it.
        return outcomes.with_steps(member_marks.mark(member, member_marks.LEAVING))
    # If the others need only this member's part of the database, abandoning it is not offered.
    text = blockers.all_reasons if set(reasons) <= needed else blockers.with_abandon_advice
    return outcomes.held(blockers.cannot_leave(view.unit, reasons), text(view, reasons))


def _held_without_heartbeats(view: View, lxd: ClusterView, member: Member, quiet: Status) -> Plan:
    """The member stays while the Raft leader sends no heartbeats: LXD calls all others offline."""
    if member_marks.is_removing(member, lxd):
        return outcomes.with_steps(member_marks.mark(member, member_marks.LEAVING))
    return outcomes.held(quiet, blockers.all_reasons(view, (quiet.message,)))


def _marking(view: View, lxd: ClusterView, peers: Peers, member: Member) -> tuple[Step, ...]:
    """Steps that mark this member as leaving, under its present name."""
    # Marks and records are found by members' names.
    if renamed := renamed_members.due(view, lxd, peers, member):
        return renamed
    if lxd.server.old_name and not view.history.restarted:
        # LXD 5.0 does not find its own volumes before a restart.
        return (RestartLxd(),)
    expects = last_unit.expected(view, lxd, peers)
    marking = member_marks.withdrawn if expects else member_marks.due
    return marking(member, lxd)


def _duties(view: View, lxd: ClusterView, peers: Peers) -> tuple[Step, ...]:
    """A member's duties to the others, whether it will be held or not."""
    if again := restarts.of_gone_units(view, lxd, peers, peers.own):
        return again
    if dead := dead_members.removal(view, lxd, peers, peers.own):
        return dead
    failed = failed_joins.left_member(lxd, peers)
    if failed is not None and admission.has_no_daemon(failed):
        # Only this member's token proves that the join failed.
        return (RemoveMember(failed.name, failed.address),)
    expects = last_unit.expected(view, lxd, peers)
    cancelling = () if expects else admission.cancelling(view, lxd, peers)
    return (*join_lock.ended(view.unit, lxd), *cancelling)


def _evacuate_and_leave(view: View, lxd: ClusterView, member: Member) -> Plan:
    """The plan to evacuate a member and remove it, once nothing blocks that."""
    if steps := evacuation.due(view, lxd, member):
        return outcomes.with_steps(*steps)
    rest = evacuation.rest(view, lxd, member)
    if rest.later or (rest.stays and view.options.on_remove != ABANDON):
        return _held_by_contents(view, lxd, member, (*rest.later, *rest.stays, *rest.busy))
    if rest.busy:
        return outcomes.held(
            waiting(f"to leave: {rest.busy[0]}"), blockers.all_reasons(view, rest.busy)
        )
    if not rest.stays and (own := daemon_volumes.removal(view, lxd, member)):
        return outcomes.with_steps(*own)
    if volumes := _unreadable_volumes(view, lxd):
        return _held_by_contents(view, lxd, member, volumes)
    if _is_due_to_copy(view, lxd):
        return outcomes.with_steps(CopyImages())
    return _leave(view, lxd, member, rest.stays)


def _unreadable_volumes(view: View, lxd: ClusterView) -> tuple[Reason, ...]:
    """The volumes for images and backups with unknown content, unless it may be lost."""
    abandons = view.options.on_remove == ABANDON
    volumes = () if abandons else sorted(daemon_volumes.unreadable(view, lxd))
    return tuple(daemon_volumes.not_mounted(volume) for volume in volumes)


def _leave(view: View, lxd: ClusterView, member: Member, stays: tuple[Reason, ...]) -> Plan:
    """Removes a member from which everything has moved, except what `stays`."""
    images = tuple(_only_copy(fingerprint) for fingerprint in view.history.only_copies)
    if images and view.options.on_remove != ABANDON:
        return _held_by_contents(view, lxd, member, images)
    left = (*map(str, stays), *daemon_volumes.left(view), *images)
    step = (
        AbandonMember(member.name, left, member.address)
        if left
        else LeaveCluster(member.name, member.address)
    )
    return _in_turn(view, lxd, member, step)


def _held_by_contents(
    view: View, lxd: ClusterView, member: Member, reasons: tuple[Reason, ...]
) -> Plan:
    """The unit is held, because something is still here. Other leaving units do not wait for it."""
    if member_marks.is_removing(member, lxd):
        return outcomes.with_steps(member_marks.mark(member, member_marks.LEAVING))
    status = blockers.cannot_leave(view.unit, reasons)
    return outcomes.held(status, blockers.with_abandon_advice(view, reasons))


def _is_due_to_copy(view: View, lxd: ClusterView) -> bool:
    """Whether LXD keeps images on one member only. It does not say which member that is.

    With a higher number LXD itself copies them when a member leaves. A member that has joined in
    5.0 does not know the number until its daemon starts again.
    """
    if view.history.copied:
        return False
    number = lxd.server.config.get("cluster.images_minimal_replica")
    return (number == "1" and bool(lxd.images)) or (
        number is None and bool(view.history.only_copies)
    )


def _only_copy(fingerprint: str) -> StatusText:
    name = fingerprint[:12]
    return f"image {name}: no other member has a copy: lxc image export or delete {name}"


def _in_turn(
    view: View, lxd: ClusterView, member: Member, step: LeaveCluster | AbandonMember
) -> Plan:
    """An emptied member leaves if no other member is leaving."""
    first = member_marks.removed_first(member, lxd)
    if not first and _roles_are_due(lxd) and not view.history.roles_awaited:
        return outcomes.with_steps(AwaitRoles())
    if not first:
        return outcomes.with_steps(
            step
            if member_marks.is_removing(member, lxd)
            else member_marks.mark(member, member_marks.REMOVING)
        )
    if member_marks.is_removing(member, lxd) and first < member.name:
        return outcomes.with_steps(member_marks.mark(member, member_marks.LEAVING))
    return outcomes.with_steps(AwaitLeave(first))


def _roles_are_due(lxd: ClusterView) -> bool:
    """Whether the third member left a moment ago, and LXD may be about to demote one of the two.

    LXD lists both as voters until then, for a second or two. A member that leaves meanwhile may
    take the database with it: the Raft leader did in five of nine tries on 5.21.7 and 6.9
    (measured). If the Raft leader has left, both may keep their votes (5.0): then one may leave.
    """
    return len(lxd.members) == 2 and several_vote(lxd.members)


def _plan_only_member(view: View, lxd: ClusterView, peers: Peers, member: Member) -> Plan:
    """A cluster of one member that holds nothing ends with that member."""
    if view.options.on_remove == ABANDON:
        return outcomes.has_left()
    if reasons := blockers.last_of(lxd):
        return outcomes.held(
            blockers.cannot_leave(view.unit, reasons), blockers.with_abandon_advice(view, reasons)
        )
    if joining := admission.awaiting(view, lxd, peers):
        return outcomes.with_steps(*joining)
    if own := daemon_volumes.removal(view, lxd, member):
        return outcomes.with_steps(*own)
    if volumes := _unreadable_volumes(view, lxd):
        return _held_by_contents(view, lxd, member, volumes)
    return outcomes.with_steps(ResetLxd("its only member leaves and holds nothing"))


def _let_in(view: View, lxd: ClusterView, peers: Peers, expects: frozenset[str]) -> Plan:
    """The member admits the next of the expected units, and stays until then.

    It makes a token only in a hook that may end without error: what a failed hook writes is lost.
    """
    joiners = names(expects)
    blocking = last_unit.blocking(view, lxd, peers)
    reasons = (f"it needs another member, and waits for {joiners} to join", *blocking)
    why = blockers.with_abandon_advice(view, reasons)
    if not view.can_publish:
        why += f"\nIf no unit joins: juju run {view.unit} let-in"
    status = waiting(f"to leave once {_one_of(expects)} has joined; if no unit joins: run let-in")
    if not view.can_publish:
        return outcomes.held(status, why)
    admitted = admission.admit(view, lxd, peers)
    published = {"token": admitted.token, "refused": admitted.refused, "missed": admitted.missed}
    return Plan(status, admitted.steps, peers.own.model_copy(update=published), hold=why)


def _one_of(units: frozenset[str]) -> str:
    return min(units) if len(units) == 1 else f"one of {count(len(units), 'unit')}"


def _plan_unresponsive(view: View, lxd: Unresponsive, peers: Peers) -> Plan:
    if view.unresponsive_since is None and (noted := unresponsive.noting(view)):
        return outcomes.with_steps(*noted)
    if not peers.own.cluster and view.forming is None:
        return outside.of_unresponsive(view, lxd)
    if why := unresponsive.join_failed(view, lxd.reason):
        return outcomes.with_steps(ResetLxd(why))
    if lxd.reason is UnresponsiveReason.RECOVERY_INTERRUPTED:
        return outcomes.with_steps(StartAgain())
    if view.unit in peers.removed:
        return outside.of_unresponsive(view, lxd)
    if cure := unresponsive.start_without_volume(lxd):
        return outcomes.with_steps(*cure)
    if lxd.reason is UnresponsiveReason.OTHER_VERSIONS:
        return outcomes.held(unresponsive.waits_for_versions(view, peers))
    return _plan_without_cure(view, lxd, peers)


def _plan_without_cure(view: View, lxd: Unresponsive, peers: Peers) -> Plan:
    """The plan if LXD does not answer, and the charm can do nothing about it."""
    # A comma after `leave`, because a long status only keeps the whole text before its first colon.
    status = blocked(f"{view.unit} cannot leave, LXD does not answer: {lxd.message}")
    reason = f"LXD does not answer: {lxd.message}"
    others = any(data.cluster for data in peers.others.values())
    if others and not quorum.has_no_copy(view, peers):
        # The only copy of the database may be here: permission to leave data behind does not
        # include it.
        return outcomes.held(
            status, f"{blockers.all_reasons(view, (reason,))}\n{_RECOVER.format(unit=view.unit)}"
        )
    if view.options.on_remove == ABANDON:
        return outcomes.has_left()
    return outcomes.held(status, blockers.with_abandon_advice(view, (reason,)))
