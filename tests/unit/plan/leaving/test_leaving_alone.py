# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A leaving unit whose LXD is in no cluster: its data go with the machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lxd.api import LxdApi
from plan.leaving.removal import plan_removal
from state.cluster import ClusterView
from state.lxd_objects import Image
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit import views
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving
from tests.unit.views import data, peers


def with_own_lxd(generation: str) -> ModelApp:
    """A unit that never joined, and must leave. Its LXD is in no cluster."""
    app = formed(2, generation)
    app.add(2)
    app.hook("lxd/2")
    LxdApi(app.units["lxd/2"].server.lxd).pools.create("mine", "dir", {}, {})
    return leaving(app, "lxd/2")


def _volume(server: Server) -> None:
    by_hand.add_volume(server, "mine", "data")


def _in_project(server: Server) -> None:
    by_hand.add_project(server, "blue", {"features.storage.volumes": "true"})
    by_hand.add_volume(server, "mine", "data", "blue")


def _bucket(server: Server) -> None:
    by_hand.add_bucket(server, "mine", "b")


def _image(server: Server) -> None:
    by_hand.add_image(server, "a" * 64)


def _instance(server: Server) -> None:
    by_hand.launch(server, "c1")


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    ("make", "named"),
    [
        (_volume, "volume default/mine/data"),
        (_in_project, "volume blue/mine/data"),
        (_bucket, "bucket default/mine/b"),
        (_image, "image default/aaaaaaaaaaaa"),
        (_instance, "default/c1"),
    ],
    ids=["volume", "of a project", "bucket", "image", "instance"],
)
def test_what_is_in_an_lxd_that_never_joined_holds_its_unit(
    make: Callable[[Server], None], named: str, generation: str
):
    app = with_own_lxd(generation)
    server = app.units["lxd/2"].server
    if make is _bucket and "storage_buckets" not in server.generation.has:
        pytest.skip("LXD 5.0 has no buckets")
    make(server)

    held = app.hook("lxd/2")

    assert f"{named}: is in LXD here, and Juju releases the machine with this unit" in held.hold
    assert str(held.status).startswith(f"blocked: lxd/2 cannot leave: {named}")
    app.options["on_remove"] = "abandon"
    assert app.hook("lxd/2").hold == ""


@pytest.mark.parametrize("generation", NAMES)
def test_an_lxd_that_never_joined_and_holds_nothing_of_anybody_lets_its_unit_go(generation: str):
    app = with_own_lxd(generation)
    server = app.units["lxd/2"].server
    by_hand.add_volume(server, "mine", "lxd-cluster-images")
    by_hand.launch(server, "juju-0a1b2c-2-lxd-0")

    assert app.hook("lxd/2").hold == ""


@pytest.mark.parametrize(
    "image",
    [
        Image("default", "a" * 64, "juju/ubuntu@24.04/amd64"),
        Image("default", "b" * 64, "ubuntu/24.04", cached=True),
    ],
    ids=["fetched by Juju", "cached by LXD"],
)
def test_an_image_that_anybody_fetches_again_is_not_a_loss(image: Image):
    seen = ClusterView(views.server(clustered=False), images=(image,))

    plan = plan_removal(views.view(seen, peers(data(0, cluster=""), {}), leaving=True))

    assert plan.hold == ""
