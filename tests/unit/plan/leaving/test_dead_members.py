# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What is in a Ceph survives its member: it moves before the dead member is removed."""

from __future__ import annotations

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    cluster_api,
    fail,
    heal,
    later,
    names,
    notes,
    server,
    with_pool,
    without,
)

ON_CEPH = {"root": {"type": "disk", "path": "/", "pool": "shared"}}


@pytest.fixture(params=NAMES)
def app(request: pytest.FixtureRequest) -> ModelApp:
    """The machine of m3 is dead and its unit gone. One of its two instances was in a Ceph."""
    app = with_pool(formed(4, request.param), "shared", "ceph")
    by_hand.launch(server(app, "m3"), "c1", devices=ON_CEPH)
    by_hand.launch(server(app, "m3"), "c2")
    without(app, "m3").remove("lxd/3")
    return app


def locations(app: ModelApp) -> dict[str, str]:
    return {i.name: i.location for i in cluster_api(app).instances.list()}


def test_what_is_in_a_ceph_is_moved_and_the_rest_is_on_record(app: ModelApp):
    app.settle()

    assert locations(app) == {"c1": "m0"}
    assert names(app) == ["m0", "m1", "m2"]
    status = str(app.plan("lxd/0").app_status)
    assert status == "blocked: lost with m3: default/c2; run forget-lost name=m3"


def test_it_is_not_started(app: ModelApp):
    """Its machine may be cut off, and not dead: two instances that write to one disk destroy it."""
    app.settle()

    (moved,) = cluster_api(app).instances.list()
    assert not moved.running


def test_where_it_is_refused_the_member_stays_and_the_status_says_why(app: ModelApp):
    fail(app, "lxd/0", "POST /1.0/instances/NAME")
    app.settle()

    assert names(app) == ["m0", "m1", "m2", "m3"]
    status = str(app.hook("lxd/0").app_status)
    assert status.startswith("blocked: m3 is dead and still has default/c1: ")
    assert status.endswith("was refused")

    heal(app)
    later(app, 300.0).settle()
    assert locations(app) == {"c1": "m0"}
    assert names(app) == ["m0", "m1", "m2"]


def test_where_it_is_refused_the_operator_may_give_it_up(app: ModelApp):
    app.options["on_remove"] = "abandon"
    fail(app, "lxd/0", "POST /1.0/instances/NAME")
    app.hook("lxd/0")
    app.hook("lxd/0")
    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert "default/c1" in str(app.plan("lxd/0").app_status)


@pytest.mark.parametrize("on_remove", ["evacuate", "abandon"])
def test_it_waits_for_an_evacuated_member_that_could_take_it(app: ModelApp, on_remove: str):
    app.options["on_remove"] = on_remove
    cluster_api(app).members.close("m1")
    cluster_api(app).members.close("m2")
    by_hand.evacuate(server(app, "m0"))
    app.settle()

    assert names(app) == ["m0", "m1", "m2", "m3"]
    status = str(app.plan("lxd/0").app_status)
    restore = "m0 could take it: lxc cluster restore m0"
    assert status == f"blocked: m3 is dead and still has default/c1: {restore}"

    by_hand.restore(server(app, "m0"))
    later(app, 100.0).settle()
    assert locations(app) == {"c1": "m0"}
    assert names(app) == ["m0", "m1", "m2"]


def test_it_is_not_given_up_after_one_refusal(app: ModelApp):
    app.options["on_remove"] = "abandon"
    fail(app, "lxd/0", "POST /1.0/instances/NAME")
    status = str(app.hook("lxd/0").app_status)

    assert "m3" in names(app)
    assert status.startswith("blocked: m3 is dead and still has default/c1: ")

    heal(app)
    app.settle()
    assert locations(app) == {"c1": "m0"}
    assert names(app) == ["m0", "m1", "m2"]
    assert not [key for key in notes(app) if key.startswith("unmoved.") and notes(app)[key]]


def test_it_is_given_up_at_once_if_no_member_could_take_it(app: ModelApp):
    app.options["on_remove"] = "abandon"
    for member in ("m0", "m1", "m2"):
        cluster_api(app).members.close(member)
    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert "default/c1" in str(app.plan("lxd/0").app_status)


def test_nothing_is_removed_if_lxd_does_not_list_what_is_there(app: ModelApp):
    fail(app, "lxd/0", "GET /1.0/instances")
    app.settle()

    assert "m3" in names(app)


@pytest.mark.parametrize("generation", NAMES)
def test_an_operators_volume_that_is_called_like_the_charms_is_lost(generation: str):
    app = formed(3, generation)
    by_hand.add_volume(server(app, "m2"), "local", "lxd-cluster-dumps")
    without(app, "m2").remove("lxd/2")

    for _ in range(4):
        later(app, 100.0).settle()

    assert "lost with m2: volume default/local/l" in str(app.plan("lxd/0").app_status)


@pytest.mark.parametrize("generation", NAMES)
def test_one_that_must_stay_keeps_no_other_one(generation: str):
    app = with_pool(formed(5, generation), "shared", "ceph")
    by_hand.launch(server(app, "m3"), "c1", devices=ON_CEPH)
    without(app, "m3", "m4")
    app.remove("lxd/3")
    app.remove("lxd/4")
    fail(app, "lxd/0", "POST /1.0/instances/NAME")

    for _ in range(4):
        later(app, 300.0).settle()

    assert names(app) == ["m0", "m1", "m2", "m3"]
    assert str(app.hook("lxd/0").app_status).startswith("blocked: m3 is dead and still has")


def refreshed(app: ModelApp, member: str, version: str) -> None:
    """`snap refresh` by hand on one machine: LXD there waits for the others."""
    there = server(app, member)
    there.kill_daemon()
    there.version = version
    there.start_daemon()
    app.cloud.now = there.ready + 1


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_a_dead_one_that_the_others_wait_for_with_a_newer_lxd_is_removed(generation: str):
    app = formed(3, generation)
    refreshed(app, "m2", "6.10")
    without(app, "m2").remove("lxd/2")

    app.settle()

    assert names(app) == ["m0", "m1"]
    assert str(app.plan("lxd/0").app_status).startswith("active")


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_does_it_if_juju_s_leader_never_joined(generation: str):
    app = with_pool(formed(4, generation), "shared", "ceph")
    by_hand.launch(server(app, "m3"), "c1", devices=ON_CEPH)
    by_hand.launch(server(app, "m3"), "c2")
    outside = app.add(4)
    outside.server.drivers = frozenset()
    app.leader = "lxd/4"
    app.settle()
    assert not app.own("lxd/4").cluster

    without(app, "m3").remove("lxd/3")
    for _ in range(4):
        later(app, 100.0).settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert locations(app) == {"c1": "m0"}
    lost = "blocked: lost with m3: default/c2; run forget-lost name=m3"
    assert str(app.plan("lxd/0").status) == lost
    assert {str(app.plan(f"lxd/{n}").status)[:6] for n in (1, 2)} == {"active"}


def test_a_member_does_it_if_the_lxd_of_juju_s_leader_hangs():
    app = formed(4)
    app.units["lxd/0"].server.freeze()
    for _ in range(2):
        later(app, 300.0).settle()
    without(app, "m3").remove("lxd/3")
    for _ in range(4):
        later(app, 100.0).settle()

    assert names(app) == ["m0", "m1", "m2"]


def test_a_member_does_it_if_the_lxd_of_juju_s_leader_hung_when_the_unit_went():
    """The leader forgot the unit's place at once, before its LXD had been silent for long."""
    app = formed(4)
    app.units["lxd/0"].server.freeze()
    app.hook("lxd/0")
    without(app, "m3").remove("lxd/3")
    app.hook("lxd/0")
    assert not app.app().delegated

    for _ in range(5):
        later(app, 300.0).settle()

    assert names(app) == ["m0", "m1", "m2"]


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_a_member_does_it_while_the_lxd_of_juju_s_leader_waits_for_one_version(generation: str):
    """LXD calls all members blocked, also those that answer."""
    app = formed(4, generation)
    refreshed(app, "m0", "6.10")
    later(app, 100.0).settle()
    without(app, "m3").remove("lxd/3")

    for _ in range(5):
        later(app, 300.0).settle()

    assert names(app) == ["m0", "m1", "m2"]


def test_a_leader_that_is_about_to_join_hands_nothing_over():
    app = formed(2)
    app.add(2)
    app.leader = "lxd/2"
    app.hook("lxd/2")

    assert not app.app().delegated
