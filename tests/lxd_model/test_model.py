# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model LXD does what its docstrings say: clusters, their database and their machines."""

from __future__ import annotations

import pytest

from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from tests.lxd_model import by_hand, generations
from tests.lxd_model.cloud import Fault
from tests.lxd_model.ground import (
    ask,
    cluster,
    endpoint,
    evacuate,
    join,
    lxd,
    machines,
    restore,
    start_over,
    statuses,
)
from tests.lxd_model.silence import Silence
from tests.lxd_model.truth import MemberTruth

ALL = pytest.mark.parametrize("generation", generations.NAMES)


@ALL
def test_one_cluster_of_all(generation: str):
    cloud, (first, *others) = machines(7, generation)
    config = {"core.https_address": endpoint(first), "cluster.https_address": endpoint(first)}
    lxd(first).server.set_config(config)
    lxd(first).cluster.bootstrap("m0")
    for server in others:
        join(server, first)
    (truth,) = cloud.clusters()
    assert len(truth.members) == 7
    assert truth.voters == {"m0", "m1", "m2"}
    assert truth.believers == truth.answering == frozenset("0123456")
    fingerprints = {lxd(s).server.get().fingerprint for s in (first, *others)}
    assert fingerprints == {truth.fingerprint}


@ALL
def test_a_token_is_good_once(generation: str):
    _, (one, two, three) = machines(3, generation)
    by_hand.bootstrap(one)
    token = lxd(one).cluster.make_token("m1")
    join_target = lxd(two).cluster.join_target(token, frozenset())
    lxd(two).cluster.join("m1", endpoint(two), token, [], join_target)
    with pytest.raises(LxdError, match="No matching cluster join operation found"):
        lxd(three).cluster.join("m2", endpoint(three), token, [], join_target)


def test_two_joins_at_once_hang_the_later_one():
    cloud, (one, two, three) = machines(3)
    by_hand.bootstrap(one)
    tokens = [lxd(one).cluster.make_token(name) for name in ("m1", "m2")]
    join_target = lxd(two).cluster.join_target(tokens[0], frozenset())

    def meanwhile(seconds: float, what: str) -> None:
        cloud.now += seconds
        if two.working("join_cluster"):
            cloud.pause = default
            with pytest.raises(LxdUnreachable):
                lxd(three).cluster.join("m2", endpoint(three), tokens[1], [], join_target)

    default, cloud.pause = cloud.pause, meanwhile
    lxd(two).cluster.join("m1", endpoint(two), tokens[0], [], join_target)
    assert statuses(two) == ["ONLINE"] * 2
    assert not lxd(three).server.answers_at_all()
    with pytest.raises(LxdError, match="not found"):
        lxd(one).members.remove("m2")
    start_over(three)
    join(three, one)
    assert statuses(three) == ["ONLINE"] * 3


def test_offline_after_the_threshold_and_back():
    cloud, (one, two, three) = cluster(3)
    three.power_off()
    assert statuses(one) == ["ONLINE"] * 3
    cloud.now += 35
    assert statuses(one) == ["ONLINE", "ONLINE", "OFFLINE"]
    three.power_on()
    with pytest.raises(LxdStopped):
        lxd(three).server.get()
    cloud.now += 20
    assert statuses(two) == ["ONLINE"] * 3


@ALL
def test_without_a_majority_the_database_is_silent(generation: str):
    cloud, (one, two, three) = cluster(3, generation)
    two.kill_daemon()
    three.power_off()
    assert lxd(one).server.answers_at_all()
    assert lxd(one).server.get().clustered
    with pytest.raises(LxdError, match="deadline"):
        lxd(one).members.list()
    assert ask(one, "GET", "/1.0/projects").error
    one.kill_daemon()
    one.start_daemon()
    cloud.now += 10
    assert not lxd(one).server.answers_at_all()
    with pytest.raises(LxdUnreachable):
        lxd(one).server.get()
    one.database.recover()
    cloud.now += 60
    assert statuses(one) == ["ONLINE", "OFFLINE", "OFFLINE"]


@ALL
def test_evacuation_moves_what_may_move(generation: str):
    _, (one, two, _) = cluster(3, generation)
    by_hand.launch(two, "c1")
    by_hand.launch(two, "c2", "stop")
    evacuate(one, "m1")
    assert {i.name: i.location for i in lxd(one).instances.list()} == {"c1": "m0", "c2": "m1"}
    assert statuses(one)[1] == "EVACUATED"
    with pytest.raises(LxdError, match="c2"):
        lxd(two).members.leave("m1")


@ALL
def test_a_member_that_left_is_a_server_alone(generation: str):
    cloud, (one, two, three) = cluster(3, generation)
    lxd(one).members.leave("m0")
    cloud.now += 1
    with pytest.raises(LxdStopped):
        lxd(one).server.get()
    lxd(one).server.await_start(30)
    assert not lxd(one).server.get().clustered
    (truth,) = cloud.clusters()
    assert {m.name for m in truth.members} == {"m1", "m2"}
    join(one, two)
    assert statuses(three) == ["ONLINE"] * 3


def test_an_evacuation_that_is_ended_brings_back_what_it_moved():
    _, (one, two, _) = cluster(3)
    by_hand.launch(two, "c1")
    evacuate(two, "m1")
    assert not two.disk
    restore(one, "m1")
    assert [i.location for i in lxd(one).instances.list()] == ["m1"]
    assert list(two.disk) == ["default/c1"]


def test_a_join_goes_on_when_its_hook_is_killed():
    cloud, (one, two) = machines(2)
    by_hand.bootstrap(one)

    def kill(seconds: float, what: str) -> None:
        if two.working("join_cluster"):
            raise KeyboardInterrupt
        cloud.now += seconds

    default, cloud.pause = cloud.pause, kill
    with pytest.raises(KeyboardInterrupt):
        join(two, one)
    cloud.pause = default
    cloud.now += 10
    assert not lxd(two).cluster.await_forming(10)
    assert statuses(two) == ["ONLINE"] * 2


def test_a_join_whose_daemon_ends_must_be_reset():
    cloud, (one, two) = machines(2)
    by_hand.bootstrap(one)

    def kill(seconds: float, what: str) -> None:
        cloud.now += seconds
        if two.working("join_cluster"):
            cloud.pause = default
            cloud.now += 0.3
            two.kill_daemon()

    default, cloud.pause = cloud.pause, kill
    with pytest.raises(LxdUnreachable):
        join(two, one)
    two.start_daemon()
    cloud.now += 10
    with pytest.raises(LxdUnreachable):
        lxd(two).server.get()
    assert statuses(one) == ["ONLINE"]
    start_over(two)
    join(two, one)
    assert statuses(two) == ["ONLINE"] * 2


@pytest.mark.parametrize(
    ("fault", "error", "done"),
    [
        ("refuse", LxdError, False),
        ("timeout", LxdUnreachable, False),
        ("lost", LxdUnreachable, True),
    ],
)
def test_a_request_fails_with_the_set_fault(fault: Fault, error: type[Exception], done: bool):
    cloud, (one,) = machines(1)
    cloud.fault = lambda _, call: fault if call == "PATCH /1.0" else ""
    with pytest.raises(error):
        lxd(one).server.set_config({"user.key": "1"})
    assert ("user.key" in lxd(one).server.get().config) is done


def test_a_voter_that_is_gone_is_replaced():
    cloud, (one, *_, last) = cluster(4)
    (before,) = cloud.clusters()
    assert before.member("m3") == MemberTruth("m3", "3", "ONLINE", "database-standby")
    cloud.servers["1"].destroy()
    cloud.now += 60
    (truth,) = cloud.clusters()
    assert truth.voters == {"m0", "m2", "m3"}
    lxd(one).members.remove("m1")
    assert statuses(last) == ["ONLINE"] * 3


def test_the_minority_of_a_partition_is_silent():
    cloud, (one, two, three) = cluster(3)
    cloud.cut("0", "1")
    cloud.cut("0", "2")
    cloud.now += 40
    assert statuses(two) == ["OFFLINE", "ONLINE", "ONLINE"]
    assert lxd(one).server.answers_at_all()
    with pytest.raises(LxdError, match="deadline"):
        lxd(one).members.list()
    cloud.heal()
    cloud.now += 20
    assert statuses(one) == statuses(three) == ["ONLINE"] * 3


def test_a_recovery_that_was_not_needed_splits_the_cluster():
    cloud, (one, two, three) = cluster(3)
    two.power_off()
    three.power_off()
    one.database.recover()
    two.power_on()
    three.power_on()
    cloud.now += 60
    assert [len(c.answering) for c in cloud.clusters()] == [2, 1]


def test_what_was_on_a_removed_member_lies_on_its_disk_still():
    cloud, (one, two, three) = cluster(3)
    by_hand.launch(three, "c1")
    by_hand.add_volume(three, "local", "v1")
    three.power_off()
    lxd(one).members.remove("m2")
    assert not lxd(two).instances.list()
    three.power_on()
    cloud.now += 30
    assert set(three.disk) == {"default/c1", "volume default/local/v1"}
    assert three.files.has_data()


@ALL
def test_a_network_needs_every_member(generation: str):
    _, (one, two, three) = cluster(3, generation)
    names: dict[str, dict[str, str]] = {"m0": {}, "m1": {}, "m2": {}}
    three.freeze()
    with pytest.raises(LxdError, match="notify"):
        lxd(one).networks.create("lxdbr0", "bridge", {}, names)
    assert [n.status for n in lxd(two).networks.list()] == ["Errored"]
    three.thaw()
    lxd(one).networks.delete("lxdbr0")
    lxd(one).networks.create("lxdbr0", "bridge", {"ipv4.address": "auto"}, names)
    assert [n.status for n in lxd(three).networks.list()] == ["Created"]


def test_a_daemon_that_starts_waits_until_all_have_its_version():
    cloud, (one, two) = cluster(2, "5.0")
    one.snap.version = two.snap.version = "5.0.3"
    two.snap.install_file("newer")
    cloud.now += 30
    assert lxd(two).server.answers_at_all()
    with pytest.raises(LxdUnreachable):
        lxd(two).server.get()
    assert statuses(one) == ["ONLINE"] * 2
    one.snap.install_file("newer")
    cloud.now += 30
    assert lxd(one).server.get().version == lxd(two).server.get().version == "5.0.3"


def test_a_daemon_compares_versions_only_once_it_reaches_the_databases_leader():
    cloud, (one, two) = cluster(2, "5.0")
    one.power_off()
    two.snap.version = "5.0.3"
    two.snap.install_file("newer")
    cloud.now += 30
    assert two.silence() is Silence.HUNG


def test_nobody_waits_for_an_evacuated_member_of_another_version():
    cloud, (one, two, three) = cluster(3, "5.21")
    by_hand.evacuate(three)
    for server in (one, two):
        server.snap.version = "5.21.8"
        server.snap.install_file("newer")
    cloud.now += 30
    assert lxd(one).server.get().version == "5.21.8"


@pytest.mark.parametrize("version", ["5.21.8", "6.10"])
def test_a_later_daemon_that_waits_answers_nothing_at_all(version: str):
    cloud, (_, two) = cluster(2, "5.21" if version.startswith("5") else "6.9")
    two.snap.version = version
    two.snap.install_file("newer")
    cloud.now += 30
    assert not lxd(two).server.answers_at_all()
