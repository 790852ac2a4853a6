# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Moves of LXD's images onto a volume and back that fail, or that nobody sees the end of."""

from __future__ import annotations

import pytest

from state.facts import Folder
from tests.lxd_model import by_hand
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.unit.cutting import Cutter, cut
from tests.unit.daemon_volumes import IMAGES, asked, images, places, volumes
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    heal,
    leaving,
    the_cluster,
    with_pool,
)


@pytest.fixture(params=NAMES)
def app(request: pytest.FixtureRequest) -> ModelApp:
    """Three members with a second pool."""
    return with_pool(formed(3, request.param), "fast")


def test_a_move_that_failed_is_undone_and_reported(app: ModelApp):
    """LXD leaves a link to the volume, and what it has not copied in another folder."""
    app.units["lxd/1"].server.full.add("fast")
    app.options["storage_images_volume"] = "fast"

    unit_statuses = [str(app.hook("lxd/1").status) for _ in range(3)]

    assert all(
        status.startswith("blocked: could not keep LXD's images") for status in unit_statuses
    )
    assert all("no space left" in status for status in unit_statuses)


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
