# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults while the first units make a cluster."""

from __future__ import annotations

from tests.chaos.fault import NOTHING, Fault
from tests.chaos.ground import KILL_LXD, Ground
from tests.integration import cluster
from tests.integration.conftest import APP

_BOOTSTRAP = "bootstrap the cluster with*"


def _snap_missing(ground: Ground) -> None:
    ground.deploy(1, resources=False)
    ground.until(f"{APP}/0", "waiting: could not install the LXD snap*")
    ground.juju.cli("attach-resource", APP, f"lxd-snap={ground.files.lxd_snap}")


def _hook_killed(ground: Ground) -> None:
    ground.deploy(2)
    ground.kill_hook_at(APP, _BOOTSTRAP)


def _bootstrap_unit_removed(ground: Ground) -> None:
    ground.deploy(3)
    ground.kill_hook_at(APP, _BOOTSTRAP)
    unit = ground.leader()
    ground.juju.remove_unit(unit)
    ground.until_gone(unit)


def _lxd_killed(ground: Ground) -> None:
    ground.deploy(2)
    ground.at(APP, _BOOTSTRAP, KILL_LXD)


def _power_cut(ground: Ground) -> None:
    ground.deploy(2)
    machine = ground.machine(ground.at(APP, _BOOTSTRAP, "true"))
    ground.lab("power-cut", machine)
    ground.lab("power-on", machine)


def _machine_destroyed(ground: Ground) -> None:
    ground.deploy(3)
    unit = ground.at(APP, _BOOTSTRAP, "true")
    ground.juju.cli("remove-machine", "--force", "--no-prompt", ground.machine(unit))
    ground.until_gone(unit)
    cluster.formed_again_if_asked(ground.juju)


FAULTS = (
    Fault(
        "snap-missing",
        "no snap is attached and there is no way to the store",
        "waits and says so; whole once a snap is attached",
        NOTHING,
        _snap_missing,
    ),
    Fault(
        "hook-killed-bootstrap",
        "kill -9 of the hook that bootstraps",
        "whole: the next hook goes on from what it finds",
        NOTHING,
        _hook_killed,
    ),
    Fault(
        "bootstrap-unit-removed",
        "kill -9 of the hook that bootstraps, and its unit is removed while LXD goes on",
        "the other two are whole",
        NOTHING,
        _bootstrap_unit_removed,
    ),
    Fault(
        "lxd-killed-bootstrap",
        "kill -9 of LXD while it becomes a cluster",
        "whole",
        NOTHING,
        _lxd_killed,
    ),
    Fault(
        "power-cut-bootstrap",
        "the bootstrapping machine's power is cut, and comes back",
        "whole",
        NOTHING,
        _power_cut,
    ),
    Fault(
        "machine-destroyed-bootstrap",
        "the bootstrapping machine is gone for good",
        "the other two are whole",
        NOTHING,
        _machine_destroyed,
    ),
)
