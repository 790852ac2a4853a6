# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Problems that end by themselves: the unit waits, and the application's status says so."""

from __future__ import annotations

import pytest

from lxd.errors import LxdError
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving, locations, names, the_cluster, with_instance
from values import transient_errors

BUSY = 'Failed creating instance update operation: Instance is busy running a "start" operation'
NO_EVENTS = "Missing event connection with target cluster member"
NO_CONNECTION = 'Post "https://10.0.0.2:8443/1.0/instances": read tcp 10.0.0.3:41234: EOF'
REFUSALS = [
    (BUSY, True),
    ("Instance is busy running a create operation", True),
    ("Failed to leave: a configuration change is already in progress (5)", True),
    ("Cannot evacuate while another cluster member evacuation is in progress", True),
    (NO_EVENTS, True),
    (NO_CONNECTION, True),
    ("dial tcp 10.0.0.2:8443: connect: connection refused", True),
    ("read tcp 10.0.0.1:8443->10.0.0.2:48868: read: connection timed out", True),
    ("dial tcp 10.0.0.9:6641: connect: connection refused", False),
    ("The pool is busy", False),
    ("Member is not empty", False),
]


@pytest.mark.parametrize(("refusal", "passes"), REFUSALS)
def test_only_what_is_known_to_pass_passes(refusal: str, passes: bool):
    assert transient_errors.passes(refusal) == passes


def busy(app: ModelApp, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Somebody starts an instance that the change needs."""

    def refuse(*arguments: object, **options: object) -> None:
        raise LxdError(BUSY)

    for unit in app.units.values():
        monkeypatch.setattr(unit.ports.lxd.networks, method, refuse)


@pytest.mark.parametrize("leader", ["lxd/0", "lxd/1"])
def test_a_change_that_waits_for_a_busy_instance_is_waiting_for_all(
    leader: str, monkeypatch: pytest.MonkeyPatch
):
    app = with_instance(formed(3), "m1")
    app.leader = leader
    with monkeypatch.context() as patch:
        busy(app, patch, "pin_nics")
        app.options["network_mode"] = "vxlan"
        for unit in [*app.units, *app.units]:
            app.hook(unit)
        plans = {unit: app.hook(unit) for unit in app.units}

    assert str(plans["lxd/0"].status).startswith("waiting: could not keep instances on lxdbr0")
    status = str(plans[leader].app_status)
    assert status.startswith("waiting: ")
    assert 'busy running a "start" operation' in status

    app.settle()
    assert str(app.plan(leader).app_status) == "active: 3 members, 3 voters"


@pytest.mark.parametrize("refusal", [BUSY, NO_CONNECTION])
@pytest.mark.parametrize("on_remove", ["evacuate", "abandon"])
def test_what_a_leaver_cannot_move_for_the_moment_is_waited_for_and_never_given_up(
    on_remove: str, refusal: str, monkeypatch: pytest.MonkeyPatch
):
    app = leaving(with_instance(with_instance(formed(3), "m2"), "m2", name="c2"), "lxd/2")
    app.options["on_remove"] = on_remove
    instances = app.units["lxd/2"].ports.lxd.instances
    move = instances.move

    def refuse(project: str, name: str, target: str, *, live: bool) -> None:
        if name == "c1":
            raise LxdError(refusal)
        move(project, name, target, live=live)

    with monkeypatch.context() as patch:
        patch.setattr(instances, "move", refuse)
        plans = [app.hook("lxd/2") for _ in range(4)]

    assert all(plan.hold for plan in plans)
    assert str(plans[-1].status).startswith("waiting: to leave: default/c1")
    assert locations(app)["c1"] == "m2"
    assert locations(app)["c2"] != "m2"

    assert app.hook("lxd/2").hold == ""
    assert names(app) == ["m0", "m1"]


def test_an_instance_whose_new_member_has_just_started_runs_again(monkeypatch: pytest.MonkeyPatch):
    """LXD issue 8394: a member forwards nothing to one from which it has no events yet."""
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    instances = app.units["lxd/2"].ports.lxd.instances

    def refuse(project: str, name: str) -> None:
        raise LxdError(NO_EVENTS)

    with monkeypatch.context() as patch:
        patch.setattr(instances, "start", refuse)
        app.hook("lxd/2")
    for _ in range(3):
        app.hook("lxd/2")
    app.remove("lxd/2")
    app.settle()

    assert names(app) == ["m0", "m1"]
    assert all(instance.running for instance in the_cluster(app).instances.values())
    assert str(app.plan("lxd/0").app_status).startswith("active")
