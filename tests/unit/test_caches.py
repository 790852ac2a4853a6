"""LXD's images and backups on volumes of each member's own."""

from __future__ import annotations

from dataclasses import replace

import pytest

import lost
from tests.unit.deeds import leaving, the_cluster, with_instance, without
from tests.unit.model_units import ModelApp, formed
from view import Pool

IMAGES = "lxd-cluster-images"


def volumes(app: ModelApp) -> list[str]:
    return sorted(f"{v.pool}/{v.name} on {v.location}" for v in the_cluster(app).volumes)


def with_pool(name: str, driver: str = "dir") -> ModelApp:
    app = formed(3)
    the_cluster(app).pools[name] = Pool(name, driver, "Created", frozenset())
    return app


def asked(app: ModelApp, pool: str) -> ModelApp:
    app.options["storage_images_volume"] = pool
    app.settle()
    return app


def images(app: ModelApp) -> list[str]:
    return [u.lxd.server().config.get("storage.images_volume", "") for u in app.units.values()]


def test_every_member_has_a_volume_of_its_own():
    app = asked(with_pool("fast"), "fast")

    assert images(app) == [f"fast/{IMAGES}"] * 3
    assert volumes(app) == [f"fast/{IMAGES} on m{n}" for n in range(3)]


def test_one_that_joins_later_has_its_own():
    app = asked(with_pool("fast"), "fast")
    app.add(3)
    app.settle()

    assert images(app) == [f"fast/{IMAGES}"] * 4


def test_on_another_pool_the_old_volume_goes():
    app = asked(with_pool("fast"), "fast")

    asked(app, "local")

    assert images(app) == [f"local/{IMAGES}"] * 3
    assert volumes(app) == [f"local/{IMAGES} on m{n}" for n in range(3)]


def test_taken_back_no_volume_stays():
    app = asked(asked(with_pool("fast"), "fast"), "")

    assert images(app) == [""] * 3
    assert volumes(app) == []


def test_both_can_be_asked_for():
    app = with_pool("fast")
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
    app = asked(with_pool("shared", driver), pool)

    assert {str(app.plan(unit).status) for unit in app.units} == {f"blocked: {told}"}
    assert volumes(app) == []


def test_a_pool_that_is_to_be_made_is_waited_for():
    app = formed(3)
    the_cluster(app).members["m2"] = replace(the_cluster(app).members["m2"], status="OFFLINE")

    app.options |= {"storage_pools": "fast: dir", "storage_images_volume": "fast"}

    assert str(app.plan("lxd/1").status) == "waiting: for the pool fast"


def test_a_volume_of_the_operators_is_left_alone():
    app = with_pool("fast")
    for unit in app.units.values():
        unit.lxd.keep_on("storage.images_volume", "local", "mine")

    asked(asked(app, "fast"), "")

    assert volumes(app) == [f"local/mine on m{n}" for n in range(3)]


def test_it_keeps_no_unit_from_leaving():
    app = asked(with_pool("fast"), "fast")

    plan = leaving(app, "lxd/1").hook("lxd/1")

    assert not plan.hold
    assert volumes(app) == [f"fast/{IMAGES} on m0", f"fast/{IMAGES} on m2"]


def test_a_member_that_is_held_keeps_it():
    app = with_instance(asked(with_pool("fast"), "fast"), "m1", "stop")

    plan = leaving(app, "lxd/1").hook("lxd/1")

    assert plan.hold
    assert f"fast/{IMAGES} on m1" in volumes(app)


def test_what_is_lost_with_a_dead_member_does_not_name_it():
    app = asked(with_pool("fast"), "fast")
    without(app, "m1").remove("lxd/1")

    app.settle()

    assert sorted(the_cluster(app).members) == ["m0", "m2"]
    assert lost.read(the_cluster(app).notes) == {}
