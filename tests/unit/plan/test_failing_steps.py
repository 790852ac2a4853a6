# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A step that fails for good does not hold what does not need it, and the statuses name it."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

import deadlines
from steps.networks import EndOverlayDhcp
from steps.plan import untried
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.plan.test_going_back import started
from tests.unit.scenarios import fail, later, names, server, the_cluster

A, B, C, D = (EndOverlayDhcp(name) for name in "abcd")


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        pytest.param((), ((A, B), (C, D)), id="none failed"),
        pytest.param((B,), ((A,), (C, D)), id="the rest of its group is left out"),
        pytest.param((A, D), ((C,),), id="a group without steps is left out"),
    ],
)
def test_the_rest_of_a_group_is_not_tried(
    failed: tuple[EndOverlayDhcp, ...], expected: tuple[tuple[EndOverlayDhcp, ...], ...]
):
    groups = ((A, B), (), (C, D))

    assert untried(groups, [str(step) for step in failed]) == expected


def no_package(packages: Iterable[str]) -> None:
    """Apt cannot install them."""
    del packages
    raise OSError("E: Unable to locate package nftables")


def without_packages(generation: str, more: int = 0) -> ModelApp:
    """Members whose new vxlan network needs a program that their machines cannot install."""
    app = started("bridge", generation)
    for number in range(3, 3 + more):
        app.add(number).machine.interfaces_ = app.units["lxd/0"].machine.interfaces_
    app.settle()
    for unit in app.units.values():
        unit.machine.install = no_package
    app.options |= {"network_mode": "vxlan", "network_parent": "eth0"}
    hooks(app)
    return app


def hooks(app: ModelApp, rounds: int = 6) -> None:
    """Hooks of all units, with time between them."""
    for _ in range(rounds):
        for name in list(app.units):
            app.hook(name)
        later(app, 30)


@pytest.mark.parametrize("generation", NAMES)
def test_options_are_applied_though_dhcp_cannot_be_installed(generation: str):
    app = without_packages(generation)

    app.options |= {"cluster_offline_threshold": 60}
    hooks(app)

    assert the_cluster(app).config["cluster.offline_threshold"] == "60"
    assert "nftables" in str(app.hook("lxd/1").status)


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_joins_though_dhcp_cannot_be_installed(generation: str):
    app = without_packages(generation)

    new = app.add(3)
    new.machine.interfaces_ = app.units["lxd/0"].machine.interfaces_
    new.machine.install = no_package
    hooks(app, 12)

    assert "m3" in names(app)


@pytest.mark.parametrize("generation", NAMES)
def test_a_dead_member_is_removed_though_dhcp_cannot_be_installed(generation: str):
    app = without_packages(generation, more=1)

    server(app, "m3").power_off()
    app.remove("lxd/3")
    hooks(app, 12)

    assert "m3" not in names(app)


@pytest.mark.parametrize("generation", NAMES)
def test_the_application_says_that_dhcp_cannot_be_installed(generation: str):
    app = without_packages(generation)

    status = str(app.hook("lxd/0").app_status)
    assert status == "waiting: lxd/1: Unable to locate package nftables"


@pytest.mark.parametrize(
    ("call", "options"),
    [
        ("POST /1.0/networks", {"networks": "{bad: bridge}"}),
        ("POST /1.0/storage-pools/NAME/volumes/custom", {"storage_images_volume": "local"}),
    ],
)
@pytest.mark.parametrize("generation", NAMES)
def test_what_lxd_refuses_does_not_hold_other_options(
    generation: str, call: str, options: dict[str, str]
):
    app = fail(formed(3, generation), "lxd/0", call)

    app.options |= {**options, "cluster_offline_threshold": 60, "storage_pools": "fast: dir"}
    hooks(app)

    assert the_cluster(app).config["cluster.offline_threshold"] == "60"
    assert "fast" in the_cluster(app).pools
    assert "refused" in str(app.hook("lxd/0").status)


def test_a_pool_whose_size_changed_does_not_hold_a_new_one():
    app = formed(3, storage_pools="{one: {backend: btrfs, size: 5GiB}}")

    app.options["storage_pools"] = "{one: {backend: btrfs, size: 6GiB}, two: dir}"
    app.settle()

    assert "two" in the_cluster(app).pools
    assert str(app.plan("lxd/0").status).startswith("blocked: storage-pools: one was made")


@pytest.mark.parametrize("generation", NAMES)
def test_a_hook_does_not_wait_for_each_group_while_lxd_completes_no_change(generation: str):
    app = formed(3, generation)
    app.options |= {
        "cluster_offline_threshold": 60,
        "networks": "{seg0: bridge, seg1: bridge, seg2: bridge}",
        "storage_pools": "{fast: dir}",
    }
    app.cloud.fault = lambda _, call: "" if call.startswith("GET") else "timeout"
    before = app.cloud.now

    app.hook("lxd/0")

    assert app.cloud.now - before < 2 * deadlines.CHANGE


def test_a_reason_that_differs_each_time_is_published_once():
    app = without_packages("5.21")
    numbers = iter(range(100))

    def unreachable(packages: Iterable[str]) -> None:
        del packages
        raise OSError(f"Could not connect to 91.189.91.{next(numbers)}:80")

    app.units["lxd/1"].machine.install = unreachable
    app.hook("lxd/1")
    before = dict(app.databags["lxd/1"])
    app.hook("lxd/1")

    assert app.databags["lxd/1"] == before


def test_another_step_that_fails_is_published():
    """The first one succeeds by now: its report must not stand for the other one."""
    app = formed(2, networks="{seg0: bridge}")
    earlier = "could not create the bridge network seg0: LXD says no"
    app.databags["lxd/0"]["problem"] = json.dumps(earlier)
    fail(app, "lxd/0", "POST /1.0/networks")

    app.options["networks"] = "{seg0: bridge, seg1: bridge}"
    for name in ("lxd/1", "lxd/0"):
        app.hook(name)

    assert app.own("lxd/0").problem.startswith("could not create the bridge network seg1")
