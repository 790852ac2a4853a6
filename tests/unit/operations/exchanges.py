# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members that exchange their LXD with the next hook of the unit."""

from __future__ import annotations

from state import peers
from state.facts import Resource
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import with_instance

SAME, NEXT = "5.21.8", "6.9"
OTHER = Resource("/new.snap", "/new.snap")
UNIT = "lxd/1"


def attached(version: str, app: ModelApp) -> ModelApp:
    """The operator has attached an LXD of this version."""
    app.cloud.version = version
    app.resource = OTHER
    for unit in app.units.values():
        unit.snap.offered = version
    return app


def fetched(app: ModelApp, *units: str) -> ModelApp:
    """These units have said that they have the file; without names, all units."""
    for unit in units or app.units:
        own = app.plan(unit).own
        assert own is not None
        app.databags[unit] = peers.dump(own)
    return app


def exchanging(version: str) -> tuple[ModelApp, str]:
    app = fetched(attached(version, with_instance(formed(3), "m1")))
    app.hook("lxd/0")
    return app, UNIT


def last(version: str) -> tuple[ModelApp, str]:
    """All others have exchanged theirs and wait for this one."""
    app, unit = exchanging(version)
    app.hook("lxd/2")
    return app, unit
