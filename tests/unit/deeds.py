"""What becomes of an application in memory: who leaves, what is on its members, who is dead."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.model_units import ModelApp
from tests.unit.model_world import ModelCluster
from view import Instance, Volume


def the_cluster(app: ModelApp) -> ModelCluster:
    (cluster,) = app.clusters.values()
    return cluster


def leaving(app: ModelApp, *units: str) -> ModelApp:
    """The operator has removed these units."""
    app.leaving |= set(units)
    return app


def with_instance(app: ModelApp, member: str, evacuate: str = "auto") -> ModelApp:
    the_cluster(app).instances.append(Instance("default", "c1", member, evacuate, running=True))
    return app


def with_volume(app: ModelApp, member: str) -> ModelApp:
    the_cluster(app).volumes.append(Volume("default", "local", "data", member))
    return app


def without(app: ModelApp, *members: str) -> ModelApp:
    """These members' machines are dead, and LXD has noticed."""
    cluster = the_cluster(app)
    for name in members:
        cluster.members[name] = replace(cluster.members[name], status="OFFLINE")
    return app
