# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools in a real Ceph that the application is integrated with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import jubilant
import pytest

from lab.testing import charm_files
from tests.integration.cluster import (
    eventually,
    lxc,
    members,
    message,
    query,
    small_image,
    whole,
)
from tests.integration.conftest import APP, WAIT, Files

CHARMS = Path(__file__).parent / "charms"
CEPH = "ceph-mon"


@pytest.fixture(scope="module")
def source(
    juju: jubilant.Juju,
    deploy: Callable[..., None],
    files: Files,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """An image on three members whose pool is in a Ceph."""
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(3, storage_backend="ceph")
    charm = charm_files.pack(CEPH, tmp_path_factory.mktemp("charms"), CHARMS)
    # Without the slash of a path Juju would look for the name in the store.
    juju.deploy(os.fspath(charm), CEPH)
    blocked = "blocked: ceph: integrate it with a Ceph: juju integrate lxd-cluster ceph-mon"
    juju.wait(
        lambda s: (
            len(s.apps[APP].units) == 3
            and {message(s, unit) for unit in s.apps[APP].units} == {blocked}
        ),
        delay=0.5,
        successes=1,
        timeout=WAIT,
    )
    juju.wait(lambda s: jubilant.all_active(s, CEPH), timeout=WAIT)

    juju.integrate(APP, CEPH)

    whole(juju, 3)
    return small_image(juju, files)


def location(juju: jubilant.Juju, container: str) -> str:
    return query(juju, f"/1.0/instances/{container}")["location"]


def test_a_container_moves_between_members_without_a_copy(juju: jubilant.Juju, source: str):
    assert query(juju, "/1.0/storage-pools/local")["driver"] == "ceph"
    here, there, _ = sorted(members(juju))
    lxc(juju, f"launch -q {source} moving --target {here}")
    lxc(juju, "exec moving -- sh -c 'echo data > /kept; sync'")

    lxc(juju, "stop --force moving")
    lxc(juju, f"move moving --target {there}")
    lxc(juju, "start moving")

    assert location(juju, "moving") == there
    assert lxc(juju, "exec moving -- cat /kept").strip() == "data"


@pytest.mark.usefixtures("source")
def test_a_unit_joins_a_cluster_whose_pool_is_in_a_ceph(juju: jubilant.Juju):
    juju.add_unit(APP)
    rows = whole(juju, 4)

    assert sorted(query(juju, "/1.0/storage-pools/local")["locations"]) == sorted(rows)


@pytest.mark.usefixtures("source")
def test_a_unit_that_leaves_hands_its_container_over(juju: jubilant.Juju):
    at = location(juju, "moving")
    unit = next(u for u in juju.status().apps[APP].units if hostname(juju, u) == at)

    juju.remove_unit(unit)

    whole(juju, 3)
    assert location(juju, "moving") != at
    assert lxc(juju, "exec moving -- cat /kept").strip() == "data"


@pytest.mark.usefixtures("source")
def test_a_container_outlives_its_machine(juju: jubilant.Juju):
    units = juju.status().apps[APP].units
    victim = next(unit for unit in units if not units[unit].leader)
    dead = hostname(juju, victim)
    if location(juju, "moving") != dead:
        lxc(juju, "stop --force moving")
        lxc(juju, f"move moving --target {dead}")
        lxc(juju, "start moving")

    juju.ssh(victim, "sudo systemctl poweroff --no-block || true")
    eventually(lambda: members(juju)[dead]["status"] == "Offline", 120)
    juju.cli("remove-machine", "--force", "--no-prompt", units[victim].machine)

    eventually(lambda: dead not in members(juju), 180)
    expected = f"start default/moving if {dead} is off, or run forget-lost"
    eventually(lambda: juju.status().apps[APP].app_status.message == expected, 60)
    moved = query(juju, "/1.0/instances/moving")
    assert (moved["location"] in members(juju), moved["status"]) == (True, "Stopped")
    lxc(juju, "start moving")
    whole(juju, 2)
    assert lxc(juju, "exec moving -- cat /kept").strip() == "data"
    juju.add_unit(APP)
    whole(juju, 3)


def hostname(juju: jubilant.Juju, unit: str) -> str:
    return juju.ssh(unit, "hostname").strip().split(".")[0]


def test_the_pool_changes_from_ceph_to_folders_and_back(juju: jubilant.Juju, source: str):
    juju.config(APP, {"storage-backend": "dir"})
    eventually(lambda: root(juju) == "local-dir", 90)
    lxc(juju, f"launch -q {source} here")

    juju.config(APP, {"storage-backend": "ceph"})
    eventually(lambda: root(juju) == "local", 90)

    whole(juju, 3)
    assert lxc(juju, "exec moving -- cat /kept").strip() == "data"


def root(juju: jubilant.Juju) -> str:
    return query(juju, "/1.0/profiles/default")["devices"]["root"]["pool"]


@pytest.mark.usefixtures("source")
def test_without_the_relation_nothing_is_taken_away(juju: jubilant.Juju):
    juju.remove_relation(APP, CEPH)

    expected = "the pool local is in a Ceph: integrate that Ceph again"
    juju.wait(
        lambda s: s.apps[APP].app_status.message == expected, delay=0.5, successes=1, timeout=WAIT
    )
    assert lxc(juju, "exec moving -- cat /kept").strip() == "data"
    eventually(lambda: integrated(juju), 60)
    whole(juju, 3)


def integrated(juju: jubilant.Juju) -> bool:
    """Integrates again. Juju refuses until the old relation is gone."""
    juju.integrate(APP, CEPH)
    return True


@pytest.mark.usefixtures("source")
def test_a_file_system_of_ceph_needs_a_kernel_that_has_it(juju: jubilant.Juju):
    if "cephfs" in juju.ssh(f"{APP}/leader", "cat /proc/filesystems"):
        pytest.skip("this kernel has it")
    before = sorted(p["name"] for p in query(juju, "/1.0/storage-pools?recursion=1"))

    juju.config(APP, {"storage-pools": "files: cephfs"})

    juju.wait(
        lambda s: "needs module ceph" in s.apps[APP].app_status.message, delay=0.5, successes=1
    )
    assert sorted(p["name"] for p in query(juju, "/1.0/storage-pools?recursion=1")) == before
    juju.config(APP, {"storage-pools": ""})
    whole(juju, 3)
