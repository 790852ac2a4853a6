# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Admits units to the cluster one at a time: two joins at once hang a small cluster.

A join token is the permission to join. The token issuer is the member furthest back in the queue.
It publishes one token at a time, for the unit with the join lock. A unit that has joined is the
next issuer already in the hook in which it joined, so each join takes one hook.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import deadlines
from plan import cluster_change, duties
from plan.forming import member_names
from records import join_lock, member_units
from records.join_lock import JoinLock
from state.cluster import RESTRICTED_GROUPS, ClusterView, Member
from state.peers import QueueEntry, Token, UnitData
from state.view import Peers, View
from steps.forming import AwaitJoin, CancelToken, MakeToken
from steps.leaving import RemoveMember
from steps.plan import Step
from values import lxd_versions
from values.addresses import PORT
from values.status import StatusText


@dataclass(frozen=True)
class Admission:
    """The issuer's steps, and what it publishes; empty for any other member."""

    steps: tuple[Step, ...] = ()
    token: Token | None = None
    refused: dict[str, str] = field(default_factory=dict[str, str])
    missed: dict[str, int] = field(default_factory=dict[str, int])


def admit(view: View, lxd: ClusterView, peers: Peers) -> Admission:
    """Admits the next unit of the queue, if this member is the issuer."""
    if not duties.is_token_issuer(view.unit, peers, lxd):
        return Admission((*cancelling(view, lxd, peers), *join_lock.ended(view.unit, lxd)))
    own, history = peers.own.token, view.history
    token = history.made or (own if history.withdrawn is None else None)
    missed = _missed(view, peers)
    admission = Admission(token=token, refused=_refused(lxd, peers), missed=missed)
    if (
        token is not None
        and (steps := _steps_while_kept(token, view, lxd, peers, missed)) is not None
    ):
        return replace(admission, steps=steps)
    if cancel := cancelling(view, lxd, peers):
        return replace(admission, steps=cancel)
    if wait := awaiting(view, lxd, peers):
        # Every unit with a place reports the result of its join; until then no other unit gets the
        # join lock.
        reports = own is not None and _reports(own, view, peers, missed)
        return replace(admission, steps=() if reports else wait, token=own)
    return replace(admission, steps=_next_admission(view, lxd, peers, missed), token=None)


def _steps_while_kept(
    token: Token, view: View, lxd: ClusterView, peers: Peers, missed: dict[str, int]
) -> tuple[Step, ...] | None:
    """The steps while the token stays published, None if it must not stay."""
    late = view.history.made is None and _is_late(peers.own.token, missed)
    if not late and _is_usable(token, view, lxd, peers):
        return ()
    if failed := left_by_failed_join(token, lxd, peers):
        # The token stays until that member is removed: it proves that the member is from a failed
        # join.
        return (RemoveMember(failed.name, failed.address),) if has_no_daemon(failed) else ()
    return None


def _is_late(token: Token | None, missed: dict[str, int]) -> bool:
    """Whether the token's unit has not used it in time."""
    return token is not None and missed.get(token.unit) == token.attempt


def _reports(token: Token, view: View, peers: Peers, missed: dict[str, int]) -> bool:
    """Whether the token's unit has a place and time left: then it reports how its join ended."""
    has_place = any(p.unit == token.unit for p in _entries(view, peers))
    return has_place and not _is_late(token, missed)


def _next_admission(
    view: View, lxd: ClusterView, peers: Peers, missed: dict[str, int]
) -> tuple[Step, ...]:
    """A token for the unit with the join lock, or the lock for the next unit.

    A unit that got the lock from another issuer keeps it until its join has ended: the unit may be
    joining.
    """
    entries = _candidates(view, lxd, peers, missed)
    lock = join_lock.read(lxd.notes)
    if lock is not None and not _is_over(lock, view, lxd, peers):
        if entry := _holder(lock, entries, lxd, peers):
            return (_token_for(entry, view, lxd, peers),)
        if not _holds_lock(peers.own.token, lxd) and not view.history.awaited:
            return (AwaitJoin(lock.name),)
    if entries:
        return (join_lock.granted(lxd, entries[0], peers.others[entries[0].unit].name),)
    return (join_lock.released(lxd),) if lock is not None else ()


def _candidates(
    view: View, lxd: ClusterView, peers: Peers, missed: dict[str, int]
) -> list[QueueEntry]:
    """The places of the units that may get the join lock, in order."""
    able = () if _no_join_succeeds(lxd) else _able_to_join(view, lxd, peers)
    return [entry for entry in able if missed.get(entry.unit) != entry.attempt]


def _no_join_succeeds(lxd: ClusterView) -> bool:
    """Whether LXD refuses every join, because of a project or because a network is errored.

    A joining LXD leaves the network out of its request, and the cluster answers `Joining member has
    no config for network`. The coordinator makes the network while no unit joins. A network that no
    option names is the operator's to finish or delete.
    """
    return bool(_in_projects(lxd)) or any(network.errored for network in lxd.networks or ())


def _holder(
    lock: JoinLock, entries: list[QueueEntry], lxd: ClusterView, peers: Peers
) -> QueueEntry | None:
    """The place of the unit with the join lock, if it can join now.

    If this issuer gave the lock, the unit's member must still have the name in the lock.
    """
    entry = next((p for p in entries if p.unit == lock.unit and p.attempt == lock.attempt), None)
    if entry is None or not _holds_lock(peers.own.token, lxd):
        return entry
    return entry if peers.others[entry.unit].name == lock.name else None


def _token_for(entry: QueueEntry, view: View, lxd: ClusterView, peers: Peers) -> MakeToken:
    data, own = peers.others[entry.unit], peers.own.token
    if own is not None and _holds_lock(own, lxd):
        adopted = own.adopted
    else:
        adopted = view.history.granted != entry.unit
    option_names = cluster_change.option_names(view)
    return MakeToken(
        entry.unit, data.name, data.key, entry.attempt, adopted, option_names, address=data.address
    )


def _is_over(lock: JoinLock, view: View, lxd: ClusterView, peers: Peers) -> bool:
    return join_lock.is_over(lock, lxd, peers.data(lock.unit, view.unit))


def cancelling(view: View, lxd: ClusterView, peers: Peers) -> tuple[Step, ...]:
    """Cancels this member's token, once."""
    token, name = peers.own.token, may_be_joining(lxd, peers)
    if token is None or not name or view.history.withdrawn is not None:
        return ()
    return (CancelToken(name, token.digest),)


def awaiting(view: View, lxd: ClusterView, peers: Peers) -> tuple[Step, ...]:
    """Waits once for the unit that used the token before it was cancelled: it may be joining.

    If the join lock no longer names it, it has joined, and may have left since.
    """
    token, history = peers.own.token, view.history
    if token is None or history.withdrawn is None or history.made is not None or history.awaited:
        return ()
    used = not history.withdrawn or token.adopted or _has_another(token, peers)
    name = may_be_joining(lxd, peers)
    return (AwaitJoin(name),) if used and name and _holds_lock(token, lxd) else ()


def _has_another(token: Token, peers: Peers) -> bool:
    """Whether another issuer has made a token for the same attempt of that unit.

    The unit may join with one token while the other is cancelled.
    """
    return any(
        d.token is not None and (d.token.unit, d.token.attempt) == (token.unit, token.attempt)
        for d in peers.others.values()
    )


def _holds_lock(token: Token | None, lxd: ClusterView) -> bool:
    lock = join_lock.read(lxd.notes)
    return token is not None and lock == JoinLock(token.unit, token.attempt, token.name)


def may_be_joining(lxd: ClusterView, peers: Peers) -> str:
    """The member that may be joining with this member's token, empty if there can be none.

    An existing unit reports the result of its join. A removed one cannot, and its LXD may still be
    joining.
    """
    token = peers.own.token
    if token is None:
        return ""
    data = peers.others.get(token.unit)
    if data is not None and (data.cluster or data.attempt > token.attempt):
        return ""
    name = token.name or (data.name if data else "")
    return "" if lxd.member(name) else name


def _able_to_join(view: View, lxd: ClusterView, peers: Peers) -> list[QueueEntry]:
    """The places of those that can join now, in the order of the queue."""
    others = [p for p in _entries(view, peers) if p.unit != view.unit]
    return [p for p in others if p.unit not in lxd.unreachable_units and _can_join(p, lxd, peers)]


def _entries(view: View, peers: Peers) -> tuple[QueueEntry, ...]:
    """The queue, then the units that can join and that no leader has queued.

    A leaving leader that is held queues no unit, and it may be held because others must join first.
    Units that Juju no longer has are left out.
    """
    if view.units is None:
        return peers.app.queue
    waiting = sorted(view.units.staying & unqueued(peers))
    return (
        *peers.app.queue,
        *(QueueEntry(unit=u, attempt=peers.others[u].attempt) for u in waiting),
    )


def unqueued(peers: Peers) -> set[str]:
    """Units that can join and have no place in the queue. Some may be gone."""
    queued = {entry.unit for entry in peers.app.queue}
    return {unit for unit, data in peers.others.items() if data.able and unit not in queued}


def is_outside(peers: Peers) -> bool:
    """Whether there is a cluster, and this unit is not a member of it.

    Other units' data do not show that: the members may all be gone or about to leave. Then Juju has
    announced their departure, and shows their data no longer.
    """
    return bool(peers.app.cluster) and not peers.own.cluster


def _can_join(entry: QueueEntry, lxd: ClusterView, peers: Peers) -> bool:
    data = peers.others.get(entry.unit)
    if data is None or data.cluster or not data.able or not data.key:
        return False
    return data.attempt == entry.attempt and lxd.member(data.name) is None


def _is_usable(token: Token, view: View, lxd: ClusterView, peers: Peers) -> bool:
    """Whether the token's unit may still use it, and may be using it now.

    A charm from before the cluster's identity named no certificate: its tokens are not usable.
    """
    if token.certificate != lxd.server.fingerprint:
        return False
    entry = next((p for p in _entries(view, peers) if p.unit == token.unit), None)
    data = peers.others.get(token.unit)
    if entry is None or data is None or data.cluster or not data.able:
        return False
    return entry.attempt == token.attempt == data.attempt and token.name in ("", data.name)


def _missed(view: View, peers: Peers) -> dict[str, int]:
    """By unit: the attempt whose token it did not use in time, until the queue has another attempt.

    Only the issuer reports it: another unit's clock may be an hour off.
    """
    entries = {p.unit: p.attempt for p in _entries(view, peers)}
    missed = dict(peers.own.missed)
    token = peers.own.token
    # A token whose time is in the future was made before this machine's clock was corrected.
    if token is not None and abs(view.now - token.made) > deadlines.LAPSE:
        missed[token.unit] = token.attempt
    return {unit: attempt for unit, attempt in missed.items() if entries.get(unit) == attempt}


def left_by_failed_join(token: Token, lxd: ClusterView, peers: Peers) -> Member | None:
    """The member that a failed join of the token's unit left, if the unit reported the failure."""
    data = peers.others.get(token.unit)
    if data is None or data.cluster or not data.able or data.attempt <= token.attempt:
        return None
    member = _member_of_token(token, data, lxd)
    if member is None:
        return None
    # If the unit has joined since then, LXD's notes say so, although its published data are old.
    return None if member_units.joined_attempt(member, lxd) >= data.attempt else member


def may_have_failed(token: Token, lxd: ClusterView, peers: Peers) -> Member | None:
    """The offline member of the token's unit, if neither LXD nor the unit says that it joined."""
    data = peers.others.get(token.unit)
    member = _member_of_token(token, data, lxd) if data is not None and not data.cluster else None
    if member is None or not has_no_daemon(member):
        return None
    joined = member_units.joined_attempt(member, lxd) >= token.attempt
    return None if joined else member


def _member_of_token(token: Token, data: UnitData, lxd: ClusterView) -> Member | None:
    """The member that joined with a token. Its machine may have another name by now."""
    member = lxd.member(token.name or data.name)
    return member if member is not None and member.address == data.address else None


def has_no_daemon(failed: Member) -> bool:
    """Whether LXD has noticed that a failed join's member has no daemon.

    If cluster.healing_threshold is set, LXD calls it evacuated from then on (5.21 and later). Its
    unit's LXD may answer at its address, as a server outside the cluster.
    """
    return failed.offline or failed.evacuated


def _refused(lxd: ClusterView, peers: Peers) -> dict[str, str]:
    """Units that cannot join, with the reason, such as a name that a member has already."""
    reasons = {u: _why_taken(u, d, lxd) for u, d in sorted(peers.others.items()) if not d.cluster}
    cannot = {unit: _closed_port(peers.others[unit], lxd) for unit in sorted(lxd.unreachable_units)}
    prevented = dict.fromkeys(_waiting(peers), why) if (why := _in_projects(lxd)) else {}
    return prevented | cannot | {unit: why for unit, why in reasons.items() if why}


def _in_projects(lxd: ClusterView) -> StatusText:
    """Why LXD refuses every join for a project, with the remedy. Empty if it does not."""
    looks_for_groups = lxd_versions.needs_groups(lxd.server.version)
    found = {
        k: v for k, v in lxd.join_obstacles.items() if v != RESTRICTED_GROUPS or looks_for_groups
    }
    if not found:
        return ""
    (project, name), key = min(found.items())
    if key == RESTRICTED_GROUPS:
        return f"project {project}: no join before you unset {key}"
    cure = f"unset its {key}" if key.endswith(".nic") else f"add it to its {key}"
    return f"project {project} hides {name}: {cure}"


def _closed_port(data: UnitData, lxd: ClusterView) -> StatusText:
    return f"{lxd.server.name} cannot reach port {PORT} of {data.address}: open it in the firewall"


def to_test(unit: str, lxd: ClusterView, peers: Peers) -> dict[str, UnitData]:
    """Units whose port this member tests before it admits one of them.

    A member that no other member reaches would stay offline. A unit with a token may be joining,
    and its LXD may be restarting.
    """
    if not duties.is_token_issuer(unit, peers, lxd):
        return {}
    waiting = sorted(_waiting(peers) - _with_lock_or_token(lxd, peers))
    candidates = {u: peers.others[u] for u in waiting}
    return {u: d for u, d in candidates.items() if d.key and d.address and not d.cluster}


def _waiting(peers: Peers) -> set[str]:
    """Units that can join, or could if this member did not refuse them."""
    outside = {u: d for u, d in peers.others.items() if not d.cluster}
    return {u for u, d in outside.items() if d.able or u in peers.own.refused}


def has_waiting(unit: str, lxd: ClusterView, peers: Peers) -> bool:
    """Whether this member, which is `unit`'s, admits units and one waits."""
    return duties.is_token_issuer(unit, peers, lxd) and bool(_waiting(peers))


def _with_lock_or_token(lxd: ClusterView, peers: Peers) -> set[str]:
    """The unit that LXD's record names, and the one that this member's token is for."""
    lock, token = join_lock.read(lxd.notes), peers.own.token
    return ({lock.unit} if lock else set[str]()) | ({token.unit} if token else set[str]())


def _why_taken(unit: str, data: UnitData, lxd: ClusterView) -> StatusText:
    """Why a unit's name or address is a member's already, and what helps. Empty if neither is."""
    member = lxd.member(data.name) or _offline_at(data.address, lxd)
    if member is None:
        return ""
    named = member.name == data.name
    shared = "name" if named else "address"
    if member.offline and _join_has_failed(unit, data, member, lxd):
        return f"an offline member has this {shared}: lxc cluster remove --force {member.name}"
    if named and member.address != data.address:
        return member_names.taken(data.name)
    # The same name and address is the joining unit itself, joined but not yet reported.
    if not member.offline and member.answers:
        return ""
    return f"the offline member {member.name} has this address: bring it back, or remove this unit"


def _join_has_failed(unit: str, data: UnitData, member: Member, lxd: ClusterView) -> bool:
    """Whether a failed join of the unit left this member."""
    failed = member_units.is_left_by_failed_join(member, unit, data.attempt, lxd)
    return failed and not data.unsure


def _offline_at(address: str, lxd: ClusterView) -> Member | None:
    gone = (m for m in lxd.members if m.offline or not m.answers)
    return next((m for m in gone if m.address == address), None)
