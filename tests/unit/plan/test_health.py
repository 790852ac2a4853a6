# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools and networks that do not work: in the unit's status and in the application's."""

from __future__ import annotations

from contextlib import suppress

import pytest

from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, root, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    ETH1,
    api,
    changed,
    later,
    names,
    on_machines,
    server,
    with_half_made_pool,
)


def with_half_made_network(app: ModelApp, name: str, status: str) -> ModelApp:
    """Somebody began to make a network: it is defined, and on all members but one also Errored."""
    last = server(app, "m2")

    def ends() -> None:
        if status == "Pending":
            raise LxdUnreachable("its issuer ended")
        last.kill_daemon()

    with suppress(LxdError, LxdUnreachable):
        api(app).networks.create(name, "bridge", {}, {member: {} for member in names(app)}, ends)
    last.start_daemon()
    return later(app, 10.0)


def statuses_of_all(app: ModelApp) -> dict[str, str]:
    """The statuses once each unit has published its own."""
    for unit in app.units:
        app.hook(unit)
    return statuses(app)


def test_a_pool_that_one_member_cannot_use():
    app = formed(3)
    server(app, "m1").unmounted.add("local")

    unit_statuses = statuses_of_all(app)

    why = "pool local is not here: LXD cannot mount it; bring it back"
    assert unit_statuses["lxd/1"] == f"blocked: {why}"
    assert unit_statuses["app"] == f"blocked: lxd/1: {why}"
    assert unit_statuses["lxd/0"] == "active: member m0, voter"
    server(app, "m1").unmounted.clear()
    assert statuses_of_all(app)["app"] == "active: 3 members, 3 voters"


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_that_does_not_run_on_one_member(generation: str):
    """Another program has the port of its DNS server there."""
    app = formed(3, generation)
    server(app, "m1").dns_taken = True
    changed(app, networks="lan: bridge")

    unit_statuses = statuses_of_all(app)

    why = "network lan does not run here: "
    assert unit_statuses["lxd/1"].startswith(f"blocked: {why}")
    assert unit_statuses["app"].startswith(f"blocked: lxd/1: {why}")
    assert unit_statuses["lxd/0"] == "active: member m0, voter"


STATUSES = ["Pending", "Errored"]


@pytest.mark.parametrize("status", STATUSES)
def test_a_pool_of_the_operators_that_is_half_made(status: str):
    app = with_half_made_pool(formed(3), "mine", "dir", status)

    unit_statuses = statuses_of_all(app)

    why = "pool mine is half made: lxc storage delete mine"
    assert unit_statuses["lxd/0"] == f"blocked: {why}"
    assert unit_statuses["app"] in (f"blocked: {why}", f"blocked: lxd/0: {why}")


@pytest.mark.parametrize("leader", ["lxd/0", "lxd/1"])
@pytest.mark.parametrize("status", STATUSES)
def test_a_network_of_the_operators_that_is_half_made(status: str, leader: str):
    app = with_half_made_network(formed(3), "mine", status)
    app.leader = leader

    unit_statuses = statuses_of_all(app)

    why = f"network mine is {status.lower()}: finish it, or lxc network delete mine"
    assert unit_statuses["lxd/0"] == f"blocked: {why}"
    assert unit_statuses["app"] in (f"blocked: {why}", f"blocked: lxd/0: {why}")


def test_the_command_quotes_the_name_of_a_pool():
    app = with_half_made_pool(formed(2), "my pool", "dir", "Pending")

    why = "pool my pool is half made: lxc storage delete 'my pool'"
    assert statuses_of_all(app)["lxd/0"] == f"blocked: {why}"


@pytest.mark.parametrize("status", STATUSES)
def test_a_half_made_default_pool_that_no_option_asks_for_any_more(status: str):
    """The option was set back before the pool was made."""
    app = with_half_made_pool(formed(3, storage_backend="btrfs"), "local-dir", "dir", status)

    why = "pool local-dir is half made: lxc storage delete local-dir"
    assert statuses_of_all(app)["lxd/0"] == f"blocked: {why}"

    changed(app, storage_backend="dir")
    assert root(app) == "local-dir"
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_a_half_made_default_network_is_made_again_under_its_name():
    """LXD has its type, and not yet the charm's key for its mode."""
    app = with_half_made_network(formed(3, network_mode="none"), "lxdbr0", "Pending")

    changed(app, network_mode="vxlan")

    assert network(app, "lxdbr0")["user.lxd-cluster.mode"] == "vxlan"
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


@pytest.mark.parametrize(
    "options", [{"network_mode": "none"}, {"network_mode": "macvlan", "network_parent": "eth1"}]
)
@pytest.mark.parametrize("status", STATUSES)
def test_a_half_made_default_network_that_no_option_asks_for_any_more(
    status: str, options: dict[str, str]
):
    app = on_machines(formed(3, network_mode="none"), ETH1)
    with_half_made_network(app, "lxdbr0", status)
    changed(app, **options)

    why = f"network lxdbr0 is {status.lower()}: finish it, or lxc network delete lxdbr0"
    assert statuses_of_all(app)["lxd/0"] == f"blocked: {why}"
