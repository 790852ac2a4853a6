# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Options changed on a running cluster: what is applied, what is refused, what waits."""

from __future__ import annotations

from typing import Any

import pytest

from modes import MARK
from options.options import Options
from plan.server import settings
from plan.server.settings import SETTINGS, Setting
from state.peers import Storage
from steps.networks import CreateNetwork, PinNics, SetDefaultProfile, UpdateNetwork
from steps.plan import Step
from steps.server import SetServerConfig
from tests.lxd_model.generations import NAMES
from tests.lxd_model.keys import local_keys
from tests.unit.findings import nic
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, the_cluster, without

APPLIED: list[tuple[dict[str, Any], tuple[Step, ...]]] = [
    ({"images_replicas": -1}, (SetServerConfig({"cluster.images_minimal_replica": "-1"}),)),
    (
        {"cluster_offline_threshold": 30},
        (SetServerConfig({"cluster.offline_threshold": "30"}),),
    ),
    (
        {"network_nat": False},
        (UpdateNetwork("lxdbr0", {"ipv4.nat": "false", "ipv6.nat": "false"}),),
    ),
    (
        {"network_ipv4": "10.5.0.1/24", "network_ipv6": "none"},
        (UpdateNetwork("lxdbr0", {"ipv4.address": "10.5.0.1/24", "ipv6.address": "none"}),),
    ),
    (
        {"network_name": "br7", "network_ipv4": "none", "network_ipv6": "none"},
        (
            CreateNetwork(
                "br7",
                "bridge",
                {"ipv4.address": "none", "ipv6.address": "none", MARK: "bridge"},
                {"m0": {}, "m1": {}, "m2": {}},
            ),
            PinNics({"network": "lxdbr0"}),
            SetDefaultProfile("local", {"network": "br7"}),
        ),
    ),
    (
        {"network_mode": "none"},
        (PinNics({"network": "lxdbr0"}), SetDefaultProfile("local", {})),
    ),
]


def test_each_key_that_all_share_is_tried():
    steps = [step for _, made in APPLIED for step in made if isinstance(step, SetServerConfig)]

    shared = {row.key for row in SETTINGS if not row.of_member}
    assert {key for step in steps for key in step.values} == shared


@pytest.mark.parametrize(("options", "steps"), APPLIED)
def test_a_change_is_planned_by_the_coordinator_alone(
    options: dict[str, Any], steps: tuple[Step, ...]
):
    app = formed(3)
    app.options = options
    for other in ("lxd/1", "lxd/2"):
        app.hook(other)

    assert app.plan("lxd/0").steps == steps
    assert app.plan("lxd/1").steps == ()


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.key)
@pytest.mark.parametrize("generation", NAMES)
def test_each_member_sets_the_keys_that_lxd_has_for_each_member(generation: str, row: Setting):
    assert row.of_member == (row.key in local_keys(generation))


@pytest.mark.parametrize("generation", NAMES)
def test_a_key_of_a_member_is_set_by_each_member(monkeypatch: pytest.MonkeyPatch, generation: str):
    row = settings.Setting("core.debug_address", _port, of_member=True)
    monkeypatch.setattr(settings, "SETTINGS", (*SETTINGS, row))
    app = formed(3, generation)
    app.options = {"min_voters": 3}

    app.hook("lxd/1")
    assert [_debug(app, unit) for unit in app.units] == ["", ":8444", ""]
    app.settle()
    assert [_debug(app, unit) for unit in app.units] == [":8444"] * 3
    app.options = {}
    app.settle()
    assert [_debug(app, unit) for unit in app.units] == [""] * 3


def _port(options: Options) -> str:
    return ":8444" if options.min_voters == 3 else ""


def _debug(app: ModelApp, unit: str) -> str:
    return app.units[unit].server.config.get("core.debug_address", "")


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("options", "_"), APPLIED)
def test_an_applied_change_is_done_once(options: dict[str, Any], _: object, generation: str):
    app = formed(3, generation)
    app.options = options
    app.settle()

    assert app.plan("lxd/0").steps == ()


def test_the_first_in_the_queue_that_is_online_is_the_coordinator():
    app = formed(3)
    without(app, "m0")
    app.options = {"images_replicas": -1}

    plan = app.plan("lxd/1")

    assert str(plan.status) == "waiting: to apply the options until m0 is back"


def test_what_was_resolved_once_stays():
    app = formed(1, storage_backend="auto")
    app.units["lxd/0"].server.drivers = frozenset({"zfs", "dir"})

    app.add(1)
    app.settle()

    assert app.app().storage == Storage(backend="btrfs", pool="local")


def test_a_deleted_network_is_made_again():
    app = formed(3)
    profile = api(app).profiles.default()
    root = {"root": profile["devices"]["root"]}
    api(app).profiles.set_default({**profile, "devices": root})
    api(app).networks.delete("lxdbr0")

    app.settle()

    assert set(the_cluster(app).networks) == {"lxdbr0"}
    assert nic(app) == {"network": "lxdbr0"}


def test_a_coordinator_whose_address_has_moved_changes_nothing_for_all():
    app = formed(3)
    app.units["lxd/0"].address = app.units["lxd/0"].server.address = "10.0.0.99"
    app.options = {"images_replicas": -1, "storage_backend": "dir"}

    plan = app.plan("lxd/0")

    assert plan.status.message.startswith("this machine's address changed from 10.0.0.1 to")
    assert not any("images_minimal_replica" in str(step) for step in plan.steps)
    assert plan.own is not None
    assert plan.own.call is None
