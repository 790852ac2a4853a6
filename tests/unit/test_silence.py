"""What a unit says while its LXD does not answer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.model_units import formed
from view import Silence

SILENT = [
    (Silence.STOPPED, "blocked: LXD is not running here: snap start lxd, or see snap logs lxd"),
    (
        Silence.HUNG,
        "waiting: LXD is silent: snap restart lxd; without a quorum: run recover-quorum",
    ),
    (
        Silence.NO_DATABASE,
        "waiting: LXD's database has no quorum: bring members back or run recover-quorum",
    ),
]


@pytest.mark.parametrize(("kind", "status"), SILENT, ids=str)
def test_each_kind_of_silence_has_its_status(kind: Silence, status: str):
    app = formed(3)
    lxd = app.units["lxd/2"].lxd
    lxd.running, lxd.stopped = False, kind is Silence.STOPPED
    lxd.alive_ = kind is Silence.NO_DATABASE

    assert str(app.plan("lxd/2").status) == status


def test_a_member_with_another_snap_waits_for_the_others():
    app = formed(3)
    unit = app.units["lxd/2"]
    unit.snap.facts_ = replace(unit.snap.facts_, revision="101")
    unit.lxd.running, unit.lxd.alive_ = False, True

    assert str(app.plan("lxd/2").status) == "waiting: for the same LXD snap on lxd/0, lxd/1"


def test_a_member_whose_address_is_gone_says_so_though_lxd_is_silent():
    app = formed(3)
    app.units["lxd/2"].address = "10.0.0.99"
    app.units["lxd/2"].lxd.running = False

    assert str(app.plan("lxd/2").status) == (
        "blocked: the member's address is 10.0.0.3, the machine's 10.0.0.99: give it back"
    )


def test_the_published_name_is_the_members_whatever_the_machine_is_called():
    app = formed(3)
    unit = app.units["lxd/2"]
    unit.machine.name = "renamed"
    unit.lxd.running = False
    app.hook("lxd/2")

    assert app.own("lxd/2").name == "m2"


def test_three_failed_joins_ask_for_the_operator():
    app = formed(1)
    unit = app.add(1)
    unit.lxd.fail_join = "database is busy"
    for _ in range(8):
        for name in app.units:
            app.hook(name)

    assert str(app.plan("lxd/1").status) == (
        "blocked: 3 joins failed; run retry-join. The last: database is busy"
    )
    unit.lxd.fail_join = ""
    unit.machine.forget_failures()
    app.settle()
    assert app.own("lxd/1").cluster


def test_what_a_newer_charm_wrote_is_not_acted_upon():
    app = formed(3)
    app.add(3)
    app.databags["lxd/1"]["version"] = "2"

    plan = app.plan("lxd/0")

    assert str(plan.status) == "waiting: for the refresh of the charm: other units run a newer one"
    assert (plan.steps, plan.own, plan.app) == ((), None, None)
