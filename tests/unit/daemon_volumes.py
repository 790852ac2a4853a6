# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Volumes for LXD's images: what an operator asks for, and where they are."""

from __future__ import annotations

from state.facts import Folder
from tests.lxd_model.server import Server
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import (
    api,
    the_cluster,
)

IMAGES = "lxd-cluster-images"


def volumes(app: ModelApp) -> list[str]:
    """All custom volumes, each with its pool and its member."""
    found = the_cluster(app).volumes.values()
    return sorted(f"{v.pool}/{v.name} on {v.location}" for v in found)


def asked(app: ModelApp, pool: str) -> ModelApp:
    """The images are to be on this pool."""
    app.options["storage_images_volume"] = pool
    app.settle()
    return app


def images(app: ModelApp) -> list[str]:
    """LXD's key on each member."""
    return [api(app, u).server.get().config.get("storage.images_volume", "") for u in app.units]


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
