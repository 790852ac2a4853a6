# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances through LXD's API."""

from __future__ import annotations

import pytest

from lxd import parsing
from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from lxd.http import Request, api_path
from state.lxd_objects import Instance
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each, faulty

KEY = ("default", "c1")


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members; the second one has a running instance."""
    servers = clustered(request.param)
    LxdApi(servers[0].lxd).pools.create("fast", "dir", {}, each(servers))
    by_hand.launch(servers[1], "c1", "stop")
    return servers


def only_instance(lxd: LxdApi) -> Instance:
    (instance,) = lxd.instances.list()
    return instance


def test_instances_of_all_members_are_listed(lxd: LxdApi):
    instance = only_instance(lxd)

    assert (instance.project, instance.name, instance.location) == ("default", "c1", "m1")
    assert (instance.evacuate, instance.running, instance.type) == ("stop", True, "container")


def test_hardly_anything_is_known_of_a_member_that_is_silent(servers: list[Server], lxd: LxdApi):
    servers[1].power_off()
    servers[0].cloud.now += 40

    instance = only_instance(lxd)

    assert (instance.name, instance.location, instance.running) == ("c1", "m1", False)
    assert instance.evacuate == "auto"


@pytest.mark.parametrize(
    ("status", "unknown"), [("Error", True), ("Running", False), ("Stopped", False)]
)
def test_lxd_may_not_know_whether_an_instance_runs(status: str, unknown: bool):
    row = {"project": "default", "name": "v1", "location": "m1", "status": status}

    instance = parsing.instance(row)

    assert (instance.unknown, instance.running) == (unknown, status == "Running")


@pytest.mark.parametrize(
    "status", ["Starting", "Stopping", "Aborting", "Freezing", "Frozen", "Thawed", "Ready"]
)
def test_an_instance_with_processes_must_be_stopped_before_a_move(status: str):
    row = {"project": "default", "name": "c1", "location": "m1", "status": status}

    assert parsing.instance(row).running


def test_an_instance_may_be_protected():
    row = {"project": "default", "name": "v1", "location": "m1", "status": "Stopped"}
    config = {"security.protection.delete": "true"}

    assert parsing.instance({**row, "expanded_config": config}).undeletable
    assert not parsing.instance(row).undeletable


@pytest.mark.parametrize(("autostart", "starts"), [("", True), ("true", True), ("false", False)])
def test_a_daemon_may_start_what_ran_last(autostart: str, starts: bool):
    row = {"project": "default", "name": "c1", "location": "m1", "status": "Stopped"}
    config = {"volatile.last_state.power": "RUNNING", "boot.autostart": autostart}

    instance = parsing.instance({**row, "expanded_config": config})

    assert (instance.stopped_by_lxd, instance.starts) == (True, starts)


def test_an_instance_is_stopped_moved_and_started(servers: list[Server], lxd: LxdApi):
    lxd.instances.stop("default", "c1", 30)
    assert not only_instance(lxd).running

    lxd.instances.move("default", "c1", "m2", live=False)
    assert lxd.instances.location("default", "c1") == "m2"

    lxd.instances.start("default", "c1")
    assert only_instance(lxd).running


def test_lxd_kills_what_runs_when_it_moves_it_and_only_an_old_one_starts_it_again(
    servers: list[Server], lxd: LxdApi
):
    """So the charm must not move what runs: LXD refuses nothing (instance_post.go)."""
    lxd.instances.move("default", "c1", "m2", live=False)

    instance = only_instance(lxd)
    assert instance.location == "m2"
    assert instance.running == (not servers[0].generation.modern)


def test_what_is_not_there_is_nowhere(lxd: LxdApi, servers: list[Server]):
    assert lxd.instances.location("default", "c2") == ""
    with pytest.raises(LxdError, match="not found"):
        lxd.instances.start("default", "c2")

    faulty(servers[0], "GET /1.0/instances/NAME", "refuse")
    with pytest.raises(LxdError):
        lxd.instances.location("default", "c1")


def test_an_instance_that_does_not_shut_down_is_stopped_hard(servers: list[Server], lxd: LxdApi):
    asked: list[str] = []

    def refuses(_: str, call: str) -> Fault:
        if call != "PUT /1.0/instances/NAME/state":
            return ""
        asked.append(call)
        return "refuse" if len(asked) == 1 else ""

    servers[0].cloud.fault = refuses

    lxd.instances.stop("default", "c1", 30)

    assert len(asked) == 2
    assert not only_instance(lxd).running


def test_a_stop_whose_error_means_nothing_is_a_stop(servers: list[Server], lxd: LxdApi):
    lxd.instances.stop("default", "c1", 30)
    faulty(servers[0], "PUT /1.0/instances/NAME/state", "refuse")

    lxd.instances.stop("default", "c1", 30)

    assert not only_instance(lxd).running


def test_what_is_under_way_with_an_instance_is_waited_for(servers: list[Server], lxd: LxdApi):
    lxd.instances.stop("default", "c1", 30)
    before = servers[0].cloud.now
    move = {"name": "c1", "migration": True, "live": False}
    path = api_path("instances", "c1")
    servers[0].lxd.send(Request("POST", path, {"target": "m2"}, move), 5)

    lxd.instances.settle("default", "c2", 60)
    assert lxd.instances.location("default", "c1") == "m1"

    lxd.instances.settle("default", "c1", 60)
    assert lxd.instances.location("default", "c1") == "m2"
    assert servers[0].cloud.now - before < 10


def test_whether_something_is_under_way_may_be_unknown(servers: list[Server], lxd: LxdApi):
    servers[0].freeze()

    with pytest.raises(LxdUnreachable):
        lxd.instances.settle("default", "c1", 5)
