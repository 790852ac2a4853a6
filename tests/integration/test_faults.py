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


def deployed_until(juju: jubilant.Juju, deploy: Callable[..., None], act: str) -> str:
    """Deploys three units until the status of one names an act, and returns that unit.

    An act can be over before its status is read. Then the units are deployed again.
    """

    def acting(status: jubilant.Status) -> str:
        return next((u for u in status.apps[APP].units if act in message(status, u)), "")

    for _ in range(5):
        deploy(3)
        status = juju.wait(
            lambda s: bool(acting(s)) or jubilant.all_active(s, APP), delay=0.1, successes=1
        )
        if unit := acting(status):
            return unit
        removed(juju)
    pytest.fail(f"no status with {act!r} in five deployments")


@pytest.mark.rules
@pytest.mark.usefixtures("fresh")
def test_the_leaders_machine_is_lost_while_it_bootstraps(
    juju: jubilant.Juju, deploy: Callable[..., None]
):
    # Juju 4 does not tell the others of the departure: they look in their next hook of any kind.
    juju.model_config({"update-status-hook-interval": "10s"})
    lost = deployed_until(juju, deploy, "bootstrap the cluster with")

    machine = juju.status().apps[APP].units[lost].machine
    juju.cli("remove-machine", "--force", "--no-prompt", machine)

    # Its hook continues, and may publish a cluster that ends with it.
    gone(juju, lost)
    formed_again_if_asked(juju)
    whole(juju, 2)


@pytest.mark.usefixtures("fresh")
def test_a_hook_is_killed_while_it_joins(juju: jubilant.Juju, deploy: Callable[..., None]):
    victim = deployed_until(juju, deploy, "join the cluster as")

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
