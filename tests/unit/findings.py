# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Questions of tests to an application in memory: statuses, networks, pools, notes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from actions import plan
from observe.view import observe_networks
from options.options import Options
from state.notes import PROJECT
from tests.lxd_model.things import Config
from tests.unit.model_units import ModelApp, ModelUnit
from tests.unit.scenarios import the_cluster

HEALTHY = {
    "lxd/0": "active: member m0, voter",
    "lxd/1": "active: member m1, voter",
    "lxd/2": "active: member m2, voter",
    "app": "active: 3 members, 3 voters",
}
"""The statuses of a healthy cluster of three: see `statuses`."""


def statuses(app: ModelApp) -> dict[str, str]:
    """The status of each unit, and under `app` the application's."""
    plans = {unit: app.plan(unit) for unit in app.units}
    of_units = {unit: str(plan.status) for unit, plan in plans.items()}
    return of_units | {"app": str(plans[app.leader].app_status)}


def preview_of(app: ModelApp, unit: str) -> list[str]:
    """The output of the action `plan` on a unit."""
    view = app.view(unit)
    return plan.lines(view, observe_networks(view, app.units[unit].ports), Options())


def nic(app: ModelApp) -> dict[str, str]:
    """The network of the default profile's `eth0`, empty without one."""
    device = the_cluster(app).profile.devices.get("eth0", {})
    return {k: v for k, v in device.items() if k not in ("type", "name")}


def root(app: ModelApp) -> str:
    """The pool of the default profile's root disk."""
    return the_cluster(app).profile.devices["root"]["pool"]


def network(app: ModelApp, name: str) -> Config:
    """A network's keys that all members share."""
    return the_cluster(app).networks[name].config


def parents(app: ModelApp, name: str) -> dict[str, str]:
    """By member: the network's interface there, empty for none."""
    own = the_cluster(app).networks[name].members
    return {member: keys.get("parent", "") for member, keys in own.items()}


def drivers(app: ModelApp) -> dict[str, str]:
    """By pool: its driver."""
    return {pool.name: pool.driver for pool in the_cluster(app).pools.values()}


def sources(app: ModelApp, pool: str) -> dict[str, str]:
    """By member: the device of its part of a pool, empty without one."""
    own = the_cluster(app).pools[pool].members
    return {m: keys.get("volatile.initial_source", "") for m, keys in own.items()}


def notes(app: ModelApp) -> dict[str, str]:
    """The charm's notes in LXD's database."""
    profiles = (p for p in the_cluster(app).profiles.values() if p.project == PROJECT)
    return {p.name: p.config["user.value"] for p in profiles if "user.value" in p.config}


def everything(app: ModelApp) -> dict[str, Any]:
    """Everything that the charm sets in LXD and on the machines, and what runs there."""
    records = the_cluster(app)
    nets = {n.name: (dict(n.config), dict(n.members)) for n in records.networks.values()}
    pools = {p.name: (p.driver, dict(p.config)) for p in records.pools.values()}
    profile = {name: dict(device) for name, device in records.profile.devices.items()}
    instances = {str(i): (i.location, i.running, i.devices) for i in records.instances.values()}
    return {
        "networks": nets,
        "pools": pools,
        "profile": profile,
        "config": dict(records.config),
        "members": {row.name: (sorted(row.given), row.domain) for row in records.members},
        "servers": [dict(unit.server.config) for unit in app.units.values()],
        "volumes": sorted(map(str, records.volumes.values())),
        "instances": instances,
        "machines": [_machine(unit) for unit in app.units.values()],
        "statuses": statuses(app),
    }


def _machine(unit: ModelUnit) -> dict[str, Any]:
    """Everything that the charm sets up on a machine."""
    has = unit.machine
    found = {"files": dict(has.files), "services": has.services, "segments": has.overlays()}
    # What is in LXD's own folder is LXD's: only beside a volume it shows a move that was cut short.
    folders = {k: f if f.volume else replace(f, filled=False) for k, f in has.folders().items()}
    return {**found, "folders": folders}


def m1_in_errors(generation: str) -> str:
    """How LXD's errors name the member m1: 5.0 by its address."""
    return "10.0.0.2" if generation == "5.0" else "m1"
