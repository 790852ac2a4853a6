# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Dead members without a unit: first move what can be moved off them, then remove them.

When LXD removes a member, it forgets the member's instances. An instance in a Ceph is not on the
dead machine's disks, and LXD gives it to another member while the dead one is listed (its source: a
move from an offline member with remote storage changes the database alone, in all generations).
The charm does not start it there: nobody can see whether it still runs on the dead machine, and two
instances that write to one disk destroy it.
"""

from __future__ import annotations

from dataclasses import replace

from options.options import ABANDON
from plan import duties
from plan.leaving import blockers, migration, orphaned_members
from plan.leaving.evacuation import TRIES
from records import member_marks, member_units
from state.cluster import ClusterView, Member
from state.lxd_objects import Instance
from state.peers import UnitData
from state.view import EVERY_MEMBER, Peers, View
from steps.leaving import MoveOffDead, NoteUnmoved, RemoveMember
from steps.plan import Step
from values import transient_errors
from values.status import Status, blocked


def removal(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> tuple[Step, ...]:
    """The next step to empty and remove a dead member, while most voters are up.

    Members are removed one at a time, because each removal may change the voters. A member that
    must stay does not delay the others.
    """
    # The leader itself may leave, and the dead members may hold it.
    responsible = duties.handles_orphans(view.unit, leads=view.leader, peers=peers, lxd=lxd)
    if not (responsible or view.leaving) or not _most_voters_are_up(lxd):
        return ()
    # If LXD did not list what members hold, the charm does not know what would be lost.
    if lxd.instances is None or lxd.pools is None:
        return ()
    complete = blockers.with_leavers(view, lxd, peers, own)
    clearing = (_clearing(view, complete, dead) for dead in _dead(view, lxd, peers, own))
    return next(filter(None, clearing), ())


def _most_voters_are_up(lxd: ClusterView) -> bool:
    """Whether the database keeps its quorum. Voters that wait for one version of LXD are up, too.

    A dead member with a newer LXD is what they wait for: only its removal helps.
    """
    voters = [m for m in lxd.members if m.voter]
    return sum(m.up or m.blocked for m in voters) * 2 > len(voters)


def _clearing(view: View, lxd: ClusterView, dead: Member) -> tuple[Step, ...]:
    """The next step to remove a dead member, none while it must keep an instance."""
    shared = _shared(lxd, dead)
    for instance in shared:
        if targets := _targets(view, lxd, dead, instance):
            return (_move(instance, dead, targets, lxd.server.name),)
    if shared and view.options.on_remove != ABANDON:
        return ()
    return _giving_up(view, lxd, dead, shared)


def _giving_up(
    view: View, lxd: ClusterView, dead: Member, shared: list[Instance]
) -> tuple[Step, ...]:
    """Removes a dead member with the instances that no member took in two hooks in a row."""
    refused = {str(i): why for i in shared if (why := _refusal(view, i))}
    lasting = {n: why for n, why in refused.items() if not transient_errors.passes(why)}
    if lasting and not lasting.keys() <= view.history.noted:
        return (NoteUnmoved(dead.name, lasting),)
    if any(_may_still_move(view, lxd, dead, i) for i in shared):
        return ()
    return (RemoveMember(dead.name, dead.address),)


def _may_still_move(view: View, lxd: ClusterView, dead: Member, instance: Instance) -> bool:
    """Whether a member could take an instance later: one that is away, or that refused it once."""
    if migration.absent_targets(instance, lxd, dead.name):
        return True
    why = _refusal(view, instance)
    if not why:
        return False
    tries = member_marks.unmoved(dead.name, lxd.notes).get(str(instance))
    return transient_errors.passes(why) or tries is None or tries.times < TRIES


def _refusal(view: View, instance: Instance) -> str:
    """Why the last member refused an instance in this hook, empty if none did."""
    return ["", *view.history.refused.get(str(instance), {}).values()][-1]


def _move(instance: Instance, dead: Member, targets: list[str], own: str) -> MoveOffDead:
    """Moves an instance, first to this unit's own member if that one can take it.

    A daemon that starts between the move and the next request starts the instance, too. This
    unit's own daemon answered a moment ago, and nothing has to reach another machine.
    """
    first = own if own in targets[1:] else ""
    return MoveOffDead(instance.project, instance.name, dead.name, targets[0], first)


def status(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> Status | None:
    """Blocked while a dead member stays because no other member takes its instances."""
    complete = blockers.with_leavers(view, lxd, peers, own)
    for dead in _dead(view, lxd, peers, own):
        left = [i for i in _shared(complete, dead) if not _targets(view, complete, dead, i)]
        if view.options.on_remove == ABANDON:
            left = [i for i in left if _may_still_move(view, complete, dead, i)]
        if left:
            why = _refusal(view, left[0]) or migration.no_target_now(left[0], complete, dead.name)
            return blocked(f"{dead.name} is dead and still has {left[0]}: {why}")
    return None


def _dead(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> list[Member]:
    """The dead members without a unit.

    A renamed member waits until its record has its present name. Until then LXD may trust another
    member under that name, and the removal would end that trust.
    """
    names = orphaned_members.orphaned(view, lxd, peers, own)
    orphans = [m for m in lxd.members if m.name in names and member_units.is_noted(m, lxd)]
    return [m for m in orphans if member_marks.dead(m, view.now, lxd)]


def _shared(lxd: ClusterView, dead: Member) -> list[Instance]:
    """The instances of a dead member in pools that all members reach.

    LXD shows no architecture of an instance whose member is down.
    """
    on_dead = (i for i in blockers.instances(lxd, dead) if migration.on_shared_pool(i, lxd))
    return [replace(i, architecture=i.architecture or dead.architecture) for i in on_dead]


def _targets(view: View, lxd: ClusterView, dead: Member, instance: Instance) -> list[str]:
    """The members that may take an instance and have not refused it in this hook."""
    refused = view.history.refused.get(str(instance), {})
    if EVERY_MEMBER in refused:
        return []
    return [t for t in migration.targets(instance, lxd, dead.name) if t not in refused]
