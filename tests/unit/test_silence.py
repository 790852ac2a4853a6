"""What a unit says while its LXD does not answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deadlines import SILENCE
from peers import VERSION
from tests.lxd_model.generations import NAMES
from tests.unit.deeds import fail, heal, later
from tests.unit.model_units import ModelApp, formed


def stopped(app: ModelApp) -> None:
    app.units["lxd/2"].server.kill_daemon()


def hung(app: ModelApp) -> None:
    app.units["lxd/2"].server.freeze()


def without_quorum(app: ModelApp) -> None:
    for unit in ("lxd/0", "lxd/1"):
        app.units[unit].server.power_off()
    later(app, 60.0)


def started_without_quorum(app: ModelApp) -> None:
    without_quorum(app)
    app.units["lxd/2"].server.restart()
    later(app, 10.0)


NOT_RUNNING = "blocked: LXD is not running here: snap start lxd, or see snap logs lxd"
NO_QUORUM = "waiting: LXD's database has no quorum: bring members back or run recover-quorum"
HANGS = "waiting: LXD hangs: snap restart --reload lxd, or see the docs, How to recover"
SILENT = [
    (stopped, NOT_RUNNING, NOT_RUNNING),
    (hung, "waiting: for LXD, which is silent", HANGS),
    (without_quorum, "waiting: for LXD's database, which does not answer", NO_QUORUM),
    (started_without_quorum, "waiting: for LXD, which is starting", NO_QUORUM),
]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("falls_silent", "first", "lasting"), SILENT)
def test_each_kind_of_silence_has_its_status(
    falls_silent: Callable[[ModelApp], None], first: str, lasting: str, generation: str
):
    app = formed(3, generation)
    falls_silent(app)

    assert str(app.hook("lxd/2").status) == first
    later(app, SILENCE + 1)
    assert str(app.hook("lxd/2").status) == lasting


@pytest.mark.parametrize("generation", NAMES)
def test_a_silence_that_is_over_is_forgotten(generation: str):
    app = formed(3, generation)
    hung(app)
    app.hook("lxd/2")
    app.units["lxd/2"].server.thaw()
    later(app, SILENCE + 1)
    assert str(app.hook("lxd/2").status) == "active: member m2, voter"
    hung(app)

    assert str(app.hook("lxd/2").status) == "waiting: for LXD, which is silent"


def test_a_member_with_another_snap_waits_for_the_others():
    app = formed(3)
    unit = app.units["lxd/2"]
    without_quorum(app)
    unit.snap.facts_ = replace(unit.snap.facts_, revision="101")

    assert str(app.plan("lxd/2").status) == "waiting: for the same LXD snap on lxd/0, lxd/1"


@pytest.mark.parametrize(("before", "after"), [("5.0", "5.21.7"), ("5.21", "6.9")])
def test_a_member_with_another_version_waits_for_the_others(before: str, after: str):
    app = formed(3, before)
    unit = app.units["lxd/2"]
    unit.server.kill_daemon()
    unit.server.version = after
    unit.server.start_daemon()
    unit.machine.log = "Wait for other cluster members to align their versions"
    later(app, 10.0)
    theirs = app.units["lxd/0"].server.version

    assert str(app.plan("lxd/2").status) == (
        f"waiting: for LXD {after} on lxd/0 ({theirs}), lxd/1 ({theirs})"
    )


def test_a_member_whose_address_is_gone_says_so_though_lxd_is_silent():
    app = formed(3)
    app.units["lxd/2"].address = "10.0.0.99"
    app.units["lxd/2"].server.freeze()

    assert str(app.plan("lxd/2").status) == (
        "blocked: the member's address is 10.0.0.3, the machine's 10.0.0.99: give it back"
    )


def test_the_published_name_is_the_members_whatever_the_machine_is_called():
    app = formed(3)
    unit = app.units["lxd/2"]
    unit.server.hostname = "renamed"
    unit.server.freeze()
    app.hook("lxd/2")

    assert app.own("lxd/2").name == "m2"


@pytest.mark.parametrize("generation", NAMES)
def test_three_failed_joins_ask_for_the_operator(generation: str):
    app = formed(1, generation)
    unit = app.add(1)
    fail(app, "lxd/1", "PUT /1.0/cluster")
    for _ in range(8):
        for name in app.units:
            app.hook(name)

    assert str(app.plan("lxd/1").status) == (
        "blocked: 3 joins failed; run retry-join. The last: PUT /1.0/cluster was refused"
    )
    heal(app)
    unit.machine.forget_failures()
    app.settle()
    assert app.own("lxd/1").cluster


def test_what_a_newer_charm_wrote_is_not_acted_upon():
    app = formed(3)
    app.add(3)
    app.databags["lxd/1"]["version"] = str(VERSION + 1)

    plan = app.plan("lxd/0")

    assert str(plan.status) == "waiting: for the refresh of the charm: other units run a newer one"
    assert (plan.steps, plan.own, plan.app) == ((), None, None)
