# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm as Juju sees it: events in; statuses, databags, ports and results out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import ops
import pytest
from ops import testing

from state import peers
from state.facts import Device
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, later, names, server, the_cluster, with_pool, with_volume
from tests.unit.stage import Stage
from values.addresses import host

NO_RELATION: set[testing.PeerRelation] = set()


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The first of three members."""
    app = formed(3)
    return Stage(app, app.units["lxd/0"], monkeypatch)


def test_a_member_is_active_and_the_leader_sums_up(stage: Stage):
    out = stage.context.run(stage.context.on.update_status(), stage.state())

    assert out.unit_status == ops.ActiveStatus("member m0, voter")
    assert out.app_status == ops.ActiveStatus("3 members, 3 voters")


def test_a_hook_with_nothing_to_do_writes_no_relation_data(stage: Stage):
    out = stage.context.run(stage.context.on.update_status(), stage.state())

    after = out.get_relation(stage.relation.id)
    assert isinstance(after, testing.PeerRelation)
    assert after.local_unit_data == stage.relation.local_unit_data
    assert after.local_app_data == stage.relation.local_app_data


def test_a_bad_option_blocks_unit_and_application(stage: Stage):
    state = stage.state(config={"storage-backend": "zsf"})

    out = stage.context.run(stage.context.on.config_changed(), state)

    expected = ops.BlockedStatus("storage-backend=zsf: use one of auto, btrfs, ceph, dir, lvm, zfs")
    assert (out.unit_status, out.app_status) == (expected, expected)


def test_an_empty_resource_is_not_a_resource(stage: Stage, tmp_path: Path):
    empty = tmp_path / "lxd.snap"
    empty.touch()
    state = stage.state(resources={testing.Resource(name="lxd-snap", path=empty)})

    out = stage.context.run(stage.context.on.upgrade_charm(), state)

    assert out.unit_status == ops.ActiveStatus("member m0, voter")


def test_a_unit_that_leaves_takes_its_member_out(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)
    event = stage.context.on.relation_departed(stage.relation, remote_unit=1, departing_unit=2)

    stage.context.run(event, stage.state())

    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("event", ["stop", "remove"])
def test_the_last_hooks_take_the_member_out_too(event: str, monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    stage.context.run(getattr(stage.context.on, event)(), stage.state())

    assert names(app) == ["m0", "m1"]


def test_a_unit_that_cannot_leave_fails_its_hook_and_says_why(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    with_volume(app, "m2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    with pytest.raises(testing.errors.UncaughtCharmError, match="default/local/data") as failure:
        stage.context.run(stage.context.on.stop(), stage.state())

    assert "juju config lxd on-remove=abandon, then juju resolved lxd/2" in str(failure.value)
    assert "m2" in names(app)


def test_a_bad_option_keeps_no_unit_from_leaving(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    stage.context.run(stage.context.on.stop(), stage.state(config={"storage-backend": "zsf"}))

    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("event", ["install", "start", "leader_elected", "config_changed"])
def test_every_event_does_the_same(stage: Stage, event: str):
    out = stage.context.run(getattr(stage.context.on, event)(), stage.state())

    assert out.unit_status == ops.ActiveStatus("member m0, voter")


def test_a_new_unit_publishes_its_name_key_and_address(monkeypatch: pytest.MonkeyPatch):
    app = ModelApp()
    stage = Stage(app, app.add(0), monkeypatch)

    out = stage.context.run(stage.context.on.relation_created(stage.relation), stage.state())

    after = out.get_relation(stage.relation.id)
    assert isinstance(after, testing.PeerRelation)
    published = peers.load(peers.UnitData, after.local_unit_data)
    assert (published.name, published.address, published.able) == ("m0", "10.0.0.1", True)
    assert published.key
    assert out.opened_ports == {testing.TCPPort(8443)}
    assert out.workload_version == "5.21.7"


def test_what_juju_keeps_in_a_databag_stays(monkeypatch: pytest.MonkeyPatch):
    app = formed(1)
    app.databags["lxd/0"] |= {"ingress-address": "10.0.0.1", "attempt": "4"}
    server(app, "m0").version = "5.21.8"
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    out = stage.context.run(stage.context.on.update_status(), stage.state())

    after = out.get_relation(stage.relation.id)
    assert isinstance(after, testing.PeerRelation)
    assert after.local_unit_data["ingress-address"] == "10.0.0.1"
    assert after.local_unit_data["lxd"] == '"5.21.8"'


def test_before_the_peer_relation_lxd_is_installed(monkeypatch: pytest.MonkeyPatch):
    app = ModelApp()
    unit = app.add(0)
    stage = Stage(app, unit, monkeypatch)

    out = stage.context.run(stage.context.on.install(), stage.state(relations=NO_RELATION))

    assert unit.snap.facts_.installed
    assert out.unit_status == ops.WaitingStatus("for the peer relation")


def test_what_is_under_way_is_shown(monkeypatch: pytest.MonkeyPatch):
    app = ModelApp()
    stage = Stage(app, app.add(0), monkeypatch)

    stage.context.run(stage.context.on.install(), stage.state(relations=NO_RELATION))

    shown = [status.message for status in stage.context.unit_status_history]
    assert "install the LXD snap from 5.21/stable" in shown


ROLES = [
    ("5.0", "5.0.2", "database, database-leader", "database"),
    ("5.21", "5.21.7", "database, database-leader", "database"),
    ("6.9", "6.9", "database-leader", "database-voter"),
]


@pytest.mark.parametrize(("generation", "version", "leads", "votes"), ROLES)
def test_cluster_status_is_a_table_of_the_members(
    monkeypatch: pytest.MonkeyPatch, generation: str, version: str, leads: str, votes: str
):
    app = formed(3, generation)
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    stage.context.run(stage.context.on.action("cluster-status"), stage.state())

    results = stage.context.action_results
    assert results is not None
    rows = [line.split("  ") for line in results["table"].splitlines()]
    assert [[word.strip() for word in row if word] for row in rows] == [
        ["Unit", "Member", "Address", "Roles", "State", "Version"],
        ["lxd/0", "m0", "10.0.0.1", leads, "ONLINE", version],
        ["lxd/1", "m1", "10.0.0.2", votes, "ONLINE", version],
        ["lxd/2", "m2", "10.0.0.3", votes, "ONLINE", version],
    ]


def test_cluster_status_of_a_unit_outside_says_why(monkeypatch: pytest.MonkeyPatch):
    app = formed(1)
    unit = app.add(1)
    unit.snap.install("5.21/stable", "100")
    stage = Stage(app, unit, monkeypatch)

    with pytest.raises(testing.ActionFailed, match="not a member"):
        stage.context.run(stage.context.on.action("cluster-status"), stage.state())


def test_plan_shows_the_steps_and_takes_none(stage: Stage):
    state = stage.state(config={"images-replicas": -1})

    stage.context.run(stage.context.on.action("plan"), state)
    stage.context.run(stage.context.on.action("plan"), state)

    results = stage.context.action_results
    assert results is not None
    assert results["plan"] == "1. set cluster.images_minimal_replica=-1"


def test_plan_says_when_there_is_nothing_to_do(stage: Stage):
    stage.context.run(stage.context.on.action("plan"), stage.state())

    assert stage.context.action_results == {
        "plan": "nothing to do",
        "status": "active: member m0, voter",
    }


def test_plan_shows_what_other_options_would_do(stage: Stage):
    action = stage.context.on.action("plan", params={"storage-backend": "dir"})

    stage.context.run(action, stage.state())

    results = stage.context.action_results
    assert results is not None
    assert "2. create the dir pool local-dir on m0, m1, m2" in results["plan"].splitlines()
    assert set(the_cluster(stage.app).pools) == {"local"}


def test_plan_refuses_what_no_option_may_be(stage: Stage):
    action = stage.context.on.action("plan", params={"storage-backend": "zsf"})

    with pytest.raises(testing.ActionFailed, match="storage-backend=zsf: use one of"):
        stage.context.run(action, stage.state())


def test_cluster_status_shows_the_pools(stage: Stage):
    stage.context.run(stage.context.on.action("cluster-status"), stage.state())

    results = stage.context.action_results
    assert results is not None
    assert results["pools"].splitlines() == [
        "Pool   Driver  State    Role     Used by",
        "local  btrfs   Created  default  1",
    ]


def test_cluster_status_shows_the_networks(stage: Stage):
    members: dict[str, dict[str, str]] = {member: {} for member in names(stage.app)}
    api(stage.app).networks.create("old", "bridge", {}, members)
    nic = {"type": "nic", "name": "eth0", "network": "old"}
    for name in ("c1", "c2"):
        by_hand.launch(stage.unit.server, name, devices={"eth0": nic})

    stage.context.run(stage.context.on.action("cluster-status"), stage.state())

    results = stage.context.action_results
    assert results is not None
    assert results["networks"].splitlines() == [
        "Network  Mode    State    Role     Instances",
        "lxdbr0   bridge  Created  default  0",
        "old      bridge  Created  left     2",
    ]


def test_a_pool_that_lxd_cannot_remove_now_fails_the_action(stage: Stage):
    with_pool(stage.app, "old")

    def silent(_: str, call: str) -> Fault:
        return "timeout" if call == "DELETE /1.0/storage-pools/NAME" else ""

    stage.app.cloud.fault = silent
    action = stage.context.on.action("remove-pool", params={"name": "old"})

    with pytest.raises(testing.ActionFailed, match="no answer in time"):
        stage.context.run(action, stage.state())


def test_a_recovery_asks_the_other_survivors_first(monkeypatch: pytest.MonkeyPatch):
    app = formed(5)
    vote = {host(row.address) for row in the_cluster(app).voters}
    voters = [name for name, unit in app.units.items() if unit.address in vote]
    for name in voters[1:]:
        app.units[name].server.power_off()
    later(app, 60)
    lost = sorted(app.units[name].address for name in voters[1:])
    for name in voters[1:]:
        app.remove(name)
    stage = Stage(app, app.units[voters[0]], monkeypatch)
    confirm = {"confirm": f"recover-{voters[0].replace('/', '-')}"}

    with pytest.raises(testing.ActionFailed, match="has not said yet") as refused:
        stage.context.run(stage.context.on.action("recover-quorum", params=confirm), stage.state())

    state = refused.value.state
    assert isinstance(state, testing.State)
    relation = state.get_relation(stage.relation.id)
    assert isinstance(relation, testing.PeerRelation)
    assert json.loads(relation.local_unit_data["lost"]) == lost
    assert app.units[voters[0]].server.database.backups == []


def with_storage(monkeypatch: pytest.MonkeyPatch, use: str) -> tuple[Stage, testing.Storage]:
    """A unit with a device from Juju, in the state of `use`."""
    storage = testing.Storage("local")
    app = ModelApp()
    unit = app.add(0)
    stage = Stage(app, unit, monkeypatch)
    path = storage.get_filesystem(stage.context)
    unit.machine.disks = [Device(str(path), 1 << 30, use=use)]
    return stage, storage


def test_the_device_that_juju_gave_is_the_pools(monkeypatch: pytest.MonkeyPatch):
    stage, storage = with_storage(monkeypatch, "")
    stage.relation = replace(
        stage.relation, local_app_data={"bootstrap": '"lxd/0"', "version": str(peers.VERSION)}
    )
    stage.context.run(stage.context.on.start(), stage.state(storages={storage}))

    own = the_cluster(stage.app).pools["local"].members["m0"]
    assert own["source"] == str(storage.get_filesystem(stage.context))


@pytest.mark.parametrize(("use", "leaving"), [("", False), ("is in use", True)])
def test_the_hook_succeeds_if_a_device_is_unused_or_its_unit_leaves(
    monkeypatch: pytest.MonkeyPatch, use: str, leaving: bool
):
    stage, storage = with_storage(monkeypatch, use)
    stage.app.leaving |= {"lxd/0"} if leaving else set[str]()
    event = stage.context.on.storage_detaching(storage)

    stage.context.run(event, stage.state(storages={storage}))


def test_a_device_that_lxd_uses_is_not_given_back(monkeypatch: pytest.MonkeyPatch):
    stage, storage = with_storage(monkeypatch, "is in use")
    event = stage.context.on.storage_detaching(storage)

    with pytest.raises(testing.errors.UncaughtCharmError, match="remove the unit instead"):
        stage.context.run(event, stage.state(storages={storage}))


def test_a_device_is_wiped_on_demand(stage: Stage):
    stage.unit.machine.disks = [Device("/dev/sdb", 1 << 30, holds="ext4", ids=("u1",))]
    on = stage.context.on
    params = {"device": "/dev/sdb"}
    with pytest.raises(testing.ActionFailed, match="repeat with confirm=wipe-u1"):
        stage.context.run(on.action("wipe-device", params=params), stage.state())

    stage.context.run(
        on.action("wipe-device", params=params | {"confirm": "wipe-u1"}), stage.state()
    )

    assert stage.context.action_results == {"result": "/dev/sdb held ext4 and is empty now"}
