"""The model LXD does what its docstrings say."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lxd_reading import LxdError, LxdStopped, LxdUnreachable

from tests.lxd_model.cloud import Cloud, Fault
from tests.lxd_model.server import Server
from tests.lxd_model.truth import MemberTruth


def machines(count: int) -> tuple[Cloud, list[Server]]:
    """Machines with LXD on them, in no cluster."""
    cloud = Cloud()
    servers = [cloud.add(str(n), f"m{n}", f"10.0.0.{n + 1}") for n in range(count)]
    for server in servers:
        server.snap.install("5.21/stable", "")
        server.lxd.await_start(30)
    return cloud, servers


def endpoint(server: Server) -> str:
    return f"{server.address}:8443"


def found(server: Server) -> None:
    """Makes a cluster of one."""
    config = {"core.https_address": endpoint(server), "cluster.https_address": endpoint(server)}
    server.lxd.set_server_config(config)
    server.lxd.enable_cluster(server.hostname)


def join(server: Server, member: Server) -> None:
    token = member.lxd.make_join_token(server.hostname)
    server.lxd.join_cluster(server.hostname, endpoint(server), token, [], 120)


def cluster(count: int) -> tuple[Cloud, list[Server]]:
    """Machines that are one cluster."""
    cloud, servers = machines(count)
    found(servers[0])
    for before, server in pairwise(servers):
        join(server, before)
    return cloud, servers


def start_over(server: Server) -> None:
    server.files.kill_lxd()
    server.snap.stop()
    server.files.empty_lxd()
    server.snap.start()
    server.lxd.await_start(30)


def statuses(server: Server) -> list[str]:
    return [m.status for m in server.lxd.members()]


def test_one_cluster_of_all():
    cloud, servers = cluster(7)
    (truth,) = cloud.clusters()
    assert len(truth.members) == 7
    assert truth.voters == {"m0", "m1", "m2"}
    assert truth.believers == truth.answering == frozenset("0123456")
    assert {s.lxd.server().fingerprint for s in servers} == {truth.fingerprint}


def test_a_token_is_good_once():
    _, (one, two, three) = machines(3)
    found(one)
    token = one.lxd.make_join_token("m1")
    two.lxd.join_cluster("m1", endpoint(two), token, [], 120)
    with pytest.raises(LxdError, match="No matching"):
        three.lxd.join_cluster("m2", endpoint(three), token, [], 120)


def test_two_joins_at_once_hang_the_later_one():
    cloud, (one, two, three) = machines(3)
    found(one)
    tokens = [one.lxd.make_join_token(name) for name in ("m1", "m2")]

    def meanwhile(seconds: float, what: str) -> None:
        cloud.now += seconds
        if two.working("join_cluster"):
            cloud.pause = default
            with pytest.raises(LxdUnreachable):
                three.lxd.join_cluster("m2", endpoint(three), tokens[1], [], 30)

    default, cloud.pause = cloud.pause, meanwhile
    two.lxd.join_cluster("m1", endpoint(two), tokens[0], [], 60)
    assert statuses(two) == ["ONLINE"] * 2
    assert not three.lxd.alive()
    with pytest.raises(LxdError, match="not found"):
        one.lxd.remove_member("m2")
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
        three.lxd.server()
    cloud.now += 20
    assert statuses(two) == ["ONLINE"] * 3


def test_without_a_majority_the_database_is_silent():
    cloud, (one, two, three) = cluster(3)
    two.kill_daemon()
    three.power_off()
    assert one.lxd.alive()
    assert one.lxd.server().clustered
    with pytest.raises(LxdError, match="deadline"):
        one.lxd.members()
    one.kill_daemon()
    one.start_daemon()
    cloud.now += 10
    assert not one.lxd.alive()
    with pytest.raises(LxdUnreachable):
        one.lxd.server()
    assert one.database.voters_that_listen() == (("10.0.0.1:8443",), 3)
    one.database.recover()
    cloud.now += 60
    assert statuses(one) == ["ONLINE", "OFFLINE", "OFFLINE"]


def test_evacuation_moves_what_may_move():
    _, (one, two, _) = cluster(3)
    two.launch("default", "c1")
    two.launch("default", "c2", "stop")
    list(one.lxd.evacuate("m1", 60))
    assert {i.name: i.location for i in one.lxd.instances()} == {"c1": "m0", "c2": "m1"}
    assert statuses(one)[1] == "EVACUATED"
    with pytest.raises(LxdError, match="c2"):
        two.lxd.leave("m1")


def test_a_member_that_left_is_a_server_alone():
    cloud, (one, two, three) = cluster(3)
    one.lxd.leave("m0")
    cloud.now += 1
    with pytest.raises(LxdStopped):
        one.lxd.server()
    one.lxd.await_start(30)
    assert not one.lxd.server().clustered
    (truth,) = cloud.clusters()
    assert {m.name for m in truth.members} == {"m1", "m2"}
    join(one, two)
    assert statuses(three) == ["ONLINE"] * 3


def test_an_evacuation_that_is_ended_brings_back_what_it_moved():
    _, (one, two, _) = cluster(3)
    two.launch("default", "c1")
    list(two.lxd.evacuate("m1", 60))
    assert not two.disk
    two.restore()
    assert [i.location for i in one.lxd.instances()] == ["m1"]
    assert list(two.disk) == ["default/c1"]


def test_a_join_goes_on_when_its_hook_is_killed():
    cloud, (one, two) = machines(2)
    found(one)
    token = one.lxd.make_join_token("m1")

    def kill(seconds: float, what: str) -> None:
        if what == "join_cluster" and two.working("join_cluster"):
            raise KeyboardInterrupt
        cloud.now += seconds

    default, cloud.pause = cloud.pause, kill
    with pytest.raises(KeyboardInterrupt):
        two.lxd.join_cluster("m1", endpoint(two), token, [], 120)
    cloud.pause = default
    cloud.now += 10
    assert not two.lxd.await_forming(10)
    assert statuses(two) == ["ONLINE"] * 2


def test_a_join_whose_daemon_ends_must_be_reset():
    cloud, (one, two) = machines(2)
    found(one)
    token = one.lxd.make_join_token("m1")

    def kill(seconds: float, what: str) -> None:
        cloud.now += seconds
        if what == "join_cluster" and two.working("join_cluster"):
            cloud.pause = default
            cloud.now += 0.3
            two.kill_daemon()

    default, cloud.pause = cloud.pause, kill
    with pytest.raises(LxdUnreachable):
        two.lxd.join_cluster("m1", endpoint(two), token, [], 120)
    two.start_daemon()
    cloud.now += 10
    with pytest.raises(LxdUnreachable):
        two.lxd.server()
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
def test_a_call_fails_as_told(fault: Fault, error: type[Exception], done: bool):
    cloud, (one,) = machines(1)
    cloud.fault = lambda _, call: fault if call == "set_server_config" else ""
    with pytest.raises(error):
        one.lxd.set_server_config({"user.key": "1"})
    assert ("user.key" in one.lxd.server().config) is done


def test_a_voter_that_is_gone_is_replaced():
    cloud, (one, *_, last) = cluster(4)
    (before,) = cloud.clusters()
    assert before.member("m3") == MemberTruth("m3", "3", "ONLINE", "database-standby")
    cloud.servers["1"].destroy()
    cloud.now += 60
    (truth,) = cloud.clusters()
    assert truth.voters == {"m0", "m2", "m3"}
    one.lxd.remove_member("m1")
    assert statuses(last) == ["ONLINE"] * 3


def test_the_minority_of_a_partition_is_silent():
    cloud, (one, two, three) = cluster(3)
    cloud.cut("0", "1")
    cloud.cut("0", "2")
    cloud.now += 40
    assert statuses(two) == ["OFFLINE", "ONLINE", "ONLINE"]
    assert one.lxd.alive()
    with pytest.raises(LxdError, match="deadline"):
        one.lxd.members()
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
    three.launch("default", "c1")
    three.add_volume("default", "local", "v1")
    three.power_off()
    one.lxd.remove_member("m2")
    assert not two.lxd.instances()
    three.power_on()
    cloud.now += 30
    assert set(three.disk) == {"default/c1", "volume default/local/v1"}
    assert three.files.has_data()


def test_a_network_needs_every_member():
    _, (one, two, three) = cluster(3)
    names: dict[str, dict[str, str]] = {"m0": {}, "m1": {}, "m2": {}}
    three.freeze()
    with pytest.raises(LxdError, match="failed to notify peer"):
        one.lxd.create_network("lxdbr0", "bridge", {}, names)
    assert [n.status for n in two.lxd.networks()] == ["Errored"]
    three.thaw()
    one.lxd.delete_network("lxdbr0")
    one.lxd.create_network("lxdbr0", "bridge", {"ipv4.address": "auto"}, names)
    assert [n.status for n in three.lxd.networks()] == ["Created"]


def test_a_daemon_that_starts_waits_until_all_have_its_version():
    cloud, (one, two) = cluster(2)
    one.snap.version = two.snap.version = "5.0.3"
    two.snap.install_file("newer")
    cloud.now += 30
    assert not two.lxd.alive()
    assert statuses(one) == ["ONLINE"] * 2
    one.snap.install_file("newer")
    cloud.now += 30
    assert one.lxd.server().version == two.lxd.server().version == "5.0.3"
