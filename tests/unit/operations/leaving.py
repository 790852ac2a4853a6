# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units that leave: the next hook of the unit moves what its member holds, and leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    leaving,
    server,
    the_cluster,
    with_instance,
    with_volume,
)

GPU = {"gpu0": {"type": "gpu"}}


def full(generation: str) -> ModelApp:
    """Two instances run on the member, one is stopped."""
    app = with_instance(with_instance(formed(3, generation), "m2"), "m2", name="c2")
    by_hand.create(server(app, "m2"), "c3")
    return app


def emptying(generation: str) -> tuple[ModelApp, str]:
    return leaving(full(generation), "lxd/2"), "lxd/2"


def emptying_evacuated(generation: str) -> tuple[ModelApp, str]:
    """Somebody evacuated the member; LXD left an instance there, stopped."""
    app = full(generation)
    by_hand.launch(server(app, "m2"), "c4", devices=GPU)
    by_hand.evacuate(server(app, "m2"))
    app.cloud.stopped.clear()
    stopped = the_cluster(app).instances["default", "c4"]
    # It can move now. The model does not have LXD's key for what ran when it was stopped.
    config = {**stopped.config, "volatile.last_state.power": "RUNNING"}
    the_cluster(app).instances["default", "c4"] = replace(stopped, devices={}, config=config)
    return leaving(app, "lxd/2"), "lxd/2"


def copying_images(generation: str) -> tuple[ModelApp, str]:
    """Only this member has an image."""
    app = with_instance(formed(3, generation, images_replicas=1), "m2")
    by_hand.add_image(server(app, "m2"), "ab" * 32)
    return leaving(app, "lxd/2"), "lxd/2"


def abandoning(generation: str) -> tuple[ModelApp, str]:
    """By the operator's permission a volume stays behind, and an instance that cannot move."""
    app = with_volume(full(generation), "m2")
    by_hand.launch(server(app, "m2"), "c4", devices=GPU)
    app.options["on_remove"] = "abandon"
    return leaving(app, "lxd/2"), "lxd/2"


def giving_up_images(generation: str) -> tuple[ModelApp, str]:
    """By the operator's permission LXD's own volume may stay behind, and nothing else does."""
    app = with_instance(
        formed(3, generation, storage_pools="fast: btrfs", storage_images_volume="fast"), "m2"
    )
    app.options["on_remove"] = "abandon"
    return leaving(app, "lxd/2"), "lxd/2"


def second_of_two(generation: str) -> tuple[ModelApp, str]:
    """Another one has just left: LXD decides which of the last two has the database."""
    app = leaving(with_instance(full(generation), "m1", name="c4"), "lxd/1", "lxd/2")
    assert app.hook("lxd/1").hold == ""
    app.remove("lxd/1")
    return app, "lxd/2"


Act = Callable[[str], tuple[ModelApp, str]]

ACTS: list[tuple[Act, str]] = [
    *((emptying, generation) for generation in NAMES),
    (emptying_evacuated, "5.21"),
    (copying_images, "5.0"),
    (abandoning, "6.9"),
    (giving_up_images, "5.0"),
    (second_of_two, "5.21"),
]
"""The operations, each with its LXD: each takes seconds."""
