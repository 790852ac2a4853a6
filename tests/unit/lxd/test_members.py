# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster's members through LXD's API."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model import by_hand
from tests.lxd_model.evacuation import evacuation
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each


def statuses(lxd: LxdApi) -> list[str]:
    return [member.status for member in lxd.members.list()]


def test_members_are_listed_by_name(lxd: LxdApi):
    members = lxd.members.list()

    assert [m.name for m in members] == ["m0", "m1", "m2"]
    assert [m.address for m in members] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    # Whatever the names of their roles.
    assert [m.voter for m in members] == [True, True, True]
    assert members[0].groups == {"default"}


def test_a_dead_member_is_offline_and_shows_no_certificate(servers: list[Server], lxd: LxdApi):
    servers[2].power_off()
    # LXD calls it online for a while.
    assert statuses(lxd) == ["ONLINE"] * 3
    fingerprint = lxd.server.get().fingerprint
    assert lxd.members.unreachable(lxd.members.list(), fingerprint) == {"m2"}

    servers[0].cloud.now += 40

    assert statuses(lxd) == ["ONLINE", "ONLINE", "OFFLINE"]


def test_a_member_that_starts_is_waited_for(servers: list[Server], lxd: LxdApi):
    servers[2].power_off()
    servers[0].cloud.now += 40
    servers[2].power_on()

    members = lxd.members.await_heartbeats(["m2"], 60)

    assert members[2].up


def test_one_that_stays_away_is_waited_for_no_longer_than_it_may_take(
    servers: list[Server], lxd: LxdApi
):
    servers[2].power_off()
    before = servers[0].cloud.now + 40
    servers[0].cloud.now = before

    members = lxd.members.await_heartbeats(["m2"], 30)

    assert members[2].offline
    assert 30 <= servers[0].cloud.now - before < 35


def test_members_that_come_and_go_are_waited_for(servers: list[Server], lxd: LxdApi):
    lxd.members.await_member("m2", 5)
    lxd.members.await_member("m9", 5)
    with pytest.raises(LxdUnreachable, match="m2 has not left in 5 s"):
        lxd.members.await_gone("m2", 5)

    LxdApi(servers[2].lxd).members.leave("m2")

    lxd.members.await_gone("m2", 5)


def test_one_of_the_last_two_votes_in_the_end(servers: list[Server], lxd: LxdApi):
    before = servers[0].cloud.now
    lxd.members.await_one_voter(20)
    assert servers[0].cloud.now - before >= 20

    LxdApi(servers[2].lxd).members.leave("m2")
    lxd.members.await_one_voter(30)

    assert sum(m.voter for m in lxd.members.list()) == 1


def test_a_failure_domain_is_set_and_all_else_stays(lxd: LxdApi, servers: list[Server]):
    lxd.members.set_role("ovn-chassis", {"m1": True})

    lxd.members.set_failure_domain("m1", "rack-1")

    row = servers[0].records.rows["m1"]
    assert (row.domain, row.given, row.groups) == ("rack-1", {"ovn-chassis"}, ("default",))


def test_a_member_without_a_group_can_be_changed(lxd: LxdApi, servers: list[Server]):
    servers[0].records.rows["m1"].groups = ()

    lxd.members.set_failure_domain("m1", "rack-1")

    row = servers[0].records.rows["m1"]
    assert (row.domain, row.groups) == ("rack-1", ("default",))


def test_a_role_is_given_and_taken(lxd: LxdApi, servers: list[Server]):
    lxd.members.set_role("ovn-chassis", {"m0": True, "m1": True, "m2": False})
    lxd.members.set_role("ovn-chassis", {"m0": False, "m1": True})

    given = {name: row.given for name, row in servers[0].records.rows.items()}
    assert given == {"m0": set(), "m1": {"ovn-chassis"}, "m2": set()}
    # Roles that LXD itself has given stay.
    assert [m.voter for m in lxd.members.list()] == [True, True, True]


def test_roles_that_lxd_gives_by_itself_are_not_the_charms(lxd: LxdApi, servers: list[Server]):
    # In 5.0 and 5.21 nobody can take the vote away, in 6.9 nobody can give such a role.
    newest = servers[0].generation.newest
    role, has = ("database-standby", True) if newest else ("database", False)

    with pytest.raises(LxdError, match="role"):
        lxd.members.set_role(role, {"m1": has})


def test_nothing_new_is_placed_on_a_member_that_is_closed(lxd: LxdApi, servers: list[Server]):
    servers[0].records.rows["m1"].config = {"user.rack": "1"}

    lxd.members.close("m1")

    assert lxd.members.list()[1].scheduler == "manual"
    assert servers[0].records.rows["m1"].config["user.rack"] == "1"


def with_instance(servers: list[Server]) -> None:
    LxdApi(servers[0].lxd).pools.create("fast", "dir", {}, each(servers))
    root = {"type": "disk", "path": "/", "pool": "fast"}
    for name in ("c1", "c2", "c3"):
        by_hand.launch(servers[1], name, devices={"root": root})


def test_an_evacuation_is_waited_for(lxd: LxdApi, servers: list[Server]):
    with_instance(servers)
    assert lxd.members.evacuating() == set()
    evacuation(servers[0], "m1")
    assert lxd.members.evacuating() == {"m1"}

    looks = len(list(lxd.members.await_evacuation("m1", 600)))

    assert looks > 0
    assert servers[0].records.on("m1") == []
    assert list(lxd.members.await_evacuation("m2", 600)) == []


def test_an_evacuation_that_takes_too_long_may_be_going_on(lxd: LxdApi, servers: list[Server]):
    with_instance(servers)
    evacuation(servers[0], "m1")

    with pytest.raises(LxdUnreachable, match="did not end in 1 s"):
        list(lxd.members.await_evacuation("m1", 1))


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_what_was_moved_off_a_member_stays_where_it_is(generation: str):
    servers = clustered(generation)
    lxd = LxdApi(servers[0].lxd)
    with_instance(servers)
    by_hand.evacuate(servers[1])
    assert statuses(lxd)[1] == "EVACUATED"

    lxd.members.restore("m1")

    assert statuses(lxd)[1] == "ONLINE"
    assert servers[0].records.on("m1") == []


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_a_member_that_is_not_evacuated_is_not_restored(generation: str):
    lxd = LxdApi(clustered(generation)[0].lxd)

    with pytest.raises(LxdError, match="already restored"):
        lxd.members.restore("m1")


def test_a_member_that_holds_something_does_not_leave(lxd: LxdApi, servers: list[Server]):
    with_instance(servers)

    with pytest.raises(LxdError, match="c1"):
        LxdApi(servers[1].lxd).members.leave("m1")

    assert len(lxd.members.list()) == 3


def test_a_member_that_is_dead_is_removed(lxd: LxdApi, servers: list[Server]):
    with_instance(servers)
    servers[1].power_off()
    servers[0].cloud.now += 40

    lxd.members.remove("m1")

    assert [m.name for m in lxd.members.list()] == ["m0", "m2"]
    assert lxd.instances.list() == ()
