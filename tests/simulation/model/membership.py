"""Leaving and removal, as a daemon carries them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lxd_reading import LxdError
from tests.simulation.model import heartbeats, times
from tests.simulation.model.operations import Work
from tests.simulation.model.records import Records, Role, Row, State

if TYPE_CHECKING:
    from tests.simulation.model.server import Server


def leave(server: Server, name: str) -> Work:
    """A member goes in good order: it must be empty. Afterwards it is a server alone, and empty.

    Once it has answered, its daemon starts anew.
    """
    records, cloud = server.records, server.cloud
    row = listed(records, name)
    if len(records.members) == 1:
        raise LxdError("Cluster only has one member")
    if instances := records.on(name):
        names = ", ".join(i.name for i in instances)
        raise LxdError(f"Node still has the following containers: {names}")
    if volumes := records.volumes_on(name):
        names = ", ".join(v.name for v in volumes)
        raise LxdError(f"Node still has the following custom volumes: {names}")
    if heartbeats.leader(cloud, records, cloud.now) == name:
        yield from _hand_over(server, row)
        _forget(server, row)
        records.led_on = True
        records.handed_over = _by_chance(server)
    else:
        yield times.LEAVE / 2
        _forget(server, row)
        if records.led_on and len(records.members) == 2 and _by_chance(server):
            records.handed_over = True
        else:
            heartbeats.rebalance(cloud, records, cloud.now)
    yield times.LEAVE / 2
    _empty(server, row)


def _by_chance(server: Server) -> bool:
    """Whether LXD leaves the last two their roles: chance, once a leader has left (measured)."""
    return server.cloud.count() % 2 == 0


def _hand_over(server: Server, row: Row) -> Work:
    """The leader passes its vote on: to a stand-by before a spare, with two members to no spare."""
    records = server.records
    others = [r for r in records.members if r is not row and server.hears(r)]
    alone = len(records.members) == 2
    if alone and not others:
        raise LxdError("Unable to promote remaining cluster member to leader")
    yield times.HANDOVER
    fit = [r for r in others if r.role is Role.STANDBY]
    fit += [r for r in others if r.role is Role.SPARE and not alone]
    if fit:
        fit[0].role = Role.VOTER
    elif alone and others[0].role is Role.SPARE:
        records.headless = True
        raise LxdError("Failed to leave the cluster: server has lost leadership")


def _forget(server: Server, row: Row) -> None:
    """Takes a member out of the database, if that is still there to be asked."""
    records, cloud = server.records, server.cloud
    if listed(records, row.name) is not row:
        raise LxdError("Cluster member not found")
    if not server.has_database():
        raise LxdError("RAFT cluster is unavailable")
    gone = cloud.servers[row.server]
    if gone.records is records:
        gone.parted = cloud.now
    records.forget(row.name)


def _restart(server: Server) -> Work:
    yield times.RESTART
    server.restart()


def remove(server: Server, name: str) -> Work:
    """Removes a member by force, with the records of all that is on it.

    It is not told, except for the leader, which the others ask to do it: that empties itself.
    """
    records, cloud = server.records, server.cloud
    row = listed(records, name)
    if len(records.members) == 1:
        raise LxdError("Failed to leave the cluster")
    if heartbeats.leader(cloud, records, cloud.now) == name:
        yield from _hand_over(server, row)
        _forget(server, row)
        _empty(server, row)
        return
    yield times.REMOVE
    _forget(server, row)
    heartbeats.rebalance(cloud, records, cloud.now)


def _empty(server: Server, row: Row) -> None:
    """A member that has left starts anew with nothing."""
    cloud = server.cloud
    gone = cloud.servers[row.server]
    if gone.row() is None and gone.records is server.records:
        gone.start_over()
        cloud.start(gone, "restart", row.name, _restart(gone))


def listed(records: Records, name: str) -> Row:
    """A member by its name. One whose join is under way is in no list."""
    row = records.rows.get(name)
    if row is None or row.state is State.PENDING:
        raise LxdError("Cluster member not found")
    return row
