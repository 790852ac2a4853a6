# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Faults while the cluster forms: in the end it is one cluster with all units."""

from __future__ import annotations

from collections.abc import Callable

import jubilant
import pytest

from tests.integration.cluster import (
    eventually,
    formed_again_if_asked,
    gone,
    hostname,
    message,
    removed,
    whole,
)
from tests.integration.conftest import APP, Files


@pytest.fixture
def fresh(juju: jubilant.Juju):
    """Nothing is deployed, before and after."""
    yield
    if APP in juju.status().apps:
        removed(juju)


def leader(status: jubilant.Status) -> str:
    units = status.apps[APP].units if APP in status.apps else {}
    return next((name for name, unit in units.items() if unit.leader), "")


@pytest.mark.rules
@pytest.mark.usefixtures("fresh")
def test_the_leaders_machine_is_lost_while_it_bootstraps(
    juju: jubilant.Juju, deploy: Callable[..., None]
):
    # Juju 4 does not tell the others of the departure: they look in their next hook of any kind.
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(3)
    juju.wait(
        lambda s: bool(leader(s)) and "bootstrap the cluster with" in message(s, leader(s)),
        delay=0.2,
        successes=1,
    )
    status = juju.status()
    lost = leader(status)
    machine = status.apps[APP].units[lost].machine

    juju.cli("remove-machine", "--force", "--no-prompt", machine)

    # Its hook continues, and may publish a cluster that ends with it.
    gone(juju, lost)
    formed_again_if_asked(juju)
    whole(juju, 2)


@pytest.mark.usefixtures("fresh")
def test_a_hook_is_killed_while_it_joins(juju: jubilant.Juju, deploy: Callable[..., None]):
    deploy(3)

    def joining(status: jubilant.Status) -> str:
        units = status.apps[APP].units if APP in status.apps else {}
        return next((u for u in units if "join the cluster as" in message(status, u)), "")

    juju.wait(lambda status: bool(joining(status)), delay=0.2, successes=1)
    victim = joining(juju.status())
    if victim:
        juju.ssh(victim, "sudo pkill -KILL -f [s]rc/charm.py || true")

    whole(juju, 3)


@pytest.mark.usefixtures("fresh")
def test_members_and_users_may_be_in_different_spaces(
    juju: jubilant.Juju, deploy: Callable[..., None], spaces: tuple[str, str]
):
    public, inner = spaces
    deploy(2, bind=f"{public} cluster={inner}")

    rows = whole(juju, 2)

    for unit in juju.status().apps[APP].units:
        get = "network-get --ingress-address"
        for_users = juju.exec(f"{get} https", unit=unit).stdout.strip()
        between = juju.exec(f"{get} cluster", unit=unit).stdout.strip()
        assert between in rows[hostname(juju, unit)]["url"]
        assert for_users != between


@pytest.mark.usefixtures("fresh")
def test_without_the_store_a_unit_waits_and_an_attached_snap_helps(
    juju: jubilant.Juju, files: Files
):
    if files.lxd_snap is None:
        pytest.skip("these machines reach the store")
    juju.deploy(files.charm, APP)
    juju.wait(lambda s: jubilant.all_waiting(s, APP), delay=0.5, successes=1)
    eventually(lambda: "could not install the LXD snap" in message(juju.status(), f"{unit(juju)}"))

    juju.cli("attach-resource", APP, f"lxd-snap={files.lxd_snap}")

    whole(juju, 1)


def unit(juju: jubilant.Juju) -> str:
    """The only unit's name."""
    (name,) = juju.status().apps[APP].units
    return name
