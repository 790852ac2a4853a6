# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units leave, in order and by force: what was on them survives, or the status names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jubilant
import pytest

from tests.integration.cluster import (
    eventually,
    gone,
    hostname,
    lxc,
    members,
    message,
    query,
    resolve,
    small_image,
    whole,
)
from tests.integration.conftest import APP, WAIT, Files


@pytest.fixture(scope="module", autouse=True)
def cluster(juju: jubilant.Juju, deploy: Callable[..., None]):
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(5, storage_backend="btrfs", cluster_offline_threshold=12)
    whole(juju, 5)


@pytest.fixture(scope="module")
def launch(juju: jubilant.Juju, files: Files) -> Callable[[str, str], None]:
    """Starts a container on a member."""
    source = small_image(juju, files)

    def launched(name: str, member: str) -> None:
        lxc(juju, f"launch -q {source} {name} --target {member}")

    return launched


@pytest.fixture
def evacuate_again(juju: jubilant.Juju) -> Iterator[None]:
    """Restores `on-remove` afterwards."""
    yield
    juju.config(APP, reset="on-remove")


def unit_of(juju: jubilant.Juju, member: str) -> str:
    """The unit on the machine `member`."""
    return next(unit for unit in juju.status().apps[APP].units if hostname(juju, unit) == member)


def running(juju: jubilant.Juju) -> dict[str, str]:
    """Running instances, with their members."""
    rows = query(juju, "/1.0/instances?recursion=1")
    return {row["name"]: row["location"] for row in rows if row["status"] == "Running"}


def leader(juju: jubilant.Juju) -> str:
    eventually(lambda: any(u.leader for u in juju.status().apps[APP].units.values()), 120)
    return next(name for name, u in juju.status().apps[APP].units.items() if u.leader)


def raft_leader(juju: jubilant.Juju) -> str:
    rows = members(juju, next(iter(juju.status().apps[APP].units)))
    return next(name for name, row in rows.items() if "database-leader" in row["roles"])


@pytest.mark.rules
def test_the_raft_leader_leaves_and_its_containers_live_on(
    juju: jubilant.Juju, launch: Callable[[str, str], None]
):
    member = raft_leader(juju)
    unit = unit_of(juju, member)
    launch("c1", member)
    launch("c2", member)

    juju.remove_unit(unit)

    gone(juju, unit)
    rows = whole(juju, 4)
    assert member not in rows
    # For a member that answers slowly, LXD lists no running instance.
    eventually(lambda: set(running(juju)) == {"c1", "c2"})
    assert set(running(juju).values()) <= set(rows)


def test_what_cannot_move_holds_the_unit_and_is_named(juju: jubilant.Juju):
    unit = max(set(juju.status().apps[APP].units) - {leader(juju)})
    member = hostname(juju, unit)
    lxc(juju, f"storage volume create local data --target {member}")

    juju.remove_unit(unit)

    juju.wait(lambda s: message(s, unit).startswith("error: hook failed"), delay=0.5, successes=1)
    # A first attempt may be held by something that passes.
    eventually(
        lambda: "cannot leave:\n  volume default/local/data" in juju.debug_log(limit=2000), WAIT
    )
    eventually(
        lambda: (
            f"{unit} cannot leave: volume default/local/data"
            in juju.status().apps[APP].app_status.message
        )
    )
    assert member in members(juju)


def in_error(status: jubilant.Status) -> list[str]:
    return [u for u in status.apps[APP].units if message(status, u).startswith("error")]


@pytest.mark.usefixtures("evacuate_again")
def test_what_holds_it_can_be_abandoned(juju: jubilant.Juju):
    # Juju tries the hook again from time to time: for a moment no unit is in error.
    status = juju.wait(lambda s: bool(in_error(s)), delay=0.5, successes=1)
    unit = in_error(status)[0]

    juju.config(APP, {"on-remove": "abandon"})
    resolve(juju, unit)

    gone(juju, unit)
    whole(juju, 3)


@pytest.mark.rules
def test_a_unit_removed_by_force_leaves_a_member_that_the_operator_takes_out(
    juju: jubilant.Juju,
):
    before = set(juju.status().apps[APP].units)
    juju.add_unit(APP)
    whole(juju, len(before) + 1)
    (unit,) = set(juju.status().apps[APP].units) - before
    member = hostname(juju, unit)

    juju.remove_unit(unit, force=True)

    # None of its hooks run, its machine is not released, and only 3.6 tells the others.
    gone(juju, unit)
    expected = f"{member} has no unit: move what it holds, then lxc cluster remove it"
    juju.wait(lambda s: s.apps[APP].app_status.message == expected, delay=0.5, successes=1)
    # LXD calls a member offline for a moment when a heartbeat was late.
    eventually(lambda: members(juju)[member]["status"] == "Online")
    # LXD 6.9 asks with --force, too, and earlier ones have no --yes.
    juju.ssh(f"{APP}/leader", f"echo yes | sudo /snap/bin/lxc cluster evacuate {member}")
    lxc(juju, f"cluster remove {member}")
    whole(juju, len(before))


def test_what_a_dead_machine_held_is_named_as_lost(
    juju: jubilant.Juju, launch: Callable[[str, str], None]
):
    unit = max(set(juju.status().apps[APP].units) - {leader(juju)})
    member = hostname(juju, unit)
    launch("c3", member)
    machine = juju.status().apps[APP].units[unit].machine
    juju.ssh(unit, "sudo systemctl poweroff --no-block || true")
    eventually(lambda: members(juju)[member]["status"] == "Offline", 120)

    juju.cli("remove-machine", "--force", "--no-prompt", machine)

    expected = f"lost with {member}: default/"
    juju.wait(lambda s: expected in s.apps[APP].app_status.message, delay=0.5, successes=1)
    assert member not in members(juju)
    assert "default/c3" in lxc(juju, f"profile get lost.{member} user.value --project lxd-cluster")
    juju.run(f"{APP}/leader", "forget-lost", {"name": member})
    whole(juju, 2)


def test_two_units_are_one_again(juju: jubilant.Juju):
    rows = members(juju)
    # LXD 5.0 lets the last but one leave only if the other has a copy of the database.
    member = min(rows, key=lambda name: len(rows[name]["roles"]))
    unit = unit_of(juju, member)
    before = {row["name"] for row in query(juju, "/1.0/instances?recursion=1")}

    juju.remove_unit(unit)

    gone(juju, unit)
    rows = whole(juju, 1)
    assert set(running(juju)) == before
    assert len(rows) == 1


def test_the_database_can_be_copied(juju: jubilant.Juju):
    path = juju.run(f"{APP}/leader", "backup-database").results["path"]

    names = juju.ssh(f"{APP}/leader", f"sudo tar tzf {path}").split()
    assert {"global.sql", "local.sql", "database/"} <= set(names)
