"""The database's Raft group: who leads, who is heard of, who votes.

Nothing runs: rounds of heartbeats are counted when somebody looks, and before anything changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.model import times
from tests.simulation.model.records import Records, Role, Row, State

if TYPE_CHECKING:
    from tests.simulation.model.cloud import Cloud

_ROUNDS = 8
"""How many rounds are counted when much time has passed: after these nothing changes any more."""
_VOTERS = 3
_STANDBYS = 2


def leader(cloud: Cloud, records: Records, at: float) -> str:
    """The member that leads: the last one if it still can, empty without a majority."""
    if records.headless:
        return ""
    voters = records.voters
    names = [records.leader] if records.leader in records.rows else []
    names += [row.name for row in voters if row.name != records.leader]
    for name in names:
        row = records.rows[name]
        if row.role is Role.VOTER and _up(cloud, records, row, at):
            reached = sum(_reaches(cloud, records, row, other, at) for other in voters)
            if reached > len(voters) // 2:
                records.leader = name
                return name
    return ""


def settle(cloud: Cloud, at: float) -> None:
    """Counts the rounds of heartbeats up to `at`, with the world as it is since the last time."""
    for records in cloud.databases:
        due = int((at - records.made) // times.HEARTBEAT)
        if due <= records.round:
            continue
        for number in range(max(records.round + 1, due - _ROUNDS), due + 1):
            _round(cloud, records, records.made + number * times.HEARTBEAT)
        records.round = due


def status(records: Records, row: Row, now: float) -> str:
    """What LXD calls a member that is in its list."""
    if now - row.heartbeat > records.threshold:
        return "OFFLINE"
    return "EVACUATED" if row.state is State.EVACUATED else "ONLINE"


def rebalance(cloud: Cloud, records: Records, at: float) -> None:
    """Gives the roles anew, as the leader does after a join, a removal, or while one is offline.

    Three vote as soon as there are three members, before that the leader alone. A role is given
    only to a member that answers, and taken only from one that is offline.
    """
    head = leader(cloud, records, at)
    if not head:
        return
    records.handed_over = False
    for row in records.members:
        row.has_copy = row.has_copy or row.role is not Role.SPARE
    if len(records.members) < _VOTERS:
        for row in records.voters:
            if row.name != head:
                row.role = Role.SPARE
        return
    up = [row for row in records.members if _up(cloud, records, row, at)]
    _promote(up, Role.VOTER, [Role.STANDBY, Role.SPARE], _VOTERS)
    if sum(row.role is Role.VOTER for row in up) >= _VOTERS:
        for row in records.members:
            if row.name != head and _offline(records, row, at):
                row.role = Role.SPARE
    _promote(up, Role.STANDBY, [Role.SPARE], _STANDBYS)


def _promote(up: list[Row], role: Role, candidates: list[Role], wanted: int) -> None:
    """Gives members that are up a role until enough of them have it."""
    missing = wanted - sum(row.role is role for row in up)
    fit = [row for candidate in candidates for row in up if row.role is candidate]
    for row in fit[: max(0, missing)]:
        row.role = role


def _round(cloud: Cloud, records: Records, at: float) -> None:
    name = leader(cloud, records, at)
    if not name:
        return
    head = records.rows[name]
    _gather(cloud, records, head)
    for row in records.members:
        if _reaches(cloud, records, head, row, at):
            row.heartbeat = at
    few = len(records.members) < _VOTERS
    two_vote = few and len(records.voters) > 1 and not records.handed_over
    if (
        two_vote
        or _lacks_standby(cloud, records, at)
        or any(_offline(records, row, at) for row in records.members)
    ):
        rebalance(cloud, records, at)


def _lacks_standby(cloud: Cloud, records: Records, at: float) -> bool:
    """Whether a member that is up has no role, and could have the database as a stand-by."""
    if len(records.members) < _VOTERS:
        return False
    spare = any(r.role is Role.SPARE and _up(cloud, records, r, at) for r in records.members)
    return spare and sum(r.role is Role.STANDBY for r in records.members) < _STANDBYS


def _gather(cloud: Cloud, records: Records, head: Row) -> None:
    """Members whose own copy of the database has no leader follow the one that recovered it."""
    for row in records.members:
        server = cloud.servers[row.server]
        lost = server.records
        same = lost.fingerprint == records.fingerprint and server.number == row.number
        if lost is records or not same or not server.listening() or server.frozen:
            continue
        near = cloud.reachable(head.server, row.server)
        if near and not leader(cloud, lost, cloud.now):
            server.records = records


def _offline(records: Records, row: Row, at: float) -> bool:
    return at - row.heartbeat > records.threshold


def _up(cloud: Cloud, records: Records, row: Row, at: float) -> bool:
    server = cloud.servers.get(row.server)
    return server is not None and server.takes_part(records, row, at)


def _reaches(cloud: Cloud, records: Records, one: Row, other: Row, at: float) -> bool:
    if not _up(cloud, records, other, at):
        return False
    return cloud.reachable(one.server, other.server)
