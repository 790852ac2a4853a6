# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's images and backups on each member's own volumes."""

from __future__ import annotations

import pytest

import deadlines
from records import loss_record
from tests.lxd_model.generations import NAMES
from tests.unit.daemon_volumes import IMAGES, asked, images, places, volumes
from tests.unit.findings import notes
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    later,
    leaving,
    names,
    with_instance,
    with_pool,
    without,
)


@pytest.fixture(params=NAMES)
def app(request: pytest.FixtureRequest) -> ModelApp:
    """Three members with a second pool."""
    return with_pool(formed(3, request.param), "fast")


def test_every_member_has_a_volume_of_its_own(app: ModelApp):
    asked(app, "fast")

    assert images(app) == [f"fast/{IMAGES}"] * 3
    assert volumes(app) == [f"fast/{IMAGES} on m{n}" for n in range(3)]


def test_one_that_joins_later_has_its_own(app: ModelApp):
    asked(app, "fast")
    app.add(3)
    app.settle()

    assert images(app) == [f"fast/{IMAGES}"] * 4


def test_on_another_pool_the_old_volume_goes(app: ModelApp):
    asked(app, "fast")

    asked(app, "local")

    assert images(app) == [f"local/{IMAGES}"] * 3
    assert volumes(app) == [f"local/{IMAGES} on m{n}" for n in range(3)]


def test_taken_back_no_volume_stays(app: ModelApp):
    asked(asked(app, "fast"), "")

    assert images(app) == [""] * 3
    assert volumes(app) == []


def test_both_can_be_asked_for(app: ModelApp):
    app.options["storage_backups_volume"] = "local"
    asked(app, "fast")

    assert "local/lxd-cluster-backups on m1" in volumes(app)
    assert f"fast/{IMAGES} on m1" in volumes(app)


UNUSABLE = [
    ("nowhere", "dir", "storage-images-volume=nowhere: use one of local, shared"),
    ("shared", "ceph", "storage-images-volume=shared: use one of local"),
]


@pytest.mark.parametrize(("pool", "driver", "reason"), UNUSABLE)
def test_a_pool_that_cannot_have_them_is_named(pool: str, driver: str, reason: str):
    app = asked(with_pool(formed(3), "shared", driver), pool)

    assert {str(app.plan(unit).status) for unit in app.units} == {f"blocked: {reason}"}
    assert volumes(app) == []


def test_a_pool_that_is_to_be_made_is_waited_for():
    app = without(formed(3), "m2")

    app.options |= {"storage_pools": "fast: dir", "storage_images_volume": "fast"}

    assert str(app.plan("lxd/1").status) == "waiting: for the pool fast"


def test_a_volume_of_the_operators_is_left_alone(app: ModelApp):
    for unit in app.units.values():
        unit.ports.lxd.volumes.keep_on("storage.images_volume", "local", "mine")

    asked(asked(app, "fast"), "")

    assert volumes(app) == [f"local/mine on m{n}" for n in range(3)]


def test_it_keeps_no_unit_from_leaving(app: ModelApp):
    asked(app, "fast")

    plan = leaving(app, "lxd/1").hook("lxd/1")

    assert not plan.hold
    assert volumes(app) == [f"fast/{IMAGES} on m0", f"fast/{IMAGES} on m2"]


def test_a_member_that_is_held_keeps_it(app: ModelApp):
    with_instance(asked(app, "fast"), "m1", "stop")

    plan = leaving(app, "lxd/1").hook("lxd/1")

    assert plan.hold
    assert f"fast/{IMAGES} on m1" in volumes(app)


def test_what_is_lost_with_a_dead_member_does_not_name_it(app: ModelApp):
    asked(app, "fast")
    without(app, "m1").remove("lxd/1")

    app.settle()

    assert names(app) == ["m0", "m2"]
    assert loss_record.read(notes(app)) == {}


class TestGoneDevice:
    """After a reboot the device with LXD's images is gone: its daemon ends when it starts."""

    @pytest.fixture
    def lost(self, app: ModelApp) -> ModelApp:
        asked(app, "fast")
        with_instance(app, "m2")
        unit = app.units["lxd/2"].server
        unit.unmounted.add("fast")
        unit.restart()
        return later(app, 30.0)

    def test_the_status_says_why_lxd_does_not_start(self, lost: ModelApp):
        status = str(lost.hook("lxd/2").status)

        assert status == f"blocked: LXD cannot start without fast/{IMAGES}: bring it back"

    def test_lxd_starts_without_the_volume_once_that_lasts(self, lost: ModelApp):
        lost.hook("lxd/2")
        later(lost, deadlines.UNRESPONSIVE)

        lost.settle()

        assert lost.units["lxd/2"].server.silence() is None
        assert images(lost)[2] == places(lost)[2] == ""
        status = "blocked: pool fast is not here: LXD cannot mount it; bring it back"
        assert str(lost.plan("lxd/2").status) == status
        assert str(lost.plan("lxd/0").app_status).startswith("blocked: lxd/2: pool fast")
        assert f"fast/{IMAGES} on m2" in volumes(lost)

    def test_what_was_on_it_is_taken_along_when_it_is_back(self, lost: ModelApp):
        lost.hook("lxd/2")
        later(lost, deadlines.UNRESPONSIVE)
        lost.settle()

        lost.units["lxd/2"].server.unmounted.clear()
        lost.settle()

        assert lost.units["lxd/2"].machine.gathered == [f"fast/{IMAGES}"]
        assert places(lost) == images(lost) == [f"fast/{IMAGES}"] * 3
        assert str(lost.plan("lxd/0").app_status) == "active: 3 members, 3 voters"

    def test_one_that_leaves_need_not_wait(self, lost: ModelApp):
        lost.leader = "lxd/0"
        lost.options["on_remove"] = "abandon"

        holds = [leaving(lost, "lxd/2").hook("lxd/2").hold for _ in range(3)]

        assert holds[-1] == ""
        assert names(lost) == ["m0", "m1"]

    def test_a_volume_of_the_operators_is_not_touched(self, app: ModelApp):
        unit = app.units["lxd/2"]
        unit.ports.lxd.volumes.keep_on("storage.images_volume", "fast", "mine")
        unit.server.unmounted.add("fast")
        unit.server.restart()
        later(app, 30.0).hook("lxd/2")
        later(app, deadlines.UNRESPONSIVE)

        status = str(app.hook("lxd/2").status)

        assert status.startswith("blocked: LXD cannot start without fast/mine")
        assert unit.server.config["storage.images_volume"] == "fast/mine"
        status = str(app.hook("lxd/0").app_status)
        assert status.startswith("blocked: lxd/2: LXD cannot start without fast/mine")
