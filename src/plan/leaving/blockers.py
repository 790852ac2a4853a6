# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What blocks a leaving member, in words: what it holds, and what the others need of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import modes
from options.options import ABANDON, REFUSE
from plan import cluster_change
from plan.leaving import migration, orphaned_members
from plan.networks.contributions import question
from records import member_marks, member_units
from state.cluster import ClusterView, Member, can_take_over, has_database
from state.lxd_objects import Bucket, Image, Instance, Volume
from state.peers import UnitData
from state.view import Peers, View
from values import error_messages
from values.numbers import whole
from values.status import STATUS_LIMIT, Status, StatusText, blocked, count, names

_ABANDON = "To leave it behind: juju config {app} on-remove=abandon, then juju resolved {unit}"
_WHY = 20
"""A cause in a status needs at least this number of characters to be useful."""
IN_ERROR = "status ERROR"
"""Why the charm does not move an instance: LXD does not know whether it runs."""
_CURES = {
    "Instance has backups": "delete them",
    "Reached maximum": "raise the project's limit",
    IN_ERROR: "lxc stop -f",
}
"""Reasons against the move of an instance, most of them LXD's, each with what helps.

Backups would stay behind. LXD 5.0 counts an instance twice in the limits of its project while it
moves (measured on 5.0.2; 6.9 does not).
"""
_NO_COPY = "has no copy of the database: add a unit first"
_REMOVE = "Or move what {name} holds, and: lxc cluster remove {name}"
"""The advice for a member that an operator joined by hand."""
_DEVICES = "An instance that can do without such a device moves with cluster.evacuate=migrate"


@dataclass(frozen=True)
class NotTaken:
    """An instance that could move and did not, with LXD's reason."""

    instance: str
    why: str
    live: bool = False
    """Whether LXD was to move it while it runs."""

    def __str__(self) -> StatusText:
        found = (cure for reason, cure in _CURES.items() if reason in self.why)
        other = "cluster.evacuate=migrate moves it stopped" if self.live else "move or delete it"
        return f"{self.instance}: could not be moved ({self.why}): {next(found, other)}"


Reason = str | NotTaken
"""What holds a member, for the operator."""


def with_leavers(view: View, lxd: ClusterView, peers: Peers, own: UnitData) -> ClusterView:
    """The same, with what peers and Juju know: the members about to go, and the machines' bridges.

    A leaving member must not give its instances to members that go, too.
    """
    units = {view.unit: own, **peers.others}
    members = {u: m.name for u, data in units.items() if (m := lxd.member_of(data)) is not None}
    leaving = view.units.leaving if view.units else frozenset[str]()
    return replace(
        lxd,
        orphaned=orphaned_members.orphaned(view, lxd, peers, own),
        leaving=member_marks.leaving(lxd) | {members[u] for u in leaving if u in members},
        bridges={member: _bridges(view, units[unit]) for unit, member in members.items()},
    )


def _bridges(view: View, data: UnitData) -> frozenset[str]:
    """The bridges of a unit's machine that the charm's networks are on."""
    bridges: set[str] = set()
    for net in view.options.wanted_networks:
        mode = modes.MODES[net.mode]
        contribution = data.links.get(question(net))
        if mode.type or not mode.one_name or contribution is None or not contribution.parent:
            continue
        bridges |= {
            migration.on_bridge(contribution.parent, str(vlan or "")) for vlan in (0, net.vlan)
        }
    return frozenset(bridges)


def instances(lxd: ClusterView, member: Member) -> list[Instance]:
    """The instances on a member."""
    return [i for i in lxd.instances or () if i.location == member.name]


def immovable(lxd: ClusterView, member: Member) -> list[Volume | Bucket]:
    """The volumes and buckets on a member, which never move; without volumes for LXD's own use."""
    volumes = [v for v in lxd.volumes or () if v.location == member.name and not v.cache]
    return [*volumes, *(b for b in lxd.buckets or () if b.location == member.name)]


def everything(lxd: ClusterView) -> list[Instance | Volume | Bucket | Image]:
    """Everything in the cluster that somebody could lose, on any member."""
    volumes = [v for v in lxd.volumes or () if not v.cache]
    images = [i for i in lxd.images or () if not i.cached]
    return [*(lxd.instances or ()), *volumes, *(lxd.buckets or ()), *images]


def removal_blockers(
    on_remove: str, min_voters: int, lxd: ClusterView, member: Member
) -> tuple[StatusText, ...]:
    """Why `member` cannot leave, a line for each reason. `lxd` is `with_leavers`."""
    reasons = [*quorum(min_voters, lxd, member)]
    if on_remove == ABANDON:
        return tuple(reasons)
    on_member = instances(lxd, member)
    if on_remove == REFUSE:
        reasons += [f"{i}: on-remove=refuse keeps it here" for i in on_member]
    else:
        reasons += [f"{i}: {why}" for i in on_member if (why := _why_not_moved(i, lxd, member))]
    return (*reasons, *(_cure(lxd_object, lxd) for lxd_object in immovable(lxd, member)))


def without_target(lxd: ClusterView, member: Member) -> tuple[str, ...]:
    """The instances that could move, and that no member can take now, with the reason."""
    return tuple(
        f"{i}: {why}"
        for i in instances(lxd, member)
        if not migration.obstacle(i, lxd) and (why := _why_not_moved(i, lxd, member))
    )


def _why_not_moved(instance: Instance, lxd: ClusterView, member: Member) -> StatusText:
    """Why no other member can take an instance, empty if one can."""
    if why := migration.obstacle(instance, lxd):
        return why
    if migration.targets(instance, lxd, member.name):
        return ""
    return migration.no_target_now(instance, lxd, member.name)


def _cure(stored: Volume | Bucket, lxd: ClusterView) -> StatusText:
    if isinstance(stored, Bucket):
        return f"{stored}: copy its objects to another member, then delete it"
    if key := _key_of_daemon(stored, lxd):
        return f"{stored}: lxc config unset {key} --target {stored.location}, then delete it"
    return f"{stored}: copy it to another member, or delete it"


def _key_of_daemon(volume: Volume, lxd: ClusterView) -> str:
    """LXD's key that puts its own files on a volume, empty for other volumes.

    LXD refuses to delete such a volume. Each member shows only its own keys.
    """
    own = lxd.server.config if volume.location == lxd.server.name else dict[str, str]()
    place = f"{volume.pool}/{volume.name}"
    return next((k for k, v in own.items() if k.startswith("storage.") and v == place), "")


def unmoved(on_remove: str, lxd: ClusterView, member: Member) -> tuple[NotTaken, ...]:
    """Instances that no member took in earlier tries, from the record."""
    tries = member_marks.unmoved(member.name, lxd.notes) if on_remove != ABANDON else {}
    left = [i for i in instances(lxd, member) if str(i) in tries]
    return tuple(NotTaken(str(i), tries[str(i)].why, i.live) for i in left)


def last_of(lxd: ClusterView) -> tuple[StatusText, ...]:
    """What would be lost with the only member."""
    why = "no other member can take it: export or delete it"
    return tuple(f"{lxd_object}: {why}" for lxd_object in everything(lxd))


def quorum(min_voters: int, lxd: ClusterView, member: Member) -> Iterable[StatusText]:
    """Why the removal would harm the database of the remaining members."""
    others = [m for m in lxd.members if m.name != member.name]
    up = [m for m in others if m.up and m.name not in lxd.unreachable]
    if not up:
        yield "no other member is up"
        return
    if member.voter:
        yield from _lost_majority(lxd, [m for m in others if m.voter], up)
        yield from _no_successor(lxd, others, up)
    yield from _too_few_voters(min_voters, lxd, len(up))


def _lost_majority(
    lxd: ClusterView, voters: list[Member], up: list[Member]
) -> Iterable[StatusText]:
    """Why the other voters have no majority without this one, or may soon have none."""
    if voters and not _is_majority(up, voters):
        down = names(m.name for m in voters if m not in up)
        yield f"the database would lose its quorum while {down} is down"
        return
    lasting = [m for m in up if m.name not in lxd.orphaned]
    if not _is_majority(lasting, voters):
        # Its machine may go at any moment, and its copy of the database with it.
        yield from (cluster_change.no_unit(m.name) for m in up if m not in lasting)


def _is_majority(some: list[Member], voters: list[Member]) -> bool:
    return sum(m in some for m in voters) * 2 > len(voters)


def unanswered(member: Member) -> StatusText:
    """Why the charm holds a unit whose LXD does not answer: the others may need its data."""
    return f"LXD on {member.name} does not answer"


def _no_successor(lxd: ClusterView, others: list[Member], up: list[Member]) -> Iterable[StatusText]:
    """Why the only voter cannot give the database to another member.

    LXD makes the other one of two members a voter, if it can. With more members it makes none at
    that moment, and lets the last voter go (clusterMemberDelete in api_cluster_member.go of 6.9).
    """
    if len(others) == 1:
        if not can_take_over(lxd, others[0]):
            yield f"{others[0].name} {_NO_COPY}"
        return
    if any(map(has_database, up)):
        return
    evacuated = next((m.name for m in up if m.evacuated), "")
    if evacuated:
        # 6.9 gives an evacuated member no role.
        yield f"lxc cluster restore {evacuated} first: no other member has the database"
    else:
        yield "no other member has the database yet: LXD gives it to one within a minute"


def _too_few_voters(min_voters: int, lxd: ClusterView, up: int) -> Iterable[StatusText]:
    """Why the members that are up would be too few for the wanted number of voters."""
    # LXD keeps one voter up to two members, and cluster.max_voters of them from three on.
    most = whole(lxd.server.config.get("cluster.max_voters", "")) or 3
    would_be = 1 if up < 3 else min(most, up)
    if would_be < min_voters > most:
        odd = min_voters + (min_voters + 1) % 2
        yield f"min-voters={min_voters}: lxc config set cluster.max_voters {odd}, or lower it"
    elif would_be < min_voters:
        yield f"min-voters={min_voters}: only {count(would_be, 'voter')} would stay"


def cannot_leave(unit: str, reasons: tuple[Reason, ...]) -> Status:
    """The reasons in one line, for `juju status`: it names the first; the log says what to do."""
    first, *others = reasons
    more = f" (and {len(others)} more)" if others else ""
    room = STATUS_LIMIT - len(more)
    start = f"{unit} cannot leave: "
    return blocked(error_messages.begin(start + _within(first, room - len(start)), room) + more)


def _within(reason: Reason, room: int) -> str:
    """A reason in at most `room` characters. LXD's own reason comes last."""
    text = str(reason)
    if not isinstance(reason, NotTaken) or len(text) <= room:
        return text
    name, why = reason.instance, reason.why
    if len(shorter := f"{name}: could not be moved ({why})") <= room:
        return shorter
    left = room - len(name) - 2
    return f"{name}: {error_messages.end(why, left)}" if left >= _WHY else text


def all_reasons(view: View, reasons: tuple[Reason, ...]) -> str:
    """All reasons, for the log."""
    lines = [f"  {reason}" for reason in reasons]
    return "\n".join((f"{view.unit} cannot leave:", *lines, *_removable(view, reasons)))


def _removable(view: View, reasons: tuple[Reason, ...]) -> Iterable[str]:
    """The advice about a member that has no unit and cannot take over the database."""
    if not isinstance(view.lxd, ClusterView):
        return
    for member in view.lxd.members:
        without = not member_units.unit_of(member, view.lxd)
        if without and f"{member.name} {_NO_COPY}" in reasons:
            yield _REMOVE.format(name=member.name)


def with_abandon_advice(view: View, reasons: tuple[Reason, ...]) -> str:
    """All reasons, and how to leave behind what is here."""
    app = view.unit.partition("/")[0]
    devices = f"\n{_DEVICES}" if any("detach it" in str(reason) for reason in reasons) else ""
    return f"{all_reasons(view, reasons)}{devices}\n{_ABANDON.format(app=app, unit=view.unit)}"
