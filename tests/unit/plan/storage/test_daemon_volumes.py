# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's images and backups on each member's own volumes."""

from __future__ import annotations

import pytest

import deadlines
from records import loss_record
from state.facts import Folder
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.cutting import Cutter, cut
from tests.unit.deeds import (
    api,
    heal,
    later,
    leaving,
    names,
    the_cluster,
    with_instance,
    with_pool,
    without,
)
from tests.unit.findings import notes
from tests.unit.model_units import ModelApp, formed

IMAGES = "lxd-cluster-images"


def volumes(app: ModelApp) -> list[str]:
    found = the_cluster(app).volumes.values()
    return sorted(f"{v.pool}/{v.name} on {v.location}" for v in found)


@pytest.fixture(params=NAMES)
def app(request: pytest.FixtureRequest) -> ModelApp:
    """Three members with a second pool."""
    return with_pool(formed(3, request.param), "fast")


def asked(app: ModelApp, pool: str) -> ModelApp:
    app.options["storage_images_volume"] = pool
    app.settle()
    return app


def images(app: ModelApp) -> list[str]:
    return [api(app, u).server.get().config.get("storage.images_volume", "") for u in app.units]


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


@pytest.mark.parametrize(("pool", "driver", "told"), UNUSABLE)
def test_a_pool_that_cannot_have_them_is_named(pool: str, driver: str, told: str):
    app = asked(with_pool(formed(3), "shared", driver), pool)

    assert {str(app.plan(unit).status) for unit in app.units} == {f"blocked: {told}"}
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


def places(app: ModelApp) -> list[str]:
    """The place of each member's images."""
    return [place(unit.server) for unit in app.units.values()]


def place(server: Server) -> str:
    """LXD 6.9 makes no link: its key names the volume, and its folder is empty then."""
    folder = server.files.folders()["images"]
    if "daemon_storage_per_project" in server.generation.extensions and not folder.volume:
        has = server.config.get("storage.images_volume", "")
        folder = Folder(has, cut_short=bool(has) and folder.filled)
    return f"{folder.volume}{' cut short' if folder.cut_short else ''}"


def test_a_move_that_failed_is_undone_and_told(app: ModelApp):
    """LXD leaves a link to the volume, and what it has not copied in another folder."""
    app.units["lxd/1"].server.full.add("fast")
    app.options["storage_images_volume"] = "fast"

    told = [str(app.hook("lxd/1").status) for _ in range(3)]

    assert all(status.startswith("blocked: could not keep LXD's images") for status in told)
    assert all("no space left" in status for status in told)


def test_a_move_that_failed_is_made_once_there_is_room(app: ModelApp):
    app.units["lxd/1"].server.full.add("fast")
    app.options["storage_images_volume"] = "fast"
    app.settle()
    assert "blocked" in str(app.hook("lxd/0").app_status or app.plan("lxd/0").app_status)

    app.units["lxd/1"].server.full.clear()
    app.settle()

    assert places(app) == images(app) == [f"fast/{IMAGES}"] * 3
    assert volumes(app) == [f"fast/{IMAGES} on m{n}" for n in range(3)]


def test_after_an_option_that_is_taken_back_a_move_that_failed_leaves_nothing(app: ModelApp):
    app.units["lxd/1"].server.full.add("fast")
    asked(app, "fast")

    asked(app, "")

    assert places(app) == images(app) == [""] * 3
    assert volumes(app) == []


def test_a_key_that_lxd_set_before_it_failed_is_not_a_proof(app: ModelApp):
    app.options["storage_images_volume"] = "local"
    server = app.units["lxd/1"].server
    by_hand.add_volume(server, "local", IMAGES)
    server.config["storage.images_volume"] = f"local/{IMAGES}"

    app.settle()

    assert places(app) == images(app) == [f"local/{IMAGES}"] * 3


def test_a_key_that_lxd_removed_before_it_failed_is_not_a_proof(app: ModelApp):
    asked(app, "fast")
    app.options["storage_images_volume"] = ""
    del app.units["lxd/1"].server.config["storage.images_volume"]

    app.settle()

    assert places(app) == images(app) == [""] * 3
    assert volumes(app) == []


def test_a_volume_that_a_killed_hook_left_is_emptied_and_goes(app: ModelApp):
    """Otherwise it would keep its pool from being deleted."""
    unit = app.units["lxd/1"]
    by_hand.add_volume(unit.server, "fast", IMAGES)

    app.settle()

    assert unit.machine.gathered == [f"fast/{IMAGES}"]
    assert volumes(app) == []


MOUNTING = ["zfs", "lvm"]
UNSEEN = f"fast/{IMAGES} is unmounted: export and delete it"


def unseen(generation: str, driver: str) -> ModelApp:
    """A volume on m1 that LXD does not use, and mounts only while it does."""
    app = with_pool(formed(3, generation), "fast", driver)
    by_hand.add_volume(app.units["lxd/1"].server, "fast", IMAGES)
    return app


@pytest.mark.parametrize("driver", MOUNTING)
@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("option", ["", "fast", "local"])
def test_a_volume_whose_content_nobody_sees_is_not_deleted(
    generation: str, driver: str, option: str
):
    """It may have the only copy of an image, and was deleted."""
    app = asked(unseen(generation, driver), option)

    assert f"fast/{IMAGES} on m1" in volumes(app)
    assert str(app.hook("lxd/1").status) == f"blocked: {UNSEEN}"
    assert str(app.hook("lxd/0").app_status) == f"blocked: lxd/1: {UNSEEN}"
    app.units["lxd/1"].ports.lxd.volumes.drop("fast", IMAGES)
    app.settle()
    assert images(app) == [f"{option}/{IMAGES}" if option else ""] * 3
    assert str(app.plan("lxd/0").app_status).startswith("active")


@pytest.mark.parametrize("driver", MOUNTING)
@pytest.mark.parametrize("generation", NAMES)
def test_nothing_is_tried_with_a_volume_whose_content_nobody_sees(generation: str, driver: str):
    """Otherwise the status would change in every hook."""
    app = unseen(generation, driver)

    plan = app.plan("lxd/1")

    assert plan.steps == ()
    assert str(plan.status) == f"blocked: {UNSEEN}"


def test_one_whose_content_nobody_sees_delays_nothing_else():
    app = unseen("5.21", "zfs")
    app.units["lxd/1"].zone = "rack-2"

    app.hook("lxd/1")

    assert the_cluster(app).rows["m1"].domain == "rack-2"


@pytest.mark.parametrize("generation", NAMES)
def test_one_whose_content_nobody_sees_holds_a_leaving_unit(generation: str):
    app = leaving(unseen(generation, "zfs"), "lxd/1")

    held = app.hook("lxd/1")

    assert UNSEEN in held.hold
    assert str(held.status) == f"blocked: lxd/1 cannot leave: {UNSEEN}"
    app.options["on_remove"] = "abandon"
    assert app.hook("lxd/1").hold == ""


@pytest.mark.parametrize("generation", NAMES)
def test_what_is_left_on_an_unused_volume_is_taken_along_before_a_unit_leaves(generation: str):
    app = leaving(unseen(generation, "dir"), "lxd/1")

    assert app.hook("lxd/1").hold == ""
    assert app.units["lxd/1"].machine.gathered == [f"fast/{IMAGES}"]


DROP = "DELETE /1.0/storage-pools/NAME/volumes/custom"


def moved(generation: str, driver: str) -> ModelApp:
    """LXD's images are on a volume of `fast`, and there is another pool."""
    app = with_pool(with_pool(formed(3, generation), "fast", driver), "other", driver)
    return asked(app, "fast")


def without_volume(generation: str) -> ModelApp:
    """The operator has taken the option back."""
    app = moved(generation, "zfs")
    app.options["storage_images_volume"] = ""
    return app


def refuse_deletions(app: ModelApp, unit: str) -> None:
    """As in "dataset is busy"."""
    failing = app.units[unit].server.machine

    def fault(machine: str, call: str) -> Fault:
        return "refuse" if machine == failing and call.startswith(DROP) else ""

    app.cloud.fault = fault


@pytest.mark.parametrize("driver", MOUNTING)
@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("option", ["", "other"])
def test_a_volume_that_lxd_moved_everything_from_goes_once_lxd_deletes_it(
    generation: str, driver: str, option: str
):
    app = moved(generation, driver)
    app.options["storage_images_volume"] = option
    refuse_deletions(app, "lxd/1")
    app.hook("lxd/1")
    assert f"fast/{IMAGES} on m1" in volumes(app)
    heal(app)

    app.settle()

    assert str(app.plan("lxd/1").status).startswith("active")
    assert f"fast/{IMAGES} on m1" not in volumes(app)
    assert app.units["lxd/1"].machine.moved_off() == frozenset()


@pytest.mark.parametrize("generation", NAMES)
def test_a_killed_hook_leaves_a_volume_that_lxd_moved_everything_from(generation: str):
    steps = Cutter()
    cut(without_volume(generation), "lxd/1", steps)
    deletion = next(n for n, what in enumerate(steps.steps, 1) if what.startswith("DELETE"))
    app = without_volume(generation)
    cut(app, "lxd/1", Cutter(deletion))
    assert f"fast/{IMAGES} on m1" in volumes(app)

    app.settle()

    assert volumes(app) == []
    assert str(app.plan("lxd/1").status).startswith("active")


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_leaves_although_its_volume_was_busy_once(generation: str):
    app = leaving(moved(generation, "zfs"), "lxd/1")
    refuse_deletions(app, "lxd/1")
    assert app.hook("lxd/1").hold
    heal(app)

    assert app.hook("lxd/1").hold == ""


@pytest.mark.parametrize("generation", NAMES)
def test_what_lxd_moves_onto_a_volume_again_is_not_known_to_be_elsewhere(generation: str):
    app = moved(generation, "zfs")
    machine = app.units["lxd/1"].machine
    machine.note_moved_off(f"other/{IMAGES}")

    asked(app, "other")

    assert machine.moved_off() == frozenset()
    assert f"other/{IMAGES} on m1" in volumes(app)


def test_what_an_operator_moves_is_left_to_the_operator(app: ModelApp):
    server = app.units["lxd/1"].server
    server.folders["images"] = Folder("local/mine", cut_short=True)

    app.settle()

    assert places(app)[1] == "local/mine cut short"


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
        told = str(lost.hook("lxd/2").status)

        assert told == f"blocked: LXD cannot start without fast/{IMAGES}: bring it back"

    def test_lxd_starts_without_the_volume_once_that_lasts(self, lost: ModelApp):
        lost.hook("lxd/2")
        later(lost, deadlines.UNRESPONSIVE)

        lost.settle()

        assert lost.units["lxd/2"].server.silence() is None
        assert images(lost)[2] == places(lost)[2] == ""
        told = "blocked: pool fast is not here: LXD cannot mount it; bring it back"
        assert str(lost.plan("lxd/2").status) == told
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

        told = str(app.hook("lxd/2").status)

        assert told.startswith("blocked: LXD cannot start without fast/mine")
        assert unit.server.config["storage.images_volume"] == "fast/mine"
        told = str(app.hook("lxd/0").app_status)
        assert told.startswith("blocked: lxd/2: LXD cannot start without fast/mine")


def test_a_move_without_links_that_was_cut_short_is_undone_and_made_again():
    """LXD 6.9 was killed: its key names the volume, and its folder has what was not copied."""
    app = asked(with_pool(formed(3, "6.9"), "fast"), "fast")
    server = app.units["lxd/1"].server
    server.folders["images"] = Folder(filled=True)

    app.settle()

    assert places(app) == [f"fast/{IMAGES}"] * 3
    assert server.folders["images"] == Folder()


def test_without_links_nothing_is_moved_again_and_again():
    app = asked(with_pool(formed(3, "6.9"), "fast"), "fast")

    assert [app.plan(unit).steps for unit in app.units] == [(), (), ()]
