# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members are evacuated and leave: what moves, what holds, what is given up, on real LXD."""

from __future__ import annotations

import json

import pytest

from tests.bench.containers import all_run, any_node, bring_image, containers, launch
from tests.bench.drive import leave
from tests.bench.units import BenchApp

pytestmark = pytest.mark.long

FOLDER = ("disk", "source=/etc", "path=/mnt")


def members(app: BenchApp) -> list[str]:
    return [m.name for m in next(iter(app.units.values())).lxd.members.list()]


def test_two_of_three_leave_at_once_with_two_containers_each(trio: BenchApp):
    for number in range(4):
        launch(trio, f"c{number}", f"m{1 + number % 2}")
    trio.options["on_remove"] = "abandon"
    leave(trio, "lxd/1", "lxd/2")

    assert members(trio) == ["m0"]
    assert set(all_run(trio, "c0", "c1", "c2", "c3").values()) == {"m0"}


def test_a_folder_of_the_machine_holds_and_is_left_behind(trio: BenchApp):
    launch(trio, "c1", "m2")
    launch(trio, "c2", "m2")
    any_node(trio).lxc("config", "device", "add", "c2", "etc", *FOLDER)
    trio.leaving.add("lxd/2")

    assert "default/c2: disk etc cannot move" in trio.hook("lxd/2").hold
    assert all_run(trio, "c1", "c2") == {"c1": "m2", "c2": "m2"}
    trio.options["on_remove"] = "abandon"
    leave(trio, "lxd/2")

    assert list(containers(trio)) == ["c1"]
    assert members(trio) == ["m0", "m1"]


def test_the_operator_says_that_it_can_do_without(trio: BenchApp):
    launch(trio, "c1", "m2")
    any_node(trio).lxc("config", "device", "add", "c1", "etc", *FOLDER)
    any_node(trio).lxc("config", "set", "c1", "cluster.evacuate=migrate")
    leave(trio, "lxd/2")

    assert all_run(trio, "c1")["c1"] in {"m0", "m1"}


def test_an_ephemeral_container_is_not_deleted(trio: BenchApp):
    launch(trio, "c1", "m2", "--ephemeral")
    trio.leaving.add("lxd/2")

    assert "default/c1: is ephemeral" in trio.hook("lxd/2").hold
    assert all_run(trio, "c1") == {"c1": "m2"}


def test_the_only_copy_of_an_image_is_copied(trio: BenchApp):
    trio.options["images_replicas"] = 1
    for unit in trio.units:
        trio.hook(unit)
    bring_image(trio)
    # It is moved to the first member: that one leaves.
    leave(trio, "lxd/0")

    launch(trio, "c1", "m1")
    assert all_run(trio, "c1") == {"c1": "m1"}
    for unit in list(trio.units):
        trio.hook(unit)
    server = json.loads(any_node(trio).lxc("query", "/1.0"))
    assert server["config"]["cluster.images_minimal_replica"] == "1"


def test_one_that_was_evacuated_by_hand_leaves(trio: BenchApp):
    launch(trio, "c1", "m2")
    launch(trio, "c2", "m2")
    any_node(trio).lxc("config", "set", "c2", "cluster.evacuate=stop")
    path, body = "/1.0/cluster/members/m2/state", json.dumps({"action": "evacuate"})
    any_node(trio).lxc("query", "--wait", "-X", "POST", path, "-d", body)
    assert containers(trio)["c2"].running is False
    trio.leaving.add("lxd/2")
    assert "default/c2: cluster.evacuate=stop" in trio.hook("lxd/2").hold
    any_node(trio).lxc("config", "unset", "c2", "cluster.evacuate")
    leave(trio, "lxd/2")

    assert "m2" not in all_run(trio, "c1", "c2").values()


def test_when_the_application_goes_what_it_holds_keeps_it(trio: BenchApp):
    launch(trio, "c0", "m0")
    trio.leaving |= set(trio.units)
    assert "default/c0: no other member can take it" in trio.hook("lxd/0").hold
    assert trio.hook("lxd/2").hold == ""
    assert trio.hook("lxd/1").hold == ""
    assert "default/c0: no other member can take it" in trio.hook("lxd/0").hold
    assert all_run(trio, "c0") == {"c0": "m0"}
