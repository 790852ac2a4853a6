# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Rules for the content of clusters: what can be lost, what is refused, what is exclusive."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from lxd.errors import LxdError, LxdUnreachable
from lxd.http import Request
from tests.lxd_model import by_hand, generations
from tests.lxd_model.ground import (
    ask,
    client,
    cluster,
    evacuate,
    join,
    lxd,
    machines,
    restore,
    statuses,
)
from tests.lxd_model.operations import Operation
from tests.lxd_model.server import Server
from tests.lxd_model.things import Network, Pool

ALL = pytest.mark.parametrize("generation", generations.NAMES)


def with_pool(server: Server, name: str = "local") -> None:
    """A cluster with a pool and a bridge."""
    members: dict[str, dict[str, str]] = {m.name: {} for m in lxd(server).members.list()}
    lxd(server).pools.create(name, "dir", {}, members)
    lxd(server).networks.create("lxdbr0", "bridge", {}, members)


MOVES: list[tuple[Mapping[str, str], bool]] = [
    ({"type": "gpu"}, False),
    ({"type": "pci"}, False),
    ({"type": "usb"}, False),
    ({"type": "proxy", "listen": "tcp:0.0.0.0:80", "connect": "tcp:127.0.0.1:80"}, False),
    ({"type": "disk", "source": "/srv", "path": "/srv"}, False),
    ({"type": "disk", "pool": "local", "source": "v1", "path": "/srv"}, False),
    ({"type": "nic", "nictype": "bridged", "parent": "br0"}, False),
    ({"type": "nic", "network": "lxdbr0"}, True),
    ({"type": "disk", "pool": "local", "path": "/"}, True),
    ({"type": "tpm"}, True),
]


@ALL
def test_an_evacuation_chooses_no_member_that_lxd_places_nothing_on(generation: str):
    _, (one, two, _) = cluster(3, generation)
    by_hand.launch(two, "c1")
    lxd(one).members.close("m0")

    evacuate(one, "m1")

    assert [i.location for i in lxd(one).instances.list()] == ["m2"]


@pytest.mark.parametrize(("device", "moves"), MOVES)
def test_what_an_evacuation_moves(device: Mapping[str, str], moves: bool):
    cloud, (one, two) = cluster(2)
    with_pool(one)
    by_hand.launch(two, "c1", devices={"it": device})
    evacuate(one, "m1")
    (instance,) = lxd(one).instances.list()
    assert (instance.location, instance.running) == (("m0", True) if moves else ("m1", False))
    assert cloud.stopped == ([] if moves else ["default/c1"])


def test_what_was_stopped_runs_again_with_its_member():
    _, (one, two) = cluster(2)
    by_hand.launch(two, "c1", devices={"gpu": {"type": "gpu"}})
    evacuate(one, "m1")
    with pytest.raises(LxdError, match="Cluster member is evacuated"):
        lxd(two).instances.start("default", "c1")
    restore(one, "m1")
    assert [i.running for i in lxd(one).instances.list()] == [True]


def test_an_ephemeral_instance_is_gone_when_it_stops():
    _, (one, two) = cluster(2)
    by_hand.launch(two, "c1", ephemeral=True)
    evacuate(one, "m1")
    assert not lxd(one).instances.list()
    assert not one.disk
    assert not two.disk


def test_stopping_the_snap_stops_instances_and_a_reload_does_not():
    cloud, (one, two) = cluster(2)
    for name, ephemeral in (("c1", False), ("c2", True)):
        by_hand.launch(two, name, ephemeral=ephemeral)
    two.snap.reload()
    cloud.now += 20
    assert [i.running for i in lxd(one).instances.list()] == [True, True]
    two.snap.stop()
    assert cloud.stopped == ["default/c1", "default/c2"]
    assert set(two.disk) == {"default/c1"}
    two.snap.start()
    cloud.now += 20
    assert [(i.name, i.running) for i in lxd(one).instances.list()] == [("c1", True)]


@ALL
def test_the_only_copy_of_an_image_keeps_a_member(generation: str):
    _, (one, two) = cluster(2, generation)
    lxd(one).server.set_config({"cluster.images_minimal_replica": "1"})
    by_hand.add_image(two, "abcdef")
    with pytest.raises(LxdError, match="Node still has the following images: abcdef"):
        lxd(two).members.leave("m1")
    lxd(one).server.set_config({"cluster.images_minimal_replica": "2"})
    assert set(one.disk) == {"image abcdef"}
    lxd(two).members.leave("m1")
    assert statuses(one) == ["ONLINE"]


def test_nobody_counts_buckets():
    _, (one, two) = cluster(2)
    with_pool(one)
    bucket = by_hand.add_bucket(two, "local", "b1")
    (row,) = client(one).get("/1.0/storage-pools/local/buckets", {"recursion": "1"})
    assert (row["name"], row["location"]) == ("b1", "m1")
    lxd(two).members.leave("m1")
    assert str(bucket) in two.disk
    assert not one.records.buckets
    assert ask(cluster(2, "5.0")[1][0], "GET", "/1.0/storage-pools/local/buckets").status == 404


@ALL
def test_a_member_is_renamed(generation: str):
    cloud, (one, two) = cluster(2, generation)
    by_hand.launch(two, "c1")
    client(one).change("POST", "/1.0/cluster/members/m1", {"server_name": "new"})
    assert [m.name for m in lxd(one).members.list()] == ["m0", "new"]
    assert [i.location for i in lxd(one).instances.list()] == ["new"]
    assert lxd(two).server.get().name == ("m1" if generation == "5.0" else "new")
    two.restart()
    cloud.now += 20
    assert lxd(two).server.get().name == "new"
    assert statuses(two) == ["ONLINE"] * 2


def test_a_member_that_an_operator_joins():
    _, (one, two, stranger) = machines(3)
    by_hand.bootstrap(one)
    by_hand.join(two, one)
    by_hand.join(stranger, two, name="by-hand")
    assert [m.name for m in lxd(one).members.list()] == ["by-hand", "m0", "m1"]


@ALL
def test_if_match_is_not_atomic(generation: str):
    cloud, (one, two) = cluster(2, generation)
    path = "/1.0/projects/default"

    def write(server: Server, value: str, etag: str) -> int:
        found = client(server).get(path)
        config = {**found["config"], "user.note": value}
        body = {"config": config, "description": found["description"]}
        request = Request("PUT", path, body=body, headers={"If-Match": etag})
        return server.lxd.send(request, 10).status

    def meanwhile(seconds: float, what: str) -> None:
        cloud.now += seconds
        if what == "between the check and the write":
            cloud.pause = default
            assert write(two, "two", etag) == 200

    etag = ask(one, "GET", path).etag
    default, cloud.pause = cloud.pause, meanwhile
    assert write(one, "one", etag) == 200
    assert client(two).get(path)["config"]["user.note"] == "one"
    assert write(two, "three", etag) == 412


@ALL
def test_a_profile_is_made_once_and_renamed_once(generation: str):
    _, (one, two) = cluster(2, generation)
    body = {"name": "turn-1"}
    assert ask(one, "POST", "/1.0/profiles", body).status == 201
    again = ask(two, "POST", "/1.0/profiles", body)
    assert again.error == 'Error inserting "turn-1" into database: The profile already exists'
    assert ask(one, "POST", "/1.0/profiles/turn-1", {"name": "turn-2"}).status == 201
    assert ask(two, "POST", "/1.0/profiles/turn-1", {"name": "turn-3"}).error
    assert ask(two, "POST", "/1.0/profiles/default", {"name": "turn-3"}).status == 403


def test_a_profile_in_use_is_not_deleted():
    _, (one,) = machines(1)
    body = {"name": "extra", "config": {"user.a": "1"}, "devices": {}}
    client(one).change("POST", "/1.0/profiles", body)
    instance = {"name": "c1", "profiles": ["default", "extra"]}
    client(one).change("POST", "/1.0/instances", instance)
    assert ask(one, "DELETE", "/1.0/profiles/extra").error == "Profile is currently in use"
    (row,) = client(one).get("/1.0/instances", {"recursion": "1"})
    assert row["expanded_config"]["user.a"] == "1"


def test_the_default_profile_goes_to_another_pool():
    _, (one, two) = cluster(2)
    with_pool(one)
    members: dict[str, dict[str, str]] = {"m0": {}, "m1": {}}
    lxd(one).pools.create("other", "dir", {}, members)

    def use(pool: str) -> None:
        profile = lxd(one).profiles.default()
        root = {"type": "disk", "path": "/", "pool": pool}
        lxd(one).profiles.set_default({**profile, "devices": {"root": root}})

    use("local")
    by_hand.launch(two, "c1")
    with pytest.raises(LxdError, match="relies on this profile's root disk device"):
        use("other")
    lxd(one).pools.pin_root_disks("local")
    use("other")
    used_by = {p.name: sorted(p.used_by) for p in lxd(one).pools.list()}
    assert used_by == {"local": ["/1.0/instances/c1"], "other": ["/1.0/profiles/default"]}
    with pytest.raises(LxdError, match="still exists in storage pool"):
        lxd(one).pools.delete("local")


def test_an_instance_that_follows_the_profile_is_cut_off_from_its_network():
    cloud, (one, two) = cluster(2)
    with_pool(one)
    members: dict[str, dict[str, str]] = {"m0": {}, "m1": {}}
    lxd(one).networks.create("br1", "bridge", {}, members)

    def use(network: str) -> None:
        profile = lxd(one).profiles.default()
        nic = {"type": "nic", "name": "eth0", "network": network}
        lxd(one).profiles.set_default({**profile, "devices": {"eth0": nic}})

    use("lxdbr0")
    by_hand.launch(two, "stays")
    by_hand.launch(two, "follows")
    cloud.now += 60
    body = {"devices": {"eth0": {"type": "nic", "name": "eth0", "network": "lxdbr0"}}}
    client(one).change("PATCH", "/1.0/instances/stays", body)
    use("br1")
    assert cloud.cut_off == ["default/follows from lxdbr0"]


def test_a_profile_gives_no_instance_a_second_nic_of_one_name():
    """By source: nicCheckNamesUnique, and doProfileUpdate saves before it updates instances."""
    _, (one, two) = cluster(2)
    with_pool(one)
    nic = {"type": "nic", "name": "eth0", "network": "lxdbr0"}
    by_hand.launch(two, "c1", devices={"lan": nic})
    profile = lxd(one).profiles.default()

    with pytest.raises(LxdError, match="Duplicate NIC name"):
        lxd(one).profiles.set_default({**profile, "devices": {"eth0": nic}})

    assert lxd(one).profiles.default()["devices"] == {"eth0": nic}


@ALL
def test_a_network_that_cannot_start_on_one_member(generation: str):
    _, (one, two) = cluster(2, generation)
    two.dns_taken = True
    with_pool(one)
    assert [n.status for n in lxd(one).networks.list()] == ["Created"]
    path = "/1.0/networks/lxdbr0"
    assert client(one).get(path, {"target": "m1"})["status"] == "Unavailable"
    assert client(one).get(path, {"target": "m0"})["status"] == "Created"
    assert client(one).get(f"{path}/state", {"target": "m1"})["state"] == "down"


@ALL
def test_a_network_that_is_made_while_one_joins(generation: str):
    cloud, (one, two) = machines(2, generation)
    by_hand.bootstrap(one)

    def meanwhile(seconds: float, what: str) -> None:
        cloud.now += seconds
        cloud.tick()
        if one.records.joining and (operation := two.working("join_cluster")):
            joins.append(operation)
            cloud.pause = default
            client(one).change("POST", "/1.0/networks", {"name": "late", "type": "bridge"})

    joins: list[Operation] = []
    default, cloud.pause = cloud.pause, meanwhile
    # The daemon answers nothing any more: if the wait itself is an error, nobody can ask for the
    # reason.
    error = LxdError if generation == "5.0" else LxdUnreachable
    with pytest.raises(error):
        join(two, one)
    assert joins[0].error == "Joining member has no config for network late"
    assert two.half_joined


def test_names_that_have_to_be_quoted():
    _, (one,) = machines(1)
    for name in ("é", "a?b", "a b"):
        one.records.pools[name] = Pool(name, "dir", "Created", {}, {"none": {}})
        lxd(one).pools.update(name, {"user.key": name})
    assert [p.name for p in lxd(one).pools.list()] == ["é", "a?b", "a b"]
    assert client(one).get("/1.0/storage-pools")[1] == "/1.0/storage-pools/a%3Fb"


def test_a_device_with_data_is_not_taken():
    _, (one, two) = cluster(2)
    members = {"m0": {"source": "/dev/vdc"}, "m1": {"source": "/dev/vdb"}}
    with pytest.raises(LxdError, match="contain an existing filesystem"):
        lxd(one).pools.create("fast", "btrfs", {}, members)
    assert [p.status for p in lxd(one).pools.list()] == ["Errored"]
    two.files.wipe("/dev/vdb")
    lxd(one).pools.finish("fast")
    source = client(one).get("/1.0/storage-pools/fast", {"target": "m1"})["config"]["source"]
    assert source == "uuid of -dev-vdb"


@ALL
def test_a_change_of_a_network_that_changes_nothing_asks_no_other_member(generation: str):
    _, (one, two) = cluster(2, generation)
    on: dict[str, dict[str, str]] = {"m0": {"parent": "eth0"}, "m1": {"parent": "eth0"}}
    lxd(one).networks.create("lan", "macvlan", {"mtu": "1400"}, on)
    two.kill_daemon()
    lxd(one).networks.update("lan", {}, {"m0": {"parent": "eth1"}})
    lxd(one).networks.update("lan", {"mtu": "1400"}, {})
    with pytest.raises(LxdError, match=r"10\.0\.0\.2"):
        lxd(one).networks.update("lan", {"mtu": "1300"}, {})
    assert lxd(one).networks.parents("lan", ["m0"]) == {"m0": "eth1"}


def test_a_macvlan_network_has_an_interface_on_each_member():
    _, (one, _) = cluster(2)
    on = {"m0": {"parent": "eth0"}, "m1": {"parent": "eth0"}}
    lxd(one).networks.create("lan", "macvlan", {}, on)
    assert lxd(one).networks.parents("lan", ["m0", "m1"]) == {"m0": "eth0", "m1": "eth0"}
    lxd(one).networks.update("lan", {"mtu": "1400"}, {"m1": {"parent": "ens3"}})
    assert lxd(one).networks.parents("lan", ["m0", "m1"]) == {"m0": "eth0", "m1": "ens3"}
    (network,) = lxd(one).networks.list()
    assert dict(network.config) == {"mtu": "1400"}


def test_images_and_backups_are_kept_on_a_volume():
    _, (one, two) = cluster(2)
    with_pool(one)
    key = "storage.images_volume"
    with pytest.raises(LxdError, match="Storage volume not found"):
        lxd(two).server.set_config({key: "local/images"})
    lxd(two).volumes.keep_on(key, "local", "images")
    assert lxd(two).server.get().config[key] == "local/images"
    with pytest.raises(LxdError, match="still in use"):
        lxd(two).volumes.drop("local", "images")
    lxd(two).volumes.keep_on(key, "", "images")
    lxd(two).volumes.drop("local", "images")
    assert not two.disk


@ALL
def test_projects_of_their_own(generation: str):
    _, (one,) = machines(1, generation)
    assert ask(one, "GET", "/1.0/profiles", project="own").status == 404
    body = {"name": "own", "config": {"features.profiles": "true"}}
    assert ask(one, "POST", "/1.0/projects", body).status == 201
    assert ask(one, "POST", "/1.0/projects", body).error
    client(one).change("POST", "/1.0/profiles", {"name": "p1", "config": {}}, {"project": "own"})
    names = [
        row["name"]
        for row in client(one).get("/1.0/profiles", {"recursion": "1", "project": "own"})
    ]
    assert names == ["default", "p1"]
    assert ask(one, "DELETE", "/1.0/projects/own").error == "Only empty projects can be removed"
    client(one).change("DELETE", "/1.0/profiles/p1", query={"project": "own"})
    client(one).change("DELETE", "/1.0/projects/own")


def test_what_the_answers_hold_is_nobody_elses():
    _, (one,) = machines(1)
    one.records.networks["n"] = Network("n", "bridge", "Created", {"a": "1"}, {"none": {}})
    client(one).get("/1.0/networks/n")["config"]["a"] = "2"
    client(one).get("/1.0")["config"]["user.key"] = "2"
    client(one).get("/1.0/profiles/default")["config"]["user.key"] = "2"
    assert client(one).get("/1.0/networks/n")["config"] == {"a": "1"}
    assert "user.key" not in client(one).get("/1.0")["config"]
    assert client(one).get("/1.0/profiles/default")["config"] == {}
