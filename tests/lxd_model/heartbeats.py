# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The database's Raft group: its leader, its voters, and the members with heartbeats.

Nothing runs by itself: the model counts rounds of heartbeats when somebody looks, and before any
change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lxd_model import times
from tests.lxd_model.generations import of_version
from tests.lxd_model.records import Records, Role, Row, State

if TYPE_CHECKING:
    from tests.lxd_model.cloud import Cloud

_ROUNDS = 8
"""The maximum number of rounds to count after a long time: later rounds change nothing."""
_VOTERS = 3
_STANDBYS = 2


def leader(cloud: Cloud, records: Records, at: float) -> str:
    """The member that leads: the last leader if it still can, empty without a majority."""
    if records.headless or at < records.leaderless:
        return ""
    voters = records.voters
    last = records.rows.get(records.leader)
    candidates = voters if last is None else [last, *[r for r in voters if r is not last]]
    for row in candidates:
        if row.role is Role.VOTER and _reaches_majority(cloud, records, row, voters, at):
            records.leader = row.name
            records.led = max(records.led, at)
            return row.name
    return ""


def _reaches_majority(
    cloud: Cloud, records: Records, row: Row, voters: list[Row], at: float
) -> bool:
    """Whether a voter is up, and most voters with it."""
    if not _up(cloud, records, row, at):
        return False
    missing = len(voters) // 2
    for other in voters:
        if not missing:
            return True
        if other is not row:
            missing -= _reaches(cloud, records, row, other, at)
    return not missing


def settle(cloud: Cloud, at: float) -> None:
    """Counts the rounds of heartbeats until `at`, with the world unchanged since the last time."""
    for records in cloud.databases:
        if at < records.made + (records.round + 1) * times.HEARTBEAT:
            continue
        due = int((at - records.made) // times.HEARTBEAT)
        if due <= records.round:
            continue
        for number in range(max(records.round + 1, due - _ROUNDS), due + 1):
            _round(cloud, records, records.made + number * times.HEARTBEAT)
        records.round = due


def status(records: Records, row: Row, now: float) -> str:
    """LXD's status of a listed member. An evacuated one has no other status."""
    if row.state is State.EVACUATED:
        return "EVACUATED"
    if offline(records, row, now):
        return "OFFLINE"
    return "BLOCKED" if _blocked(records, row) else "ONLINE"


def _blocked(records: Records, row: Row) -> bool:
    """Whether a member is older or newer than another one. 5.0 does not see it (measured)."""
    versions = {r.version for r in records.members}
    if len(versions) == 1:
        return False
    return all(of_version(version).modern for version in versions)


def rebalance(cloud: Cloud, records: Records, at: float) -> None:
    """Assigns the roles again, as the leader does after a join, a removal, or while one is offline.

    Three members vote as soon as there are three; before that only the leader votes. It gives roles
    only to members that it reaches, and takes them only from members that are offline.
    """
    head = leader(cloud, records, at)
    if not head:
        return
    records.handed_over = False
    for row in records.members:
        row.has_copy = row.has_copy or row.role is not Role.SPARE
    newest = cloud.servers[records.rows[head].server].generation.newest
    up = _in_reach(cloud, records, records.rows[head], at)
    if newest:
        _take_from_evacuated(records, up, head)
        head = leader(cloud, records, at)
        up = [row for row in up if row.state is not State.EVACUATED]
    if len(records.raft) < _VOTERS:
        for row in records.voters:
            if row.name != head:
                row.role = Role.SPARE
        return
    _promote(up, Role.VOTER, [Role.STANDBY, Role.SPARE], _VOTERS)
    # 6.9 takes the vote of an offline member even if no other member can have it. An offline
    # stand-by stays one then (measured).
    enough = sum(row.role is Role.VOTER for row in up) >= _VOTERS
    for row in records.members:
        loses = enough or (newest and row.role is Role.VOTER)
        if loses and row.name != head and offline(records, row, at):
            row.role = Role.SPARE
    _promote(up, Role.STANDBY, [Role.SPARE], _STANDBYS)


def _take_from_evacuated(records: Records, up: list[Row], head: str) -> None:
    """6.9: an evacuated member has no role, except a leader that no other member can replace."""
    fit = [row for row in up if row.state is not State.EVACUATED]
    fit.sort(key=lambda row: (row.role is not Role.VOTER, row.role is not Role.STANDBY))
    if records.rows[head].state is State.EVACUATED and fit:
        fit[0].role = Role.VOTER
        records.leader = head = fit[0].name
    for row in records.members:
        if row.state is State.EVACUATED and row.name != head:
            row.role = Role.SPARE


def _promote(up: list[Row], role: Role, candidates: list[Role], wanted: int) -> None:
    """Gives members that are up a role until enough have it."""
    missing = wanted - sum(row.role is role for row in up)
    fit = [row for candidate in candidates for row in up if row.role is candidate]
    for row in fit[: max(0, missing)]:
        row.role = role


def _round(cloud: Cloud, records: Records, at: float) -> None:
    name = leader(cloud, records, at)
    if not name or name == records.quiet:
        return
    head = records.rows[name]
    _gather(cloud, records, head)
    for row in records.members:
        if _reaches(cloud, records, head, row, at):
            row.heartbeat, row.out = at, False
    _heal(records, at, cloud.servers[head.server].generation.modern)
    few = len(records.raft) < _VOTERS
    two_vote = few and len(records.voters) > 1 and not records.handed_over
    if (
        two_vote
        or _lacks_standby(cloud, records, at)
        or any(offline(records, row, at) for row in records.members)
    ):
        rebalance(cloud, records, at)


def _heal(records: Records, at: float, modern: bool) -> None:
    """Members that were offline for `cluster.healing_threshold` seconds become evacuated.

    LXD moves only what is on shared storage, and the model has none.
    """
    threshold = float(records.config.get("cluster.healing_threshold") or 0)
    if not modern or not threshold:
        return
    for row in records.members:
        if row.state is State.CREATED and at - row.heartbeat > threshold:
            row.state = State.EVACUATED


def _lacks_standby(cloud: Cloud, records: Records, at: float) -> bool:
    """Whether a member that is up has no role, and could become a stand-by."""
    if len(records.raft) < _VOTERS:
        return False
    newest = cloud.servers[records.rows[records.leader].server].generation.newest
    reached = _in_reach(cloud, records, records.rows[records.leader], at)
    fit = (r for r in reached if not newest or r.state is not State.EVACUATED)
    spare = any(r.role is Role.SPARE for r in fit)
    return spare and sum(r.role is Role.STANDBY for r in records.members) < _STANDBYS


def _gather(cloud: Cloud, records: Records, head: Row) -> None:
    """Members whose copy of the database has no leader follow the recovered one."""
    for row in records.members:
        server = cloud.servers[row.server]
        lost = server.records
        same = lost.identity == records.identity and server.number == row.number
        if lost is records or not same or not server.listening() or server.frozen:
            continue
        near = cloud.reachable(head.server, row.server)
        if near and not leader(cloud, lost, cloud.now):
            server.records, server.behind = records, None


def offline(records: Records, row: Row, at: float) -> bool:
    """Whether a member had no heartbeat for too long, whatever LXD calls it."""
    return at - row.heartbeat > records.threshold


def _up(cloud: Cloud, records: Records, row: Row, at: float) -> bool:
    server = cloud.servers.get(row.server)
    return server is not None and server.serves(records, row, at)


def _in_reach(cloud: Cloud, records: Records, head: Row, at: float) -> list[Row]:
    """The members of the Raft group that the leader reaches."""
    return [row for row in records.raft if _reaches(cloud, records, head, row, at)]


def _reaches(cloud: Cloud, records: Records, one: Row, other: Row, at: float) -> bool:
    return cloud.reachable(one.server, other.server) and _up(cloud, records, other, at)
