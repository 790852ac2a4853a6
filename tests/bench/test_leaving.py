# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members leave while they have running containers."""

from __future__ import annotations

import time

import pytest

from lab.bench.bench import Bench
from state import cluster
from tests.bench.containers import all_run, any_node, launch
from tests.bench.drive import all_active, leave, until
from tests.bench.figures import Figures
from tests.bench.operator import evacuate
from tests.bench.units import BenchApp, BenchUnit, formed

_HEARTBEATS = 25.0
"""Seconds in which LXD gives and takes roles."""


@pytest.mark.long
def test_two_leave_at_once_with_two_containers_each(ground: Bench):
    app = formed(ground, 5)
    names = ["a0", "a1", "b0", "b1"]
    for name, member in zip(names, ("m3", "m3", "m4", "m4"), strict=True):
        launch(app, name, member)
    leave(app, "lxd/3", "lxd/4")
    where = all_run(app, *names)
    assert set(where.values()) <= {"m0", "m1", "m2"}
    assert [m.name for m in app.units["lxd/0"].lxd.members.list()] == ["m0", "m1", "m2"]
    until(app, lambda: all_active(app), 60)


@pytest.mark.long
def test_the_raft_leader_leaves(trio: BenchApp):
    leader = raft_leader(trio)
    launch(trio, "c1", trio.own(leader).name)
    leave(trio, leader)
    assert all_run(trio, "c1")["c1"] in [trio.own(unit).name for unit in trio.units]
    until(trio, lambda: all_active(trio), 60)
    assert len(trio.units[next(iter(trio.units))].lxd.members.list()) == 2


@pytest.mark.long
def test_two_members_shrink_to_one(ground: Bench):
    app = formed(ground, 2)
    launch(app, "c0", "m0")
    launch(app, "c1", "m1")
    leave(app, "lxd/0")
    app.leader = "lxd/1"
    assert all_run(app, "c0", "c1") == {"c0": "m1", "c1": "m1"}
    until(app, lambda: all_active(app), 60)


@pytest.mark.long
def test_a_member_that_was_powered_off_while_evacuated_is_nobodys_token_issuer(trio: BenchApp):
    last = trio.units["lxd/2"]
    evacuate(last, "m2")
    trio.bench.remove(last.node)
    dead = trio.units.pop("lxd/2")
    trio.add(3)
    until(trio, lambda: trio.own("lxd/3").cluster != "", 180)
    assert dead.name in trio.databags


def raft_leader(app: BenchApp) -> str:
    """The unit of the database's Raft leader."""
    unit = next(iter(app.units.values()))
    name = next(m.name for m in unit.lxd.members.list() if "database-leader" in m.roles)
    return next(u for u in app.units if app.own(u).name == name)


@pytest.mark.long
@pytest.mark.parametrize("containers", [0, 3])
def test_three_shrink_to_one_and_each_time_the_raft_leader_leaves(trio: BenchApp, containers: int):
    names = [f"c{number}" for number in range(containers)]
    for number, name in enumerate(names):
        launch(trio, name, f"m{number}")
    leave(trio, raft_leader(trio))
    leader = raft_leader(trio)
    (stays,) = set(trio.units) - {leader}
    trio.leader = stays
    member = next(m for m in trio.units[stays].lxd.members.list() if m.name == trio.own(stays).name)
    if not member.roles and not promotes_any(trio.units[stays]):
        trio.leaving.add(leader)
        assert "has no copy of the database" in trio.hook(leader).hold
        return
    leave(trio, leader)
    assert set(all_run(trio, *names).values()) <= {member.name}
    until(trio, lambda: all_active(trio), 60)


@pytest.mark.long
def test_the_raft_leader_and_another_of_three_leave_at_once(trio: BenchApp):
    leader = raft_leader(trio)
    stays, other = sorted(set(trio.units) - {leader})
    if not promotes_any(trio.units[stays]):
        pytest.skip("of the last two members one may be held: 5.0 and 6.9 make no voter of a spare")
    trio.leader = stays
    leave(trio, leader, other)
    assert [m.name for m in trio.units[stays].lxd.members.list()] == [trio.own(stays).name]
    until(trio, lambda: all_active(trio), 60)


@pytest.mark.long
def test_the_only_voter_stays_while_all_others_are_evacuated(trio: BenchApp):
    """6.9 takes their roles away. It would let the last voter go, with the database."""
    leader = raft_leader(trio)
    members = trio.units[leader].lxd.members
    others = {trio.own(unit).name for unit in set(trio.units) - {leader}}
    for member in sorted(others):
        evacuate(trio.units[leader], member)
        time.sleep(_HEARTBEATS)
    spares = {m.name for m in members.list() if not m.roles}
    trio.leaving.add(leader)

    held = trio.hook(leader).hold

    assert ("first: no other member has the database" in held) is (spares == others)
    if held:
        assert {m.name for m in members.list()} > others


def promotes_any(unit: BenchUnit) -> bool:
    """Whether a leaving last but one member makes the other a voter, whatever role that one has."""
    return cluster.promotes_any(unit.lxd.server.get().extensions)


@pytest.mark.long
def test_a_member_leaves_with_a_gigabyte_in_each_of_its_two_containers(
    trio: BenchApp, figures: Figures
):
    for name in ("c0", "c1"):
        launch(trio, name, "m2")
        write = ("sh", "-c", "dd if=/dev/urandom of=/data bs=1M count=1000")
        any_node(trio).lxc("exec", name, "--", *write)
    departure = leave(trio, "lxd/2", seconds=600)["lxd/2"]
    figures(f"left in {departure.seconds:.0f} s, {len(departure.holds)} failed hooks")
    assert set(all_run(trio, "c0", "c1").values()) <= {"m0", "m1"}


@pytest.mark.long
@pytest.mark.parametrize("autostart", ["", "true"])
def test_a_daemon_that_starts_does_not_start_what_is_kept_stopped(ground: Bench, autostart: str):
    """For an instance that was moved off a dead machine: LXD believes that it ran last."""
    app = formed(ground, 1, network_mode="none")
    unit = app.units["lxd/0"]
    launch(app, "c1", "m0")
    unit.node.lxc("stop", "-f", "c1")
    unit.node.lxc("config", "set", "c1", "volatile.last_state.power=RUNNING")
    unit.node.lxc("config", "set", "c1", f"boot.autostart={autostart}")
    restarted(unit)
    all_run(app, "c1")
    unit.node.lxc("stop", "-f", "c1")
    unit.node.lxc("config", "set", "c1", "volatile.last_state.power=RUNNING")

    unit.lxd.instances.keep_stopped("default", "c1")
    restarted(unit)

    time.sleep(5)
    (c1,) = unit.lxd.instances.list()
    assert not c1.running
    unit.lxd.instances.restore_autostart("default", "c1")
    assert unit.node.lxc("config", "get", "c1", "boot.autostart").strip() == autostart
    assert not unit.node.lxc("config", "get", "c1", "user.lxd-cluster.autostart").strip()


def restarted(unit: BenchUnit) -> None:
    """Its daemon has ended and answers again."""
    unit.node.stop_daemon()
    unit.node.start_daemon()
    unit.node.await_lxd()
