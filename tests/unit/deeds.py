"""What becomes of an application in memory: who leaves, what is on its members, who is dead."""

from __future__ import annotations

from tests.lxd_model import by_hand
from tests.lxd_model.records import Records
from tests.lxd_model.server import Server
from tests.unit.model_units import ModelApp

SILENT = 40.0
"""Seconds after which LXD calls a member offline that it has not heard of."""


def the_cluster(app: ModelApp) -> Records:
    """The database of the one cluster that there is."""
    (records,) = (r for r in app.cloud.databases if r.rows)
    return records


def names(app: ModelApp) -> list[str]:
    """The names of the cluster's members."""
    return sorted(row.name for row in the_cluster(app).members)


def server(app: ModelApp, member: str) -> Server:
    """The machine of a member."""
    return app.cloud.servers[the_cluster(app).rows[member].server]


def locations(app: ModelApp) -> dict[str, str]:
    """By instance: the member that it is on."""
    return {i.name: i.location for i in the_cluster(app).instances.values()}


def leaving(app: ModelApp, *units: str) -> ModelApp:
    """The operator has removed these units."""
    app.leaving |= set(units)
    return app


def with_instance(app: ModelApp, member: str, evacuate: str = "", name: str = "c1") -> ModelApp:
    """A running instance is on the member."""
    by_hand.launch(server(app, member), name, evacuate)
    return app


def with_volume(app: ModelApp, member: str) -> ModelApp:
    """A custom volume is on the member."""
    by_hand.add_volume(server(app, member), "local", "data")
    return app


def without(app: ModelApp, *members: str) -> ModelApp:
    """These members' machines are dead, and LXD has noticed."""
    for name in members:
        server(app, name).power_off()
    return later(app, SILENT)


def later(app: ModelApp, seconds: float) -> ModelApp:
    """Time passes."""
    app.cloud.now += seconds
    app.cloud.tick()
    return app
