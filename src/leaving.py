"""What a unit does that Juju takes away: empty its member, take it out, or say what holds it.

The unit is let go only when its plan holds nothing back. Nothing is deleted and nothing is forced
unless the operator set `on-remove=abandon`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import admission
import caches
import departures
import identity
import marks
import silence
import turns
from options import ABANDON, REFUSE
from peers import UnitData
from status import Status, blocked, count, names, waiting
from steps import (
    AbandonMember,
    AwaitLeave,
    AwaitRoles,
    Evacuate,
    LeaveCluster,
    MoveInstance,
    Plan,
    RemoveMember,
    ResetLxd,
    StartInstance,
    Step,
)
from view import Instance, Lxd, Member, Peers, Silent, View, Volume, several_vote

_STAYS = frozenset({"stop", "stateful-stop", "force-stop"})
"""Values of `cluster.evacuate` with which LXD leaves an instance where it is."""

_IN_DATABASE = frozenset({"database", "database-voter", "database-leader", "database-standby"})

_REVIVE = (
    "It may have what the others need. Have it answer: snap restart lxd; without a quorum, "
    "on one member only: lxd cluster recover-from-quorum-loss, then restart LXD on the others. "
    "If it is lost: juju remove-unit --force {unit}"
)

_FORCE = "To leave it behind: juju config {app} on-remove=abandon, then juju resolved {unit}"


def of_leaver(view: View) -> Plan:
    """The plan of a unit that is going."""
    if view.units is not None and not view.units.staying:
        return Plan(waiting("the application goes: LXD and its data stay as they are"))
    if view.lxd is None or view.peers is None:
        return _gone()
    if isinstance(view.lxd, Silent):
        return _of_silent(view, view.lxd, view.peers)
    if not view.lxd.server.clustered:
        return _gone()
    if foreign := identity.refusal(view, view.lxd, view.peers):
        return _of_foreign(view, foreign)
    if adopting := identity.adopting(view.lxd, view.peers):
        status, steps = adopting
        return _go(*steps) if steps else _hold(status)
    member = view.lxd.own
    if member is None:
        if view.options.on_remove == ABANDON or view.unit in view.peers.app.removed:
            return _gone()
        return _hold(waiting("to leave: LXD does not list this member yet"))
    return _of_member(view, view.lxd, view.peers, member)


def with_doomed(view: View, lxd: Lxd, peers: Peers, own: UnitData) -> Lxd:
    """Adds which members Juju has given up: whoever leaves must not leave the database to them."""
    return replace(lxd, doomed=departures.doomed(view, lxd, peers, own))


def standing_in_the_way(
    on_remove: str, min_voters: int, lxd: Lxd, member: Member
) -> tuple[str, ...]:
    """Why `member` cannot leave, a line for each reason."""
    reasons = [*_quorum(min_voters, lxd, member)]
    if on_remove == ABANDON:
        return tuple(reasons)
    instances, volumes = _held(lxd, member)
    if on_remove == REFUSE:
        reasons += [f"{i}: is here, and on-remove=refuse" for i in instances]
    else:
        stuck = [i for i in instances if i.evacuate in _STAYS]
        reasons += [f"{i}: cluster.evacuate={i.evacuate}: move or delete it" for i in stuck]
        away = {member.name} | lxd.doomed
        if instances and not any(m.online for m in lxd.members if m.name not in away):
            reasons += [f"{i}: no other member can take it" for i in instances if i not in stuck]
    reasons += [f"{v}: copy it to another member, or delete it" for v in volumes]
    return tuple(reasons)


def _of_member(view: View, lxd: Lxd, peers: Peers, member: Member) -> Plan:
    options = view.options
    lxd = with_doomed(view, lxd, peers, peers.own)
    if first := _duties(view, lxd, peers, member):
        return _go(*first)
    if ghost := _ghost(lxd, peers):
        return _hold(waiting(f"to leave until LXD has noticed that {ghost.name} is offline"))
    if len(lxd.members) == 1:
        return _of_only_member(view, lxd, peers, member)
    reasons = standing_in_the_way(options.on_remove, options.min_voters, lxd, member)
    if reasons and marks.on_its_way(member, lxd):
        # Others that leave would wait for it.
        return _go(marks.mark(member, marks.LEAVING))
    if reasons:
        # What the others need of the database is not to be given up.
        needed = set(_quorum(options.min_voters, lxd, member))
        text = _full if set(reasons) <= needed else _with_way_out
        return _hold(cannot_leave(view.unit, reasons), text(view, reasons))
    if joining := admission.awaiting(view, lxd, peers):
        return _go(*joining)
    return _out(view, lxd, member)


def _duties(view: View, lxd: Lxd, peers: Peers, member: Member) -> tuple[Step, ...]:
    """What a member owes the others, whether it will be held or not."""
    if len(lxd.members) > 1 and member.name not in marks.leaving(lxd):
        return (marks.mark(member, marks.LEAVING),)
    if dead := departures.removal(view, lxd, peers, peers.own):
        return dead
    ghost = _ghost(lxd, peers)
    if ghost is not None and ghost.offline:
        # Of nobody else is known that this was a join that failed, not a member.
        return (RemoveMember(ghost.name),)
    return (*turns.ended(view.unit, lxd), *admission.cancelling(view, lxd, peers))


def _out(view: View, lxd: Lxd, member: Member) -> Plan:
    """Empty the member and take it out; nothing forbids it."""
    instances, volumes = _held(lxd, member)
    tried = view.events.evacuation
    if tried is None and (instances or member.status != "EVACUATED"):
        # An empty member too: LXD's scheduler puts nothing new on an evacuated one.
        return _go(Evacuate(member.name, count(len(instances), "instance")))
    left = (*instances, *volumes)
    if not left and (stopped := _stopped_on_the_way(view, lxd, member)):
        return _go(*stopped)
    if not left and (own := caches.given_up(lxd, member)):
        return _go(*own)
    if not left:
        return _in_turn(view, lxd, member)
    if moves := _moves(view, lxd, member, instances):
        return _go(*moves)
    if view.options.on_remove == ABANDON:
        return _go(AbandonMember(member.name, tuple(str(thing) for thing in left)))
    why = tried or "LXD left it where it is"
    reasons = tuple(f"{thing}: did not move ({why}): move or delete it" for thing in left)
    return _hold(cannot_leave(view.unit, reasons), _with_way_out(view, reasons))


def _in_turn(view: View, lxd: Lxd, member: Member) -> Plan:
    """An empty member goes when no other is on its way."""
    first = marks.ahead(member, lxd)
    if not first and _roles_are_due(lxd) and not view.events.roles_awaited:
        return _go(AwaitRoles())
    if not first:
        step = LeaveCluster(member.name)
        return _go(step if marks.on_its_way(member, lxd) else marks.mark(member, marks.GOING))
    if marks.on_its_way(member, lxd):
        return _go(marks.mark(member, marks.LEAVING))
    return _go(AwaitLeave(first))


def _stopped_on_the_way(view: View, lxd: Lxd, member: Member) -> list[StartInstance]:
    """What an evacuation stopped and did not move, and a later one moved as it was: stopped."""
    due = marks.ran(member.name, lxd.notes) - view.events.started
    return [
        StartInstance(i.project, i.name)
        for i in lxd.instances or ()
        if str(i) in due and not i.running and i.location != member.name
    ]


def _moves(view: View, lxd: Lxd, member: Member, left: list[Instance]) -> list[MoveInstance]:
    """What an evacuation that was cut short left behind, stopped: LXD will not evacuate it again.

    Those that run were started again on purpose, or could not be moved before.
    """
    free = [m.name for m in lxd.members if m.online and m.name != member.name]
    if not free:
        return []
    load = Counter(i.location for i in lxd.instances or ())
    target = min(free, key=lambda name: (load[name], name))
    return [
        MoveInstance(i.project, i.name, target, str(i) in view.events.ran)
        for i in left
        if i.evacuate not in _STAYS and not i.running
    ][:1]


def cannot_leave(unit: str, reasons: tuple[str, ...]) -> Status:
    """One line of it, for `juju status`."""
    first, *others = reasons
    more = f" (and {len(others)} more)" if others else ""
    return blocked(f"{unit} cannot leave: {first}{more}")


def _full(view: View, reasons: tuple[str, ...]) -> str:
    """All of it, for the log."""
    lines = "\n".join(f"  {reason}" for reason in reasons)
    return f"{view.unit} cannot leave:\n{lines}"


def _with_way_out(view: View, reasons: tuple[str, ...]) -> str:
    """The same where what is here may be left behind."""
    app = view.unit.partition("/")[0]
    return f"{_full(view, reasons)}\n{_FORCE.format(app=app, unit=view.unit)}"


def _held(lxd: Lxd, member: Member) -> tuple[list[Instance], list[Volume]]:
    instances = [i for i in lxd.instances or () if i.location == member.name]
    return instances, [v for v in lxd.volumes or () if v.location == member.name and not v.cache]


def _quorum(min_voters: int, lxd: Lxd, member: Member) -> Iterable[str]:
    """What the removal would cost the database that those who stay share."""
    others = [m for m in lxd.members if m.name != member.name]
    up = [m for m in others if m.up and m.name not in lxd.unreachable]
    lasting = [m for m in up if m.name not in lxd.doomed]
    if not up:
        yield "no other member is up"
        return
    voters = [m for m in others if m.voter]
    voting = sum(m in up for m in voters)
    if member.voter and voters and voting * 2 <= len(voters):
        down = names(m.name for m in voters if m not in up)
        yield f"the database would lose its quorum while {down} is down"
    elif member.voter and sum(m in lasting for m in voters) * 2 <= len(voters):
        # Its machine may go at any moment, and the database with it.
        for doomed in (m.name for m in up if m not in lasting):
            yield f"{doomed} has no unit: lxc cluster evacuate and remove it"
    if len(others) == 1 and member.voter and not _can_take_over(lxd, others[0]):
        yield f"{others[0].name} has no copy of the database: add a unit first"
    # LXD keeps one voter up to two members, and cluster.max_voters of them from three on.
    most = int(lxd.server.config.get("cluster.max_voters") or 3)
    would_be = 1 if len(up) < 3 else min(most, len(up))
    if would_be < min_voters:
        yield f"min-voters={min_voters}: only {count(would_be, 'voter')} would stay"


def _roles_are_due(lxd: Lxd) -> bool:
    """Whether the third member left a moment ago, and LXD may be about to demote one of the two.

    It lists both as voters until then. Who goes meanwhile may take the database along. Where it was
    the leader that left, both may vote for good (measured), and one may go as well.
    """
    return len(lxd.members) == 2 and several_vote(lxd.members) and not _promotes_any(lxd)


def _can_take_over(lxd: Lxd, other: Member) -> bool:
    """Whether the last but one may leave the database to `other`.

    LXD 5.0 makes a stand-by a voter first, a spare not: then both lose the database (measured,
    three times of three).
    """
    return bool(other.roles & _IN_DATABASE) or _promotes_any(lxd)


def _promotes_any(lxd: Lxd) -> bool:
    """Whether a last but one that leaves makes the other a voter first: LXD 5.21 does."""
    return "explicit_trust_token" in lxd.server.extensions


def _ghost(lxd: Lxd, peers: Peers) -> Member | None:
    """What a failed join with this member's token left behind in the cluster."""
    token = peers.own.token
    return admission.left_by_failed_join(token, lxd, peers) if token else None


def _of_only_member(view: View, lxd: Lxd, peers: Peers, member: Member) -> Plan:
    """A cluster of one that holds nothing ends with it."""
    if view.options.on_remove == ABANDON:
        return _gone()
    instances, volumes = _held(lxd, member)
    why = "no other member can take it: export or delete it"
    reasons = tuple(f"{thing}: {why}" for thing in (*instances, *volumes))
    if reasons:
        return _hold(cannot_leave(view.unit, reasons), _with_way_out(view, reasons))
    if joining := admission.awaiting(view, lxd, peers):
        return _go(*joining)
    if own := caches.given_up(lxd, member):
        return _go(*own)
    return _go(ResetLxd("its only member leaves and holds nothing"))


def _of_silent(view: View, silent: Silent, peers: Peers) -> Plan:
    if not peers.own.cluster and view.forming is None:
        return _gone()
    if why := silence.join_failed(view, silent.kind):
        return _go(ResetLxd(why))
    if view.unit in peers.app.removed:
        return _gone()
    reason = f"LXD does not answer ({silent.reason})"
    status = blocked(f"{view.unit} cannot leave: {reason}")
    if any(data.cluster for data in peers.others.values()):
        # The only copy of the database may be here: what is left behind is no word on that.
        return _hold(status, f"{_full(view, (reason,))}\n{_REVIVE.format(unit=view.unit)}")
    if view.options.on_remove == ABANDON:
        return _gone()
    return _hold(status, _with_way_out(view, (reason,)))


def _of_foreign(view: View, foreign: Status) -> Plan:
    """LXD is in a cluster that is not ours, or may not be: nothing is touched there.

    Its machine goes with the unit, and with it a member that somebody may need.
    """
    if view.options.on_remove == ABANDON:
        return _gone()
    reason = f"{foreign.message}, and its machine goes with this unit"
    return _hold(cannot_leave(view.unit, (reason,)), _with_way_out(view, (reason,)))


def _gone() -> Plan:
    return Plan(waiting("has left the cluster"))


def _go(*steps: Step) -> Plan:
    return Plan(waiting("to leave the cluster"), steps)


def _hold(status: Status, why: str = "") -> Plan:
    return Plan(status, hold=why or status.message)
