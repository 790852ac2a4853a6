# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Leaving and removal, as a daemon executes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.lxd_model import heartbeats, peers, times
from tests.lxd_model.operations import Work
from tests.lxd_model.records import Records, Role, Row, State
from tests.lxd_model.refusal import Refusal, not_found

if TYPE_CHECKING:
    from tests.lxd_model.server import Server


def leave(server: Server, name: str) -> Work:
    """A member leaves in order: it must be empty. Then it is a single, empty server.

    After its answer its daemon starts again.
    """
    records, cloud = server.records, server.cloud
    row = listed(records, name)
    sync_images(server)
    if holds := _holds(server, name):
        raise Refusal(f"Node still has the following {holds}")
    if len(records.members) == 1:
        raise Refusal("Member is the only member in the cluster")
    if row.name != server.name and not server.hears(row):
        # It has already left the database's Raft group.
        row.role, row.out = Role.SPARE, True
        raise Refusal(_unreachable(server, row))
    if heartbeats.leader(cloud, records, cloud.now) == name:
        yield from _hand_over(server, row)
        _forget(server, row)
        records.led_on = True
        if not server.generation.newest and len(records.members) > 1:
            records.leaderless = cloud.now + times.ELECTION
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


def _holds(server: Server, name: str) -> str:
    """What keeps a member in its cluster. Buckets do not."""
    records = server.records
    if found := records.on(name):
        what = "instances" if server.generation.modern else "containers"
        return f"{what}: {', '.join(i.name for i in found)}"
    if images := records.images_only_on(name):
        return f"images: {', '.join(i.fingerprint for i in images)}"
    if volumes := records.volumes_on(name):
        return f"custom volumes: {', '.join(v.name for v in volumes)}"
    return ""


def _unreachable(server: Server, row: Row) -> str:
    """LXD's first request to a leaving member deletes its networks there."""
    path = next(iter(server.records.networks), "")
    url = f"https://{row.address}/1.0/networks/{path}?project=default"
    return f'Delete "{url}": {peers.refused(server, row)}'


def _by_chance(server: Server) -> bool:
    """Whether LXD leaves the last two their roles: random, once a leader has left (measured)."""
    return server.cloud.count() % 2 == 0


def _hand_over(server: Server, row: Row) -> Work:
    """The leader hands its vote over: to a stand-by before a spare.

    The last spare gets it only in 5.21. In 5.0 and 6.9 the database then has no leader (measured),
    although 6.9's source has the code that helps 5.21: the last but one becomes a voter first. The
    same happens in 6.9 if two or more others are evacuated (measured).
    """
    records = server.records
    others = [r for r in records.members if r is not row and server.hears(r)]
    alone = len(records.members) == 2
    lost = alone and (server.generation.newest or not server.generation.modern)
    if alone and not others:
        raise Refusal("Unable to promote remaining cluster member to leader")
    yield times.HANDOVER
    fit = [r for r in others if r.role is Role.STANDBY]
    spares = [r for r in others if r.role is Role.SPARE]
    lost = lost or (server.generation.newest and all(r.state is State.EVACUATED for r in spares))
    fit += [r for r in spares if not lost]
    votes = any(r.role is Role.VOTER for r in records.members if r is not row)
    if fit:
        fit[0].role = Role.VOTER
    elif lost and spares and not votes:
        records.headless = True
        leave = "Failed leaving" if server.generation.newest else "Failed to leave"
        raise Refusal(f"{leave} the cluster: server has lost leadership (10506)")


def _forget(server: Server, row: Row) -> None:
    """Removes a member from the database, if that database still answers."""
    records, cloud = server.records, server.cloud
    if listed(records, row.name) is not row:
        raise not_found("Cluster member")
    if not server.has_database():
        raise Refusal("RAFT cluster is unavailable")
    if server.generation.newest and row.name not in records.trusted.values():
        # Measured: a member that was renamed is trusted under its old name.
        why = f'Failed removing member "{row.name}" certificate from trust store'
        raise Refusal(f"Failed removing member from database: {why}: Identity not found", 404)
    gone = cloud.servers[row.server]
    if gone.records is records and gone.number == row.number:
        gone.parted = cloud.now
    records.forget(row.name)


def _restart(server: Server) -> Work:
    yield times.RESTART
    server.restart()


def remove(server: Server, name: str) -> Work:
    """Removes a member by force, with the records of everything on it.

    LXD does not tell the member. Exception: if it is the leader, the others ask it to do the
    removal, and it empties itself.
    """
    records, cloud = server.records, server.cloud
    row = listed(records, name)
    if len(records.members) == 1:
        raise Refusal("Failed to leave the cluster: server has lost leadership")
    if heartbeats.leader(cloud, records, cloud.now) == name:
        yield from _hand_over(server, row)
        _forget(server, row)
        _empty(server, row)
        return
    yield times.REMOVE
    _forget(server, row)
    heartbeats.rebalance(cloud, records, cloud.now)


def _empty(server: Server, row: Row) -> None:
    """A member that has left starts again without data."""
    cloud = server.cloud
    gone = cloud.servers[row.server]
    if gone.row() is None and gone.records is server.records:
        gone.start_over()
        cloud.start(gone, "restart", row.name, _restart(gone))


def sync_images(server: Server) -> None:
    """LXD copies images until enough members have each: three by default, silently."""
    records, now = server.records, server.cloud.now
    wanted = int(records.config.get("cluster.images_minimal_replica") or 3)
    up = [r.name for r in records.members if heartbeats.status(records, r, now) == "ONLINE"]
    for image in list(records.images.values()):
        more = [n for n in up if n not in image.copies]
        missing = len(records.members) if wanted < 0 else wanted
        more = more[: max(0, missing - len(image.copies))]
        if more:
            records.images[image.fingerprint] = replace(image, copies=image.copies | set(more))
            for name in more:
                server.cloud.servers[records.rows[name].server].disk[str(image)] = image


def rename(server: Server, name: str, new: str) -> None:
    """A member gets another name: `lxc cluster rename`.

    It stays trusted under the old name. In 5.0 its daemon uses the old name until it starts again.
    """
    records = server.records
    row = listed(records, name)
    if server.generation.modern and name != server.name and not server.hears(row):
        raise peers.missing(server)
    if new in records.rows:
        raise Refusal(f'A cluster member already exists with name "{new}"', 409)
    there = server.cloud.servers[row.server]
    row.name = new
    if there.records is records and there.number == row.number:
        there.name = new
        if not there.generation.modern:
            there.shown_name = there.shown_name or name
    _call_it(records, name, new)


def _call_it(records: Records, name: str, new: str) -> None:
    """Everything on the member, and its own keys, get the new name."""
    records.rows = {row.name: row for row in records.rows.values()}
    records.leader = new if records.leader == name else records.leader
    tables: list[dict[Any, Any]] = [records.instances, records.volumes, records.buckets]
    for table in tables:
        moved = [replace(t, location=new) if t.location == name else t for t in table.values()]
        table.clear()
        table.update({thing.key: thing for thing in moved})
    for image in list(records.images.values()):
        copies = frozenset(new if n == name else n for n in image.copies)
        records.images[image.fingerprint] = replace(image, copies=copies)
    for pool in list(records.pools.values()):
        members = {new if n == name else n: own for n, own in pool.members.items()}
        made = frozenset(new if n == name else n for n in pool.made)
        records.pools[pool.name] = replace(pool, members=members, made=made)
    for network in list(records.networks.values()):
        members = {new if n == name else n: own for n, own in network.members.items()}
        records.networks[network.name] = replace(network, members=members)


def listed(records: Records, name: str) -> Row:
    """A member by its name. A member is listed only after its join has ended."""
    row = records.rows.get(name)
    if row is None or row.state is State.PENDING:
        raise not_found("Cluster member")
    return row
