"""The charm as Juju sees it: events in; statuses, databags, ports and results out."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import ops
import pytest
from lxd_reading import LxdUnreachable
from ops import testing
from ops.hookcmds import Goal, GoalState

import charm
import peers
from tests.unit.model_units import ModelApp, ModelUnit, formed
from view import Device, Volume

PEER = "cluster"
NO_RELATION: set[testing.PeerRelation] = set()


class Stage:
    """The charm on one unit of a model application."""

    def __init__(self, app: ModelApp, unit: ModelUnit, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app = app
        self.unit = unit
        number = int(unit.name.split("/")[1])
        monkeypatch.setattr(charm, "LxdApi", lambda: unit.lxd)
        monkeypatch.setattr(charm, "Machine", lambda: unit.machine)
        monkeypatch.setattr(charm.snap, "Snap", lambda: unit.snap)
        monkeypatch.setattr(charm.hookcmds, "goal_state", self._goal_state)
        self.context = testing.Context(charm.LxdClusterCharm, unit_id=number, app_name="lxd")
        others = {int(n.split("/")[1]): d for n, d in app.databags.items() if n != unit.name}
        self.relation = testing.PeerRelation(
            PEER,
            peers_data={number: dict(data) for number, data in others.items()},
            local_unit_data=dict(app.databags[unit.name]),
            local_app_data=dict(app.app_data),
        )

    def _goal_state(self) -> GoalState:
        now = datetime.now(timezone.utc)
        goals = {
            name: Goal(status="dying" if name in self.app.leaving else "active", since=now)
            for name in self.app.units
        }
        return GoalState(units=goals, relations={})

    def state(self, **more: object) -> testing.State:
        """What Juju has for the unit."""
        values: dict[str, object] = {
            "leader": self.unit.name == self.app.leader,
            "relations": {self.relation},
            "networks": {
                testing.Network(name, [testing.BindAddress([testing.Address(self.unit.address)])])
                for name in (PEER, "https")
            },
            "planned_units": len(self.app.units),
            "resources": {testing.Resource(name="lxd-snap", path=os.devnull)},
        }
        return testing.State(**(values | more))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
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

    told = ops.BlockedStatus("storage-backend=zsf: use one of auto, btrfs, ceph, dir, lvm, zfs")
    assert (out.unit_status, out.app_status) == (told, told)


def test_an_empty_resource_is_no_resource(stage: Stage, tmp_path: Path):
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

    (cluster,) = app.clusters.values()
    assert sorted(cluster.members) == ["m0", "m1"]


@pytest.mark.parametrize("event", ["stop", "remove"])
def test_the_last_hooks_take_the_member_out_too(event: str, monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    stage.context.run(getattr(stage.context.on, event)(), stage.state())

    (cluster,) = app.clusters.values()
    assert "m2" not in cluster.members


def test_a_unit_that_cannot_leave_fails_its_hook_and_says_why(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    (cluster,) = app.clusters.values()
    cluster.volumes.append(Volume("default", "local", "data", "m2"))
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    with pytest.raises(testing.errors.UncaughtCharmError, match="default/local/data") as failure:
        stage.context.run(stage.context.on.stop(), stage.state())

    assert "juju config lxd on-remove=abandon, then juju resolved lxd/2" in str(failure.value)
    assert "m2" in cluster.members


def test_a_bad_option_keeps_no_unit_from_leaving(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    app.leaving.add("lxd/2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    stage.context.run(stage.context.on.stop(), stage.state(config={"storage-backend": "zsf"}))

    (cluster,) = app.clusters.values()
    assert "m2" not in cluster.members


@pytest.mark.parametrize("event", ["install", "start", "leader_elected", "config_changed"])
def test_every_event_does_the_same(stage: Stage, event: str):
    out = stage.context.run(getattr(stage.context.on, event)(), stage.state())

    assert out.unit_status == ops.ActiveStatus("member m0, voter")


def test_a_new_unit_tells_its_name_key_and_address(monkeypatch: pytest.MonkeyPatch):
    app = ModelApp()
    stage = Stage(app, app.add(0), monkeypatch)

    out = stage.context.run(stage.context.on.relation_created(stage.relation), stage.state())

    after = out.get_relation(stage.relation.id)
    assert isinstance(after, testing.PeerRelation)
    told = peers.load(peers.UnitData, after.local_unit_data)
    assert (told.name, told.address, told.able) == ("m0", "10.0.0.1", True)
    assert told.key
    assert out.opened_ports == {testing.TCPPort(8443)}
    assert out.workload_version == "5.21.3"


def test_what_juju_keeps_in_a_databag_stays(monkeypatch: pytest.MonkeyPatch):
    app = formed(1)
    app.databags["lxd/0"] |= {"ingress-address": "10.0.0.1", "attempt": "4"}
    app.units["lxd/0"].lxd.server_ = replace(app.units["lxd/0"].lxd.server_, version="5.21.4")
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    out = stage.context.run(stage.context.on.update_status(), stage.state())

    after = out.get_relation(stage.relation.id)
    assert isinstance(after, testing.PeerRelation)
    assert after.local_unit_data["ingress-address"] == "10.0.0.1"
    assert after.local_unit_data["lxd"] == '"5.21.4"'


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


def test_cluster_status_is_a_table_of_the_members(stage: Stage):
    stage.context.run(stage.context.on.action("cluster-status"), stage.state())

    results = stage.context.action_results
    assert results is not None
    assert results["table"].splitlines() == [
        "Unit   Member  Address   Roles     State   Version",
        "lxd/0  m0      10.0.0.1  database  ONLINE  5.21.3",
        "lxd/1  m1      10.0.0.2  database  ONLINE  5.21.3",
        "lxd/2  m2      10.0.0.3  database  ONLINE  5.21.3",
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
    action = stage.context.on.action("plan", params={"config": "{storage-backend: dir}"})

    stage.context.run(action, stage.state())

    results = stage.context.action_results
    assert results is not None
    assert "2. create the dir pool local-dir on m0, m1, m2" in results["plan"].splitlines()
    (cluster,) = stage.app.clusters.values()
    assert set(cluster.pools) == {"local"}


NO_OPTIONS = [
    ("zfs", "config is a YAML map of options, {storage-backend: zfs}"),
    ("{storage: zfs}", "config=storage: there is no such option"),
    ("{storage-backend: zsf}", "storage-backend=zsf: use one of"),
]


@pytest.mark.parametrize(("told", "why"), NO_OPTIONS)
def test_plan_refuses_what_are_no_options(stage: Stage, told: str, why: str):
    with pytest.raises(testing.ActionFailed, match=why):
        stage.context.run(stage.context.on.action("plan", params={"config": told}), stage.state())


def test_cluster_status_shows_the_pools(stage: Stage):
    stage.context.run(stage.context.on.action("cluster-status"), stage.state())

    results = stage.context.action_results
    assert results is not None
    assert results["pools"].splitlines() == [
        "Pool   Driver  State    Role     Used by",
        "local  btrfs   Created  default  1",
    ]


def test_cluster_status_shows_the_networks(stage: Stage):
    (cluster,) = stage.app.clusters.values()
    cluster.networks["old"] = replace(cluster.networks["lxdbr0"], name="old")
    cluster.on_networks["old"] = ["c1", "c2"]

    stage.context.run(stage.context.on.action("cluster-status"), stage.state())

    results = stage.context.action_results
    assert results is not None
    assert results["networks"].splitlines() == [
        "Network  Mode    State    Role     Instances",
        "lxdbr0   bridge  Created  default  0",
        "old      bridge  Created  left     2",
    ]


def test_a_pool_that_lxd_cannot_remove_now_fails_the_action(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    (cluster,) = stage.app.clusters.values()
    cluster.pools["old"] = replace(cluster.pools["local"], name="old")

    def silent(_: str) -> None:
        raise LxdUnreachable("no answer in time")

    monkeypatch.setattr(stage.unit.lxd, "delete_pool", silent)
    action = stage.context.on.action("remove-pool", params={"name": "old"})

    with pytest.raises(testing.ActionFailed, match="no answer in time"):
        stage.context.run(action, stage.state())


def with_storage(monkeypatch: pytest.MonkeyPatch, use: str) -> tuple[Stage, testing.Storage]:
    """A unit that Juju has given a device, which shows up as `use` says."""
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
        stage.relation, local_app_data={"bootstrap": '"lxd/0"', "version": "1"}
    )
    stage.context.run(stage.context.on.start(), stage.state(storages={storage}))

    assert stage.unit.lxd.sources == {"local": str(storage.get_filesystem(stage.context))}


@pytest.mark.parametrize(("use", "leaving"), [("", False), ("is in use", True)])
def test_a_device_is_given_back(monkeypatch: pytest.MonkeyPatch, use: str, leaving: bool):
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
    with pytest.raises(testing.ActionFailed, match="repeat with confirm=u1"):
        stage.context.run(on.action("wipe-device", params=params), stage.state())

    stage.context.run(on.action("wipe-device", params=params | {"confirm": "u1"}), stage.state())

    assert stage.context.action_results == {"result": "/dev/sdb held ext4 and is empty now"}
