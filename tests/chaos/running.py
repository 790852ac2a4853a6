# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults of an idle cluster."""

from __future__ import annotations

import jubilant

from tests.chaos.fault import NOTHING, Fault
from tests.chaos.ground import STOP_LXD, Ground
from tests.integration import cluster

_OFFLINE = "*offline*"
_DATABASE = "/var/snap/lxd/common/lxd/database"
_DISK_MIB = 64


def _lxd_killed(ground: Ground) -> None:
    for unit in ground.units():
        ground.kill_lxd(unit)


def _booted(ground: Ground, unit: str) -> str:
    """Differs after each boot; empty while the machine cannot be entered."""
    try:
        return ground.ssh(unit, "cut -d' ' -f22 /proc/1/stat; cat /proc/sys/kernel/random/boot_id")
    except jubilant.CLIError:
        return ""


def _reboot(ground: Ground) -> None:
    unit = ground.raft_leader()
    before = _booted(ground, unit)
    ground.lab("reboot", ground.machine(unit))
    cluster.eventually(lambda: _booted(ground, unit) not in ("", before), 120)


def _power_cut(ground: Ground) -> None:
    unit = ground.raft_leader()
    _cut(ground, [unit])
    ground.until_app(_OFFLINE, "*does not answer*")
    _power_on(ground, [unit])


def _power_cut_of_all(ground: Ground) -> None:
    units = ground.others()
    _cut(ground, units)
    _power_on(ground, units)


def _cut(ground: Ground, units: list[str]) -> None:
    for unit in units:
        ground.lab("power-cut", ground.machine(unit))


def _power_on(ground: Ground, units: list[str]) -> None:
    for unit in units:
        ground.lab("power-on", ground.machine(unit))


def _partition_of_one(ground: Ground) -> None:
    """Juju's leader stays with the others: only it can write the application's status."""
    unit = ground.others(ground.raft_leader(), ground.leader())[-1]
    ground.link([unit], "down")
    ground.until_app(f"*offline*{ground.member(unit)}*")
    ground.link([unit], "up")


def _partition_of_jujus_leader(ground: Ground) -> None:
    """It keeps the leadership, because Juju still reaches it."""
    unit = ground.leader()
    ground.link([unit], "down")
    ground.until(unit, "waiting: *quorum*run recover-quorum*")
    ground.until_app("*LXD on the leader does not answer*")
    ground.link([unit], "up")


def _partition_of_the_raft_leader(ground: Ground) -> None:
    """Also cut off from Juju, like a machine with one cable."""
    unit = ground.raft_leader()
    member = ground.member(unit)
    ground.link([unit], "down")
    ground.lab("stop-agent", unit)
    ground.until_app(f"*offline*{member}*")
    ground.lab("start-agent", unit)
    ground.link([unit], "up")


def _partition_of_two(ground: Ground) -> None:
    """If two of three are cut off from each other and from the third, there is no majority."""
    away = ground.others(ground.first())[:2]
    ground.link(away, "down")
    for unit in ground.others():
        ground.until(unit, "waiting: *quorum*run recover-quorum*")
    ground.link(away, "up")


def _daemon_stopped(ground: Ground) -> None:
    unit = ground.last()
    ground.ssh(unit, STOP_LXD)
    ground.until(unit, "waiting: LXD hangs: snap restart --reload lxd*")
    ground.ssh(unit, "kill -9 $(cat /var/snap/lxd/common/lxd.pid)")


def _agent_stopped(ground: Ground) -> None:
    unit = ground.leader()
    ground.lab("stop-agent", unit)
    cluster.eventually(lambda: any(u.leader for n, u in ground.units().items() if n != unit), 120)
    ground.lab("start-agent", unit)


def _disk_full(ground: Ground) -> None:
    """The third voter has its database on its own small disk."""
    ground.deploy(2)
    ground.whole()
    unit = ground.add_unit_held("*")
    ground.ssh(
        unit,
        f"mkdir -p -m 0700 {_DATABASE} &&"
        f" mount -t tmpfs -o size={_DISK_MIB}m,mode=0700 chaos {_DATABASE}",
    )
    ground.lab("release", unit)
    ground.whole()
    ground.ssh(unit, f"cat /dev/zero >{_DATABASE}/filler || true")
    _write_much(ground)
    ground.until(unit, "waiting: *", seconds=60)
    ground.say(cluster.message(ground.juju.status(), unit))
    ground.ssh(unit, f"rm {_DATABASE}/filler")
    ground.whole()
    ground.juju.remove_unit(unit)
    ground.until_gone(unit)


def _write_much(ground: Ground) -> None:
    """Makes LXD's database some megabytes larger."""
    values = "x" * 100_000
    writes = (
        f"for i in $(seq 40); do timeout 20 lxc profile set default user.chaos=$i{values}; done;"
        " timeout 20 lxc profile unset default user.chaos"
    )
    ground.ssh(ground.first(), writes)


FAULTS = (
    Fault(
        "disk-full",
        "the disk with a voter's database is full, then no longer",
        "whole",
        NOTHING,
        _disk_full,
    ),
    Fault("lxd-killed", "kill -9 of LXD on all members", "whole", 3, _lxd_killed),
    Fault("reboot", "the Raft leader's machine reboots", "whole", 3, _reboot),
    Fault(
        "power-cut",
        "the Raft leader's power is cut, and comes back once that is noticed",
        "the application says who is offline; whole",
        3,
        _power_cut,
    ),
    Fault("power-cut-all", "all machines lose power at once", "whole", 3, _power_cut_of_all),
    Fault(
        "partition-one",
        "one member is cut off from the others",
        "the application says who is offline; whole",
        3,
        _partition_of_one,
    ),
    Fault(
        "partition-juju-leader",
        "Juju's leader is cut off from the others, but not from Juju",
        "the application says that the leader's LXD does not answer; whole",
        3,
        _partition_of_jujus_leader,
    ),
    Fault(
        "partition-raft-leader",
        "the Raft leader is cut off from the others and from Juju",
        "the application says who is offline; whole",
        3,
        _partition_of_the_raft_leader,
    ),
    Fault(
        "partition-two",
        "two of three members are cut off: no majority",
        "every unit says that there is no quorum; whole once the cables are back",
        3,
        _partition_of_two,
    ),
    Fault(
        "daemon-stopped",
        "SIGSTOP to LXD",
        "the unit says that LXD hangs; whole once it is killed",
        3,
        _daemon_stopped,
    ),
    Fault(
        "agent-stopped",
        "Juju's agent on the leader is gone for a while",
        "another leads; whole",
        3,
        _agent_stopped,
    ),
)
