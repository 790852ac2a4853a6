# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The differences between the generations of LXD, in the model, too."""

from __future__ import annotations

import pytest

from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model import by_hand, generations
from tests.lxd_model.ground import (
    ask,
    client,
    cluster,
    endpoint,
    evacuate,
    join,
    lxd,
    machines,
    restore,
    roles,
    start_over,
    statuses,
)
from tests.lxd_model.records import State
from tests.lxd_model.server import Server

ALL = pytest.mark.parametrize("generation", generations.NAMES)
MODERN = pytest.mark.parametrize("generation", ["5.21", "6.9"])
OLDER = pytest.mark.parametrize("generation", ["5.0", "5.21"])


@ALL
def test_a_change_that_fails_is_refused_at_once_or_in_its_operation(generation: str):
    _, (one, _) = cluster(2, generation)
    body = {"name": "fast", "driver": "dir"}
    answer = ask(one, "POST", "/1.0/storage-pools", body)
    if generation != "6.9":
        assert (answer.status, answer.body["type"]) == (500, "error")
        return
    assert (answer.status, answer.body["type"]) == (202, "async")
    assert answer.body["metadata"]["status_code"] == 103
    path = answer.body["operation"]
    waited = ask(one, "GET", f"{path}/wait", timeout="10")
    assert (waited.status, waited.body["type"]) == (200, "error")
    operation = ask(one, "GET", path).body["metadata"]
    assert operation["status_code"] == 400
    assert (
        operation["err"]
        == waited.error
        == "Pool not pending on any node (use --target <node> first)"
    )


@ALL
def test_an_operation_that_is_over_is_forgotten_after_a_while(generation: str):
    cloud, (one, _) = cluster(2, generation)
    answer = ask(one, "POST", "/1.0/cluster/members/m1/state", {"action": "evacuate"})
    path = answer.body["operation"]
    ask(one, "GET", f"{path}/wait", timeout="60")
    assert ask(one, "GET", path).status == 200
    cloud.now += 6
    assert ask(one, "GET", path).status == 404


@ALL
def test_a_wait_that_times_out(generation: str):
    cloud, (one, two, _) = cluster(3, generation)
    by_hand.launch(two, "c1")
    answer = ask(one, "POST", "/1.0/cluster/members/m1/state", {"action": "evacuate"})
    begun = cloud.now
    waited = ask(one, "GET", f"{answer.body['operation']}/wait", timeout="1")
    assert 1 <= cloud.now - begun < 2
    assert waited.status == 200
    if generation == "5.0":
        assert waited.body["metadata"]["status_code"] == 103
    else:
        assert waited.error == "context deadline exceeded"
    assert ask(one, "GET", answer.body["operation"]).body["metadata"]["status_code"] == 103


@pytest.mark.parametrize(
    ("generation", "leader", "voter"),
    [
        ("5.0", ["database", "database-leader"], ["database"]),
        ("5.21", ["database", "database-leader"], ["database"]),
        ("6.9", ["database-leader"], ["database-voter"]),
    ],
)
def test_roles_have_the_generations_names(generation: str, leader: list[str], voter: list[str]):
    _, (one, *_) = cluster(5, generation)
    standby = ["database-standby"]
    expected = {"m0": leader, "m1": voter, "m2": voter, "m3": standby, "m4": standby}
    assert roles(one) == expected


def test_an_offline_voter_keeps_its_vote_until_6_9():
    for generation, kept in (("5.0", True), ("5.21", True), ("6.9", False)):
        cloud, (one, _, three) = cluster(3, generation)
        three.kill_daemon()
        cloud.now += 60
        assert bool(roles(one)["m2"]) is kept


@OLDER
def test_a_voter_that_the_leader_does_not_reach_keeps_its_vote(generation: str):
    """Its daemon answers others: that is not enough for a role, nor to replace another voter."""
    cloud, (one, *_) = cluster(3, generation)
    before = roles(one)
    cloud.cut("2", "0")
    cloud.cut("2", "1")
    cloud.now += 60
    assert roles(one) == before
    cloud.servers["1"].destroy()
    cloud.heal()
    cloud.now += 60
    assert statuses(one) == ["ONLINE", "OFFLINE", "ONLINE"]


@OLDER
def test_evacuations_beside_each_other(generation: str):
    _, (one, two, three) = cluster(3, generation)
    for server in (two, three):
        by_hand.launch(server, f"on-{server.name}")
    for name in ("m1", "m2"):
        answer = ask(one, "POST", f"/1.0/cluster/members/{name}/state", {"action": "evacuate"})
        assert answer.status == 202


def test_evacuations_take_turns():
    _, (one, two, three) = cluster(3, "6.9")
    for server in (two, three):
        by_hand.launch(server, f"on-{server.name}")
    client(one).begin("POST", "/1.0/cluster/members/m1/state", {"action": "evacuate"})
    with pytest.raises(LxdError, match="while another cluster member evacuation is in progress"):
        client(one).begin("POST", "/1.0/cluster/members/m2/state", {"action": "evacuate"})
    with pytest.raises(LxdError, match="while an evacuate operation is in progress"):
        client(one).begin("POST", "/1.0/cluster/members/m1/state", {"action": "restore"})


def test_the_voter_of_two_is_not_evacuated():
    _, (one, two) = cluster(2, "6.9")
    with pytest.raises(LxdError, match="Insufficient online voters to maintain quorum"):
        evacuate(two, "m0")
    evacuate(one, "m1")
    assert statuses(one) == ["ONLINE", "EVACUATED"]


def test_the_voter_of_two_is_evacuated_by_force():
    _, (one, _) = cluster(2, "6.9")
    body = {"action": "evacuate", "force": True}
    client(one).change("POST", "/1.0/cluster/members/m0/state", body)
    assert statuses(one) == ["EVACUATED", "ONLINE"]
    assert roles(one) == {"m0": [], "m1": ["database-leader"]}


def test_an_evacuated_member_has_no_vote_in_6_9():
    cloud, (one, *_) = cluster(4, "6.9")
    evacuate(one, "m1")
    roles_now = roles(one)
    assert roles_now["m1"] == []
    assert roles_now["m3"] == ["database-voter"]
    restore(one, "m1")
    cloud.now += 20
    assert roles(one)["m1"] == ["database-standby"]


@pytest.mark.parametrize(
    ("generation", "status"), [("5.0", "ONLINE"), ("5.21", "ONLINE"), ("6.9", "EVACUATED")]
)
def test_an_evacuation_that_fails(generation: str, status: str):
    _, (one, two, three, _) = cluster(4, generation)
    by_hand.launch(one, "c0")
    by_hand.launch(two, "c1")
    three.freeze()
    with pytest.raises(LxdError, match="migrat") as caught:
        evacuate(two, "m1")
    assert ("(cluster member remains evacuated)" in str(caught.value)) is (generation == "6.9")
    assert statuses(one)[1] == status


def failed_join(server: Server, member: Server) -> None:
    """A join that is refused after the cluster has trusted the server."""
    version, server.version = server.version, f"{server.version}.1"
    with pytest.raises(LxdError, match="version"):
        join(server, member)
    server.version = version


@ALL
def test_a_join_again_with_the_same_certificate(generation: str):
    _, (one, two) = machines(2, generation)
    by_hand.bootstrap(one)
    failed_join(two, one)
    start_over(two)
    join(two, one)
    assert statuses(one) == ["ONLINE"] * 2


@MODERN
def test_a_join_again_with_another_certificate_fails_for_good(generation: str):
    _, (one, two) = machines(2, generation)
    by_hand.bootstrap(one)
    failed_join(two, one)
    two.new_certificate()
    start_over(two)
    for _ in range(2):
        with pytest.raises(LxdError) as caught:
            join(two, one)
        why = "Failed updating cluster trust: Failed getting existing certificate: Forbidden"
        assert str(caught.value) == why
    with pytest.raises(LxdError, match="not found"):
        lxd(one).members.remove("m1")


def test_5_0_does_not_mind_another_certificate():
    _, (one, two) = machines(2, "5.0")
    by_hand.bootstrap(one)
    failed_join(two, one)
    two.new_certificate()
    start_over(two)
    join(two, one)
    assert statuses(one) == ["ONLINE"] * 2


@ALL
def test_a_certificate_has_one_name(generation: str):
    _, (one, two) = machines(2, generation)
    by_hand.bootstrap(one)
    failed_join(two, one)
    two.hostname = "renamed"
    with pytest.raises(LxdError, match='Existing server certificate with different name "m1"'):
        join(two, one)


@ALL
def test_who_is_evacuated_stays_so_though_its_machine_is_off(generation: str):
    cloud, (one, two, _) = cluster(3, generation)
    evacuate(one, "m1")
    two.power_off()
    cloud.now += 3600
    assert statuses(one)[1] == "EVACUATED"


@pytest.mark.parametrize(
    ("generation", "status"), [("5.0", "OFFLINE"), ("5.21", "EVACUATED"), ("6.9", "EVACUATED")]
)
def test_healing_evacuates_a_dead_member_from_5_21_on(generation: str, status: str):
    cloud, (one, two, _) = cluster(3, generation)
    one.records.config["cluster.healing_threshold"] = "30"
    two.power_off()
    cloud.now += 120
    assert statuses(one)[1] == status


@pytest.mark.parametrize("generation", ["5.0", "5.21", "6.9"])
def test_members_of_another_version_are_blocked(generation: str):
    cloud, (one, two) = cluster(2, generation)
    two.snap.version = {"5.0": "5.21.7", "5.21": "6.9", "6.9": "6.10"}[generation]
    two.snap.install_file("newer")
    cloud.now += 20
    assert statuses(one) == ["ONLINE" if generation == "5.0" else "BLOCKED"] * 2


@ALL
def test_an_older_lxd_does_not_start_on_a_newer_database(generation: str):
    cloud, (one,) = machines(1, generation)
    before = one.snap.version
    one.snap.version = "6.10"
    one.snap.install_file("newer")
    one.snap.version = before
    one.snap.install_file("older")
    cloud.now += 60
    assert not one.listening()
    one.snap.version = "6.10"
    one.snap.install_file("newer again")
    cloud.now += 10
    assert one.listening()


@MODERN
def test_restoring_a_member_without_its_instances(generation: str):
    _, (one, two, _) = cluster(3, generation)
    by_hand.launch(two, "c1")
    evacuate(one, "m1")
    restore(one, "m1", "skip")
    assert statuses(one) == ["ONLINE"] * 3
    assert [i.location for i in lxd(one).instances.list()] == ["m0"]


def test_5_0_knows_no_modes():
    _, (one, two) = cluster(2, "5.0")
    by_hand.launch(two, "c1")
    evacuate(one, "m1")
    restore(one, "m1", "skip")
    assert [i.location for i in lxd(one).instances.list()] == ["m1"]


@ALL
def test_the_uuid_of_the_cluster(generation: str):
    _, (one, two) = machines(2, generation)
    own = lxd(two).server.get().config.get("volatile.uuid")
    by_hand.bootstrap(one)
    join(two, one)
    first = lxd(one).server.get().config.get("volatile.uuid")
    assert (own is not None) is (generation == "6.9")
    assert lxd(two).server.get().config.get("volatile.uuid") == first
    by_hand.update_certificate(one)
    assert lxd(two).server.get().config.get("volatile.uuid") == first


@MODERN
def test_a_member_that_is_down_cannot_be_changed(generation: str):
    _, (one, two) = cluster(2, generation)
    two.kill_daemon()
    with pytest.raises(LxdError, match="Missing event connection"):
        lxd(one).members.set_failure_domain("m1", "zone")


def test_5_0_changes_a_member_in_the_database():
    _, (one, two) = cluster(2, "5.0")
    two.kill_daemon()
    lxd(one).members.set_failure_domain("m1", "zone")
    assert lxd(one).members.list()[1].failure_domain == "zone"


@ALL
def test_a_request_for_one_that_is_down_takes_ten_seconds(generation: str):
    cloud, (one, two, _) = cluster(3, generation)
    by_hand.launch(two, "c1")
    two.kill_daemon()
    begun = cloud.now
    answer = ask(one, "GET", "/1.0/instances/c1")
    assert answer.error == "Missing event connection with target cluster member"
    assert answer.status == (500 if generation == "5.0" else 503)
    assert 10 <= cloud.now - begun < 11
    with pytest.raises(LxdUnreachable):
        client(one).get("/1.0/instances/c1")


@ALL
def test_operations_of_a_daemon_that_died(generation: str):
    cloud, (one, two, _) = cluster(3, generation)
    by_hand.launch(two, "c1")
    client(one).begin("POST", "/1.0/cluster/members/m1/state", {"action": "evacuate"})
    cloud.now += 0.5
    cloud.tick()
    two.kill_daemon()
    cloud.now += 1
    descriptions = [o["description"] for o in client(one).running()]
    assert ("Evacuating cluster member" in descriptions) is (generation == "6.9")
    two.start_daemon()
    cloud.now += 30
    assert not client(one).running()
    assert one.records.rows["m1"].state is State.EVACUATED


@ALL
def test_what_a_joined_member_knows_of_the_clusters_keys(generation: str):
    _, (one, two) = machines(2, generation)
    by_hand.bootstrap(one)
    lxd(one).server.set_config({"user.key": "1"})
    join(two, one)
    assert ("user.key" in lxd(two).server.get().config) is (generation != "5.0")
    lxd(one).server.set_config({"user.other": "1"})
    assert {"user.key", "user.other"} <= lxd(two).server.get().config.keys()


@ALL
def test_a_token_goes_with_the_daemon_that_made_it(generation: str):
    cloud, (one, two, three) = machines(3, generation)
    by_hand.bootstrap(one)
    by_hand.join(two, one)
    token = lxd(two).cluster.make_token("m2")
    join_target = lxd(three).cluster.join_target(token, frozenset())
    assert [o["class"] for o in client(one).running()] == ["token"]
    two.kill_daemon()
    two.start_daemon()
    cloud.now += 30
    assert not client(one).running()
    with pytest.raises(LxdError, match="No matching"):
        lxd(three).cluster.join("m2", endpoint(three), token, [], join_target)


@ALL
def test_a_token_is_cancelled_once(generation: str):
    cloud, (one, two) = cluster(2, generation)
    token = ask(one, "POST", "/1.0/cluster/members", {"server_name": "new"})
    path = token.body["operation"]
    assert ask(two, "DELETE", path).status == 200
    again = ask(two, "DELETE", path)
    assert (again.status, again.error) == (400, "Only running operations can be cancelled")
    cloud.now += 6
    assert ask(two, "DELETE", path).status == 404
