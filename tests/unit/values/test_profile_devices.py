# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's changes of the default profile's devices, and the operator's keys that stay."""

from __future__ import annotations

from typing import Any

import pytest

from lxd.errors import LxdError
from steps.networks import SetDefaultProfile
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, cluster_api, the_cluster
from values import profile_devices

ROOT = {"size": "20GiB", "limits.read": "10MB"}
NIC = {"security.mac_filtering": "true", "limits.ingress": "1Gbit"}


@pytest.fixture(params=NAMES)
def app(request: pytest.FixtureRequest) -> ModelApp:
    """A cluster whose operator limited root disks and filters nics in the default profile."""
    app = formed(3, request.param)
    profiles = api(app).profiles
    profile = profiles.default()
    devices: dict[str, Any] = profile["devices"]
    own = {"root": {**devices["root"], **ROOT}, "eth0": {**devices["eth0"], **NIC}}
    gpu = {"type": "gpu"}
    profiles.set_default({**profile, "devices": {**own, "gpu": gpu}, "config": {"user.a": "b"}})
    app.settle()
    return app


CHANGES = [
    {"network_mode": "vxlan"},
    {"network_name": "other"},
    {"storage_backend": "dir"},
    {"network_mode": "vxlan", "storage_backend": "dir"},
]


@pytest.mark.parametrize("options", CHANGES, ids=str)
def test_what_an_operator_added_survives_another_network_or_pool(
    app: ModelApp, options: dict[str, str]
):
    before = the_cluster(app).profile.devices

    changed(app, **options)

    profile = the_cluster(app).profile
    assert profile.devices != before
    assert ROOT.items() <= profile.devices["root"].items()
    assert NIC.items() <= profile.devices["eth0"].items()
    assert profile.devices["gpu"] == {"type": "gpu"}
    assert profile.config == {"user.a": "b"}


def test_a_device_of_another_name_that_is_the_root_disk_is_used():
    devices = {"disk0": {"type": "disk", "path": "/", "pool": "old", "size": "5GiB"}}

    found = profile_devices.with_root(devices, "new")

    assert found == {"disk0": {"type": "disk", "path": "/", "pool": "new", "size": "5GiB"}}


def test_a_nic_keeps_nothing_of_the_place_that_it_leaves():
    nic = {"type": "nic", "name": "net0", "nictype": "macvlan", "parent": "eth1", "vlan": "7"}

    found = profile_devices.with_nic({"eth0": {**nic, "boot.priority": "1"}}, {"network": "lan"})

    kept = {"type": "nic", "name": "net0", "boot.priority": "1"}
    assert found == {"eth0": {**kept, "network": "lan"}}


def test_without_a_network_the_profile_has_no_nic():
    assert profile_devices.with_nic({"eth0": {"type": "nic", "limits.max": "1"}}, {}) == {}


def test_a_key_that_lxd_does_not_take_on_the_new_network_is_named(
    app: ModelApp, monkeypatch: pytest.MonkeyPatch
):
    """LXD refuses security.mac_filtering for a macvlan nic. The operator must remove the key."""
    from act import step
    from state.view import RunHistory

    ports = app.units["lxd/0"].ports
    invalid = 'Device validation failed for "eth0": Invalid device option "security.mac_filtering"'

    def refuse(profile: object) -> None:
        raise LxdError(invalid)

    monkeypatch.setattr(ports.lxd.profiles, "set_default", refuse)
    with pytest.raises(step.StepFailed) as failed:
        step.act(SetDefaultProfile("local", {"network": "x"}), "lxd/0", ports, RunHistory())

    assert "lxc profile device unset default eth0 security.mac_filtering" in failed.value.reason
    assert cluster_api(app).profiles.default()["devices"]["eth0"]["network"] == "lxdbr0"
