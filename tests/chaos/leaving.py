# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults while units leave, and units that are removed without their hooks."""

from __future__ import annotations

from collections.abc import Sequence

import jubilant
import pytest

from tests.chaos.fault import Fault
from tests.chaos.ground import KILL_LXD, Ground
from tests.integration import cluster

_MOVE = "move */* to *"
_TAKE_OUT = "take * out of the cluster"


def _hook_killed_while_it_empties(ground: Ground) -> None:
    unit = ground.last()
    ground.juju.remove_unit(unit)
    ground.kill_hook_at(unit, _MOVE)
    ground.until_gone(unit)


def _hook_killed_while_it_leaves(ground: Ground) -> None:
    unit = ground.last()
    ground.juju.remove_unit(unit)
    ground.kill_hook_at(unit, _TAKE_OUT)
    ground.until_gone(unit)


def _leavers_lxd_killed(ground: Ground) -> None:
    unit = ground.last()
    ground.juju.remove_unit(unit)
    ground.at(unit, _MOVE, KILL_LXD)
    ground.until_gone(unit)


def _leavers_lxd_killed_late(ground: Ground) -> None:
    unit = ground.last()
    ground.juju.remove_unit(unit)
    ground.at(unit, _TAKE_OUT, KILL_LXD)
    ground.until_gone(unit)


def _others_lxd_killed(ground: Ground) -> None:
    leader = ground.raft_leader()
    unit = ground.others(leader)[-1]
    ground.juju.remove_unit(unit)
    ground.at(unit, _MOVE, KILL_LXD, on=leader)
    ground.until_gone(unit)


def _power_cut(ground: Ground) -> None:
    unit = ground.last()
    machine = ground.machine(unit)
    ground.juju.remove_unit(unit)
    ground.at(unit, _MOVE, "true")
    ground.lab("power-cut", machine)
    ground.lab("power-on", machine)
    ground.until_gone(unit)


def _juju_leader_removed(ground: Ground) -> None:
    unit = ground.leader()
    ground.juju.remove_unit(unit)
    ground.until_gone(unit)


def _raft_leader_removed(ground: Ground) -> None:
    unit = ground.raft_leader()
    ground.juju.remove_unit(unit)
    ground.until_gone(unit)


def _two_removed(ground: Ground) -> None:
    units = ground.others()[:2]
    ground.juju.remove_unit(*units)
    ground.until_gone(*units)


def _removed_while_another_joins(ground: Ground) -> None:
    unit = ground.first()
    ground.add_unit()
    ground.juju.remove_unit(unit)
    ground.until_gone(unit)


def _held_by_its_data(ground: Ground) -> None:
    unit = ground.last()
    member = ground.member(unit)
    cluster.lxc(ground.juju, f"storage volume create local data --target {member}", unit)
    ground.juju.remove_unit(unit)
    ground.until(unit, "error: hook failed*")
    ground.until_app(f"blocked: {unit} cannot leave: volume default/local/data*")
    cluster.lxc(ground.juju, "storage volume delete local data", unit)
    cluster.resolve(ground.juju, unit)
    ground.until_gone(unit)


def _removed_by_force(ground: Ground) -> None:
    unit = ground.last()
    member = ground.member(unit)
    machine = ground.machine(unit)
    ground.lose(unit)
    ground.juju.remove_unit(unit, force=True)
    ground.until_gone(unit)
    ground.until_app(f"blocked: {member} has no unit: *")
    ground.lab("release-machine", machine)
    _acknowledged(ground, member)


def _machine_destroyed(ground: Ground) -> None:
    unit = ground.raft_leader()
    member = ground.member(unit)
    ground.lose(unit)
    _destroy(ground, unit)
    _acknowledged(ground, member)


def _destroy(ground: Ground, unit: str) -> None:
    machine = ground.machine(unit)
    ground.lab("power-cut", machine)
    ground.juju.cli("remove-machine", "--force", "--no-prompt", machine)


def _acknowledged(ground: Ground, member: str) -> None:
    """The status tells the operator what was lost, and the operator acknowledges it."""
    ground.until_app(f"blocked: lost with {member}: *forget-lost*")
    ground.juju.run(ground.leader(), "forget-lost", {"name": member})


def _majority_lost(ground: Ground) -> None:
    dead = ground.others()[:2]
    members = _lost_for_good(ground, dead)
    (survivor,) = ground.others()
    ground.until(survivor, "waiting: *run recover-quorum*")
    ground.recover_quorum(survivor)
    for member in members:
        _acknowledged(ground, member)


def _stand_by_asked_to_recover(ground: Ground) -> None:
    """Two of three voters are lost. If the stand-by recovered, there would be two clusters."""
    first = ground.first()

    def voting() -> list[str]:
        return cluster.voters(cluster.members(ground.juju, first))

    # LXD needs a while to reassign the roles that the fault before this one removed.
    cluster.eventually(lambda: len(voting()) == 3, 120)
    voters = sorted(ground.unit_of(name) for name in voting())
    survivor, *dead = voters
    (stand_by,) = ground.others(*voters)
    members = _lost_for_good(ground, dead)
    ground.until(stand_by, "waiting: *run recover-quorum*")
    with pytest.raises(jubilant.TaskError, match=f"run it on {survivor}"):
        ground.recover_quorum(stand_by)
    ground.recover_quorum(survivor)
    for member in members:
        _acknowledged(ground, member)


def _lost_for_good(ground: Ground, dead: Sequence[str]) -> list[str]:
    """Their machines die at once; the names of their members, in order."""
    members = [ground.member(unit) for unit in dead]
    for unit in dead:
        # LXD answers as long as all members are up.
        ground.lose(unit)
    for unit in dead:
        _destroy(ground, unit)
    ground.until_gone(*dead)
    return sorted(members)


FAULTS = (
    Fault(
        "hook-killed-leave",
        "kill -9 of the hook that moves instances off the leaving member",
        "the unit is gone, the rest is whole, its container runs elsewhere",
        4,
        _hook_killed_while_it_empties,
    ),
    Fault(
        "hook-killed-leave-late",
        "kill -9 of the hook that takes the member out",
        "the unit is gone, the rest is whole",
        4,
        _hook_killed_while_it_leaves,
    ),
    Fault(
        "lxd-killed-leave",
        "kill -9 of the leaving LXD while its instances move",
        "the unit is gone, the rest is whole, its container runs elsewhere",
        4,
        _leavers_lxd_killed,
    ),
    Fault(
        "lxd-killed-leave-late",
        "kill -9 of the leaving LXD while the member is taken out",
        "the unit is gone, the rest is whole",
        4,
        _leavers_lxd_killed_late,
    ),
    Fault(
        "raft-leader-killed-leave",
        "kill -9 of the Raft leader's LXD while another leaves",
        "the unit is gone, the rest is whole",
        4,
        _others_lxd_killed,
    ),
    Fault(
        "power-cut-leave",
        "the leaving machine's power is cut, and comes back",
        "the unit is gone, the rest is whole",
        4,
        _power_cut,
    ),
    Fault(
        "juju-leader-removed",
        "remove-unit of Juju's leader",
        "the unit is gone, the rest is whole",
        4,
        _juju_leader_removed,
    ),
    Fault(
        "raft-leader-removed",
        "remove-unit of the Raft leader",
        "the unit is gone, the rest is whole",
        4,
        _raft_leader_removed,
    ),
    Fault(
        "two-removed",
        "remove-unit of two of four at once",
        "both are gone, the rest is whole",
        4,
        _two_removed,
    ),
    Fault(
        "removed-while-another-joins",
        "add-unit and remove-unit of the first at once",
        "one is gone, the new one is in",
        3,
        _removed_while_another_joins,
    ),
    Fault(
        "held-by-its-data",
        "remove-unit of a member with a custom volume",
        "error, the application names the volume; gone once it is deleted",
        4,
        _held_by_its_data,
    ),
    Fault(
        "removed-by-force",
        "remove-unit --force; its machine runs on, and is released then",
        "the application names the member without a unit, then what was lost; "
        "whole after forget-lost",
        4,
        _removed_by_force,
    ),
    Fault(
        "machine-destroyed",
        "the Raft leader's machine is gone for good",
        "the application names what was lost; whole after forget-lost",
        4,
        _machine_destroyed,
    ),
    Fault(
        "majority-lost",
        "two of three machines are gone for good",
        "the last names recover-quorum; whole after that and forget-lost",
        3,
        _majority_lost,
    ),
    Fault(
        "stand-by-recovers",
        "the same with two of three voters, and recover-quorum is run on the stand-by",
        "refused, and told where to run it; whole after that and forget-lost",
        4,
        _stand_by_asked_to_recover,
    ),
)
