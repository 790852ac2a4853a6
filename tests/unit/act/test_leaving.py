# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit leaves each generation of LXD: nothing is lost, and nothing stays stopped."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from lxd.errors import LxdError, LxdLate
from state.cluster import ClusterView
from tests.lxd_model import by_hand, generations, instances
from tests.lxd_model.cloud import Cloud, Fault
from tests.lxd_model.records import State
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    later,
    leaving,
    locations,
    names,
    server,
    the_cluster,
    with_instance,
    with_volume,
)

MOVE, START = "POST /1.0/instances/NAME", "PUT /1.0/instances/NAME/state"
LOOK = "GET /1.0/instances/NAME"
GPU = {"gpu0": {"type": "gpu"}}


@pytest.fixture(params=generations.NAMES)
def generation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@contextmanager
def failing(cloud: Cloud, call: str, fault: Fault = "refuse") -> Generator[None]:
    def fault_of(machine: str, asked: str) -> Fault:
        del machine
        return fault if asked == call else ""

    before, cloud.fault = cloud.fault, fault_of
    try:
        yield
    finally:
        cloud.fault = before


class Killed(BaseException):
    """The hook is killed."""


@contextmanager
def killed(cloud: Cloud, call: str, time: int) -> Generator[None]:
    """The hook is killed at the pause of that number in a call: before it, after it, and so on."""
    before, seen = cloud.pause, [0]

    def pause(seconds: float, what: str) -> None:
        seen[0] += what == call
        if what == call and seen[0] == time:
            raise Killed
        before(seconds, what)

    cloud.pause = pause
    try:
        with suppress(Killed):
            yield
    finally:
        cloud.pause = before


def running(app: ModelApp) -> dict[str, bool]:
    return {i.name: i.running for i in the_cluster(app).instances.values()}


def nothing_stopped(app: ModelApp) -> bool:
    return app.cloud.stopped == []


def test_all_it_has_moves_and_runs_as_it_ran(generation: str):
    app = with_instance(with_instance(formed(3, generation), "m2"), "m2", name="c2")
    by_hand.create(server(app, "m2"), "c3")
    leaving(app, "lxd/2")

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]
    assert locations(app) == {"c1": "m0", "c2": "m1", "c3": "m0"}
    assert running(app) == {"c1": True, "c2": True, "c3": False}


def test_what_somebody_starts_meanwhile_is_shut_down_and_runs_where_it_goes(generation: str):
    """Between the list and the move: LXD 5.21 and later would kill it, and leave it stopped."""
    app = formed(3, generation)
    by_hand.create(server(app, "m2"), "c1")
    leaving(app, "lxd/2")
    pause = app.cloud.pause

    def starting(seconds: float, what: str) -> None:
        if what == LOOK:
            app.cloud.pause = pause
            instances.start(server(app, "m2"), ("default", "c1"))
        pause(seconds, what)

    app.cloud.pause = starting
    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]
    assert running(app) == {"c1": True}
    assert nothing_stopped(app)


def test_two_of_three_leave_at_once_and_the_cluster_shrinks_to_one(generation: str):
    app = with_instance(with_instance(formed(3, generation), "m1"), "m2", name="c2")
    leaving(app, "lxd/1", "lxd/2")

    assert app.hook("lxd/2").hold == ""
    app.remove("lxd/2")
    later(app, 60.0)
    assert app.hook("lxd/1").hold == ""

    assert (names(app), locations(app)) == (["m0"], {"c1": "m0", "c2": "m0"})
    assert running(app) == {"c1": True, "c2": True}


def test_what_lxd_would_not_migrate_holds_before_anything_is_stopped(generation: str):
    app = with_instance(formed(3, generation), "m2")
    by_hand.launch(server(app, "m2"), "c2", devices=GPU)
    by_hand.launch(server(app, "m2"), "c3", ephemeral=True)
    leaving(app, "lxd/2")

    hold = app.hook("lxd/2").hold

    assert "default/c2: gpu gpu0 cannot move" in hold
    assert "default/c3: is ephemeral" in hold
    assert running(app) == {"c1": True, "c2": True, "c3": True}
    assert set(locations(app).values()) == {"m2"}
    assert nothing_stopped(app)
    assert "lxd/2 cannot leave: default/c2" in str(app.plan("lxd/0").app_status)


def test_abandon_leaves_behind_only_what_cannot_move(generation: str):
    app = with_volume(with_instance(formed(3, generation), "m2"), "m2")
    by_hand.launch(server(app, "m2"), "c2", devices=GPU)
    app.options["on_remove"] = "abandon"
    leaving(app, "lxd/2")

    assert app.hook("lxd/2").hold == ""
    assert (names(app), locations(app)) == (["m0", "m1"], {"c1": "m0"})
    assert running(app) == {"c1": True}


@pytest.mark.parametrize("on_remove", ["evacuate", "abandon"])
def test_what_fails_runs_again_here_and_is_named(generation: str, on_remove: str):
    app = with_instance(formed(3, generation), "m2")
    app.options["on_remove"] = on_remove
    leaving(app, "lxd/2")
    with failing(app.cloud, MOVE):
        hold = app.hook("lxd/2").hold

    assert "default/c1: could not be moved" in hold
    assert (locations(app), running(app)) == ({"c1": "m2"}, {"c1": True})
    if on_remove == "evacuate":
        assert "lxd/2 cannot leave: default/c1: POST /1.0/" in str(app.plan("lxd/0").app_status)
    assert app.hook("lxd/2").hold == ""
    assert locations(app) == {"c1": "m0"}


def test_what_fails_for_good_is_abandoned_after_the_second_hook(generation: str):
    app = with_instance(with_instance(formed(3, generation), "m2"), "m2", name="c2")
    app.options["on_remove"] = "abandon"
    leaving(app, "lxd/2")
    with failing(app.cloud, MOVE):
        assert app.hook("lxd/2").hold
        assert names(app) == ["m0", "m1", "m2"]
        assert app.hook("lxd/2").hold == ""

    assert names(app) == ["m0", "m1"]


def test_an_instance_whose_operation_does_not_end_holds_no_other(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    """It is large, or its disk hangs. The others move, and nothing gives it up."""
    app = formed(3, generation)
    for name in ("a", "b"):
        with_instance(app, "m2", name=name)
    leaving(app, "lxd/2")
    instances = app.units["lxd/2"].ports.lxd.instances
    move, start = instances.move, instances.start

    def starts(project: str, name: str) -> None:
        if name == "a":
            raise LxdLate("no answer in time")
        start(project, name)

    def hangs(project: str, name: str, target: str, *, live: bool) -> None:
        if name == "a":
            raise LxdLate("LXD needed over 3600 s")
        move(project, name, target, live=live)

    def refuses(project: str, name: str, target: str, *, live: bool) -> None:
        raise LxdError("input/output error")

    monkeypatch.setattr(instances, "move", hangs)
    monkeypatch.setattr(instances, "start", starts)
    reasons = [app.hook("lxd/2").hold for _ in range(2)]

    assert all("default/a: LXD still moves it, see lxc operation list" in hold for hold in reasons)
    assert locations(app)["b"] in ("m0", "m1")
    assert running(app)["b"]

    app.options["on_remove"] = "abandon"
    statuses = {str(app.hook("lxd/2").status) for _ in range(4)}
    (status,) = statuses
    assert status == "waiting: to leave: default/a: LXD still moves it, see lxc operation list"
    assert "m2" in names(app)

    # The operator ends the operation, and then it cannot be moved at all.
    monkeypatch.setattr(instances, "move", refuses)
    for _ in range(2):
        app.hook("lxd/2")
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("call", [MOVE, START])
@pytest.mark.parametrize("time", range(1, 5))
def test_a_hook_that_is_killed_leaves_nothing_stopped(generation: str, call: str, time: int):
    app = with_instance(formed(3, generation), "m2")
    leaving(app, "lxd/2")
    with killed(app.cloud, call, time):
        app.hook("lxd/2")
    later(app, 60.0)
    if "m2" in names(app):
        assert app.hook("lxd/2").hold == ""

    assert (names(app), locations(app)) == (["m0", "m1"], {"c1": "m0"})
    assert running(app) == {"c1": True}


@pytest.mark.parametrize("call", [MOVE, START])
def test_an_answer_that_is_lost_loses_nothing(generation: str, call: str):
    app = with_instance(formed(3, generation), "m2")
    leaving(app, "lxd/2")
    with failing(app.cloud, call, "lost"):
        assert app.hook("lxd/2").hold
    later(app, 60.0)

    assert app.hook("lxd/2").hold == ""
    assert (locations(app), running(app)) == ({"c1": "m0"}, {"c1": True})


def test_what_an_operator_stops_later_is_not_started_again(generation: str):
    app = with_volume(with_instance(formed(3, generation), "m2"), "m2")
    leaving(app, "lxd/2")
    the_cluster(app).volumes.clear()
    with killed(app.cloud, "DELETE /1.0/cluster/members/NAME", 1):
        app.hook("lxd/2")
    assert locations(app) == {"c1": "m0"}
    app.units["lxd/0"].ports.lxd.instances.stop("default", "c1", 30)

    assert app.hook("lxd/2").hold == ""
    assert running(app) == {"c1": False}


def test_a_member_that_somebody_evacuated_leaves_and_what_lxd_stopped_runs(generation: str):
    app = with_instance(formed(3, generation), "m2")
    by_hand.launch(server(app, "m2"), "c2", devices=GPU)
    by_hand.evacuate(server(app, "m2"))
    assert running(app) == {"c1": True, "c2": False}
    leaving(app, "lxd/2")

    assert "default/c2: gpu gpu0 cannot move" in app.hook("lxd/2").hold
    instances = the_cluster(app).instances
    stopped = instances["default", "c2"]
    # The model does not have LXD's key for instances that ran when they were stopped.
    config = {**stopped.config, "volatile.last_state.power": "RUNNING"}
    instances["default", "c2"] = replace(stopped, devices={}, config=config)

    assert app.hook("lxd/2").hold == ""
    assert running(app) == {"c1": True, "c2": True}


def test_what_fails_on_an_evacuated_member_runs_again_there_where_lxd_can(generation: str):
    """LXD starts nothing on an evacuated member: 5.0 cannot end that and leave what has moved."""
    app = with_instance(formed(3, generation), "m2")
    the_cluster(app).rows["m2"].state = State.EVACUATED
    leaving(app, "lxd/2")

    with failing(app.cloud, MOVE):
        hold = app.hook("lxd/2").hold

    assert "default/c1: could not be moved" in hold
    assert locations(app) == {"c1": "m2"}
    assert running(app) == {"c1": generation != "5.0"}


def test_an_image_that_only_the_leaver_has_is_copied(generation: str):
    app = formed(3, generation, images_replicas=1)
    by_hand.add_image(server(app, "m2"), "ab" * 32)
    leaving(app, "lxd/2")

    assert app.hook("lxd/2").hold == ""
    (image,) = the_cluster(app).images.values()
    assert image.copies & {"m0", "m1"}
    app.remove("lxd/2")
    app.leaving.clear()
    app.settle()
    assert the_cluster(app).config["cluster.images_minimal_replica"] == "1"


def test_a_bucket_holds_its_member():
    app = formed(3, "5.21")
    by_hand.add_bucket(server(app, "m2"), "local", "b1")
    leaving(app, "lxd/2")

    assert "bucket default/local/b1: copy its objects" in app.hook("lxd/2").hold
    app.options["on_remove"] = "abandon"
    assert app.hook("lxd/2").hold == ""


def test_buckets_of_a_dead_member_are_on_record():
    app = formed(3, "5.21")
    by_hand.add_bucket(server(app, "m2"), "local", "b1")
    server(app, "m2").power_off()
    app.remove("lxd/2")
    later(app, 40.0)
    app.settle()

    assert names(app) == ["m0", "m1"]
    assert "lost with m2: bucket default/local/b1" in str(app.plan("lxd/0").app_status)


def test_when_the_application_goes_what_is_in_the_cluster_holds(generation: str):
    app = with_instance(formed(3, generation), "m0")
    leaving(app, "lxd/0", "lxd/1", "lxd/2")

    assert "default/c1: no other member can take it" in app.hook("lxd/0").hold
    assert app.hook("lxd/2").hold == ""
    later(app, 60.0)
    assert app.hook("lxd/1").hold == ""
    assert names(app) == ["m0"]
    assert "default/c1: no other member can take it" in app.hook("lxd/0").hold
    app.options["on_remove"] = "abandon"
    assert app.hook("lxd/0").hold == ""


def test_when_the_application_goes_an_empty_cluster_holds_nobody(generation: str):
    app = leaving(formed(3, generation, min_voters=3), "lxd/0", "lxd/1", "lxd/2")

    assert [app.hook(unit).hold for unit in app.units] == ["", "", ""]


def test_options_are_applied_while_a_unit_is_held(generation: str):
    app = leaving(with_volume(formed(3, generation), "m2"), "lxd/2")
    assert app.hook("lxd/2").hold
    app.options["images_replicas"] = 2
    for unit in ("lxd/0", "lxd/1", "lxd/0", "lxd/1"):
        app.hook(unit)

    assert the_cluster(app).config["cluster.images_minimal_replica"] == "2"


class TestEvacuated:
    """LXD calls a member evacuated, whether it is on or off."""

    def app(self, member: str, generation: str, *, off: bool) -> ModelApp:
        app = formed(3, generation)
        by_hand.evacuate(server(app, member))
        if off:
            server(app, member).power_off()
            later(app, 60.0)
        return app

    def test_one_that_is_off_and_last_in_the_queue_makes_no_tokens(self, generation: str):
        app = self.app("m2", generation, off=True)
        app.add(3)
        for _ in range(6):
            for unit in ("lxd/0", "lxd/1", "lxd/3"):
                app.hook(unit)

        assert app.own("lxd/3").cluster
        assert "offline: m2" in str(app.plan("lxd/0").app_status)

    @pytest.mark.parametrize("member", ["m0", "m2"])
    def test_one_that_is_on_does_not_keep_options_from_being_applied(
        self, generation: str, member: str
    ):
        app = self.app(member, generation, off=False)
        app.options["images_replicas"] = 2
        for _ in range(2):
            for unit in app.units:
                app.hook(unit)

        assert the_cluster(app).config["cluster.images_minimal_replica"] == "2"

    def test_one_that_is_off_is_removed_with_its_unit(self, generation: str):
        app = self.app("m2", generation, off=True)
        app.remove("lxd/2")
        app.hook("lxd/0")
        assert names(app) == ["m0", "m1", "m2"]
        later(app, 120.0)
        app.hook("lxd/0")

        assert names(app) == ["m0", "m1"]
        assert isinstance(app.view("lxd/0").lxd, ClusterView)
