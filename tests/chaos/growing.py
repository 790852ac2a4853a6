# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults while a unit is added to a cluster: its installation, its join."""

from __future__ import annotations

import time

from tests.chaos.fault import Fault
from tests.chaos.ground import KILL_LXD, PATIENCE, Ground
from tests.integration import cluster

_JOIN = "join the cluster as*"
_INSTALL = "install the LXD snap*"
_KEY = "make this unit's key"
EXPIRY = "cluster.join_token_expiry"
_EXPIRES = 3
"""Seconds."""
_TOKEN_READ = "cluster-relation-changed"
"""The hook in which a unit first sees the others' data: Juju runs the application's first."""
# Every Python on a Debian or Ubuntu machine reads it, also in a venv.
_CUSTOMIZE = "/etc/python3*/sitecustomize.py"
_HOURS = 7200


def _hook_killed_in_install(ground: Ground) -> None:
    ground.kill_hook_at(ground.add_unit(), _INSTALL, after="500ms")


def _snapd_killed(ground: Ground) -> None:
    ground.at(ground.add_unit(), _INSTALL, "pkill -KILL -x snapd")


def _lxd_killed_in_install(ground: Ground) -> None:
    ground.at(ground.add_unit(), _KEY, KILL_LXD)


def _hook_killed_in_join(ground: Ground) -> None:
    ground.kill_hook_at(ground.add_unit(), _JOIN)


def _joiners_lxd_killed(ground: Ground) -> None:
    ground.at(ground.add_unit(), _JOIN, KILL_LXD)


def _raft_leaders_lxd_killed(ground: Ground) -> None:
    leader = ground.raft_leader()
    ground.at(ground.add_unit(), _JOIN, KILL_LXD, on=leader)


def _power_cut_in_join(ground: Ground) -> None:
    unit = ground.add_unit()
    ground.at(unit, _JOIN, "true")
    machine = ground.machine(unit)
    ground.lab("power-cut", machine)
    ground.lab("power-on", machine)


def _token_expired(ground: Ground) -> None:
    member = ground.first()
    cluster.lxc(ground.juju, f"config set {EXPIRY} {_EXPIRES}S", member)
    unit = ground.add_unit_held(_TOKEN_READ)
    try:
        cluster.eventually(lambda: bool(_tokens(ground)), PATIENCE)
        # LXD 5.21 and 6.9 still list an expired token.
        time.sleep(2 * _EXPIRES)
    finally:
        cluster.lxc(ground.juju, f"config unset {EXPIRY}", member)
        ground.lab("release", unit)


def _tokens(ground: Ground) -> str:
    return cluster.lxc(ground.juju, "cluster list-tokens --format csv", ground.first()).strip()


def _clock(ground: Ground, unit: str, ahead: int) -> None:
    """Changes the time for the charm on a unit's machine only."""
    lines = f"import time; now = time.time; time.time = lambda: now() + {ahead}"
    ground.ssh(unit, f"for file in {_CUSTOMIZE}; do echo '{lines}' >$file; done")


def _joiners_clock(ground: Ground, ahead: int) -> None:
    unit = ground.add_unit_held("*")
    _clock(ground, unit, ahead)
    ground.lab("release", unit)
    ground.whole()
    _clock(ground, unit, 0)


def _joiner_in_the_future(ground: Ground) -> None:
    _joiners_clock(ground, _HOURS)


def _joiner_in_the_past(ground: Ground) -> None:
    _joiners_clock(ground, -_HOURS)


def _leader_in_the_future(ground: Ground) -> None:
    leader = ground.leader()
    _clock(ground, leader, _HOURS)
    ground.add_unit()
    ground.whole()
    _clock(ground, leader, 0)


def _clock_jumps_for_all(ground: Ground) -> None:
    unit = ground.add_unit_held(_TOKEN_READ)
    cluster.eventually(lambda: bool(_tokens(ground)), PATIENCE)
    everyone = ground.others()
    for one in everyone:
        _clock(ground, one, _HOURS)
    ground.lab("release", unit)
    ground.whole()
    for one in everyone:
        _clock(ground, one, 0)


def _hostname_collision(ground: Ground) -> None:
    taken = ground.member(ground.first())
    unit = ground.add_unit_held("*")
    own = ground.ssh(unit, "hostname").strip()
    ground.ssh(unit, f"hostname {taken}")
    ground.lab("release", unit)
    ground.until(unit, f"active: member {taken}-*")
    ground.whole()
    ground.ssh(unit, f"hostname {own}")


FAULTS = (
    Fault(
        "hook-killed-install",
        "kill -9 of the hook that installs the snap",
        "whole",
        3,
        _hook_killed_in_install,
    ),
    Fault("snapd-killed-install", "kill -9 of snapd while it installs", "whole", 3, _snapd_killed),
    Fault(
        "lxd-killed-install",
        "kill -9 of LXD just after its installation",
        "whole",
        3,
        _lxd_killed_in_install,
    ),
    Fault("hook-killed-join", "kill -9 of the hook that joins", "whole", 3, _hook_killed_in_join),
    Fault("lxd-killed-join", "kill -9 of the joining LXD", "whole", 3, _joiners_lxd_killed),
    Fault(
        "raft-leader-killed-join",
        "kill -9 of the Raft leader's LXD while another joins",
        "whole",
        3,
        _raft_leaders_lxd_killed,
    ),
    Fault(
        "power-cut-join",
        "the joining machine's power is cut, and comes back",
        "whole",
        3,
        _power_cut_in_join,
    ),
    Fault(
        "token-expired",
        "the join token has expired when the unit comes to use it",
        "whole, with another token",
        3,
        _token_expired,
    ),
    Fault(
        "clock-ahead",
        "the joiner's clock is two hours ahead of the others",
        "whole",
        3,
        _joiner_in_the_future,
    ),
    Fault(
        "clock-behind",
        "the joiner's clock is two hours behind the others",
        "whole",
        3,
        _joiner_in_the_past,
    ),
    Fault(
        "clock-ahead-leader",
        "the clock of Juju's leader is two hours ahead of the others while a unit joins",
        "whole",
        3,
        _leader_in_the_future,
    ),
    Fault(
        "clock-jump",
        "all clocks jump two hours ahead while a token is out",
        "whole, with another token",
        3,
        _clock_jumps_for_all,
    ),
    Fault(
        "hostname-collision",
        "a new machine has a member's hostname",
        "whole, its member's name has the unit's number",
        3,
        _hostname_collision,
    ),
)
