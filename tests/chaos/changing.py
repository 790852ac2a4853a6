# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults while the operator changes the configuration of a cluster."""

from __future__ import annotations

from tests.chaos.fault import Fault
from tests.chaos.ground import KILL_LXD, Ground
from tests.integration import cluster
from tests.integration.conftest import APP

_CREATE = "create the bridge network*"


def _change(ground: Ground, network: str) -> None:
    ground.juju.config(APP, {"network-name": network})


def _changed(ground: Ground, network: str) -> None:
    """The network exists on every member and is used; then restores the options."""

    cluster.eventually(lambda: _is_made(ground, network), 120)
    ground.juju.config(APP, reset="network-name")


def _is_made(ground: Ground, network: str) -> bool:
    first = ground.first()
    found = cluster.query(ground.juju, "/1.0/networks?recursion=1", first)
    profile = cluster.query(ground.juju, "/1.0/profiles/default", first)
    row = next((n for n in found if n["name"] == network), None)
    return (
        row is not None
        and row["status"] == "Created"
        and len(row["locations"]) == len(ground.units())
        and profile["devices"]["eth0"]["network"] == network
    )


def _hook_killed(ground: Ground) -> None:
    _change(ground, "chaos1")
    ground.kill_hook_at(APP, _CREATE)
    _changed(ground, "chaos1")


def _own_lxd_killed(ground: Ground) -> None:
    _change(ground, "chaos2")
    ground.at(APP, _CREATE, KILL_LXD)
    _changed(ground, "chaos2")


def _other_lxd_killed(ground: Ground) -> None:
    # The first unit of the queue makes networks.
    other = ground.last()
    _change(ground, "chaos3")
    ground.at(APP, _CREATE, KILL_LXD, on=other)
    _changed(ground, "chaos3")


FAULTS = (
    Fault(
        "hook-killed-config",
        "kill -9 of the hook that makes a network on all members",
        "whole, with the network",
        3,
        _hook_killed,
    ),
    Fault(
        "lxd-killed-config",
        "kill -9 of the LXD that makes it",
        "whole, with the network",
        3,
        _own_lxd_killed,
    ),
    Fault(
        "other-lxd-killed-config",
        "kill -9 of another member's LXD meanwhile",
        "whole, with the network",
        3,
        _other_lxd_killed,
    ),
)
