# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A real Juju's data of a unit's bindings, through ops."""

from __future__ import annotations

import ops
import pytest
from ops import testing

from hooks import reading
from lxd.api import LxdApi
from options.options import Options
from tests.unit.model_units import ModelApp, formed
from tests.unit.stage import PEER, Stage

BINDINGS = (PEER, "https")


def networks(*addresses: testing.Address) -> set[testing.Network]:
    """Both bindings with these addresses, in this order."""
    return {testing.Network(name, [testing.BindAddress(list(addresses))]) for name in BINDINGS}


def run(stage: Stage, event: str, **state: object) -> testing.State:
    return stage.context.run(getattr(stage.context.on, event)(), stage.state(**state))


@pytest.fixture
def member(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The first of three members."""
    app = formed(3)
    return Stage(app, app.units["lxd/0"], monkeypatch)


OWN = testing.Address("10.0.0.1", cidr="10.0.0.0/24")


@pytest.mark.parametrize(
    "other",
    [
        # keepalived's: Juju 3.6 sorts a binding's addresses as text.
        testing.Address("10.0.0.0", cidr="10.0.0.0/32"),
        testing.Address("10.0.0.0", cidr="10.0.0.0/24"),
        testing.Address("m0.maas", cidr="10.0.0.0/24"),
    ],
)
def test_another_address_that_is_listed_first_changes_nothing(
    member: Stage, other: testing.Address
):
    out = run(member, "config_changed", networks=networks(other, OWN))

    assert out.unit_status == ops.ActiveStatus("member m0, voter")
    config = LxdApi(member.unit.server.lxd).server.get().config
    assert config["core.https_address"] == "10.0.0.1:8443"


def test_a_joiner_takes_its_own_address_and_not_the_virtual_one(
    monkeypatch: pytest.MonkeyPatch,
):
    """Output of network-get beside keepalived, from canonical/operator issue 1556."""
    app = formed(1)
    unit = app.add(1)
    unit.address = unit.server.address = "10.20.0.90"
    stage = Stage(app, unit, monkeypatch)
    virtual = testing.Address("10.20.0.80", cidr="10.20.0.80/32")
    own = testing.Address("10.20.0.90", cidr="10.20.0.0/24")

    out = run(stage, "config_changed", networks=networks(virtual, own))

    (peer,) = out.relations
    assert isinstance(peer, testing.PeerRelation)
    assert peer.local_unit_data["address"] == '"10.20.0.90"'


@pytest.mark.parametrize("event", ["install", "config_changed", "update_status", "stop"])
def test_a_binding_without_a_network_is_not_an_error(event: str, monkeypatch: pytest.MonkeyPatch):
    """Juju 4.0 on a MAAS with named spaces and no --bind."""
    app = ModelApp()
    stage = Stage(app, app.add(0), monkeypatch)

    def refuse(*_: object, **__: object) -> None:
        raise ops.ModelError('ERROR no network config found for binding "cluster"\n')

    # The stand-in for hook tools in ops' tests has no such answer.
    monkeypatch.setattr("scenario.mocking._MockModelBackend.network_get", refuse)

    out = run(stage, event)

    if event != "stop":
        reason = "the binding cluster has no network: juju bind lxd SPACE"
        assert out.unit_status == ops.BlockedStatus(reason)


def test_an_interface_without_an_address_is_passed_over(monkeypatch: pytest.MonkeyPatch):
    """Juju 4.0 may list one first (juju issue 22616 shows it elsewhere)."""
    app = formed(1)
    stage = Stage(app, app.add(1), monkeypatch)
    own = testing.Address("10.0.0.2", cidr="10.0.0.0/24")
    listed = [testing.BindAddress([]), testing.BindAddress([own])]

    out = run(stage, "install", networks={testing.Network(name, listed) for name in BINDINGS})

    (peer,) = out.relations
    assert isinstance(peer, testing.PeerRelation)
    assert peer.local_unit_data["address"] == '"10.0.0.2"'


def test_networks_are_not_on_a_bridge_of_their_own(monkeypatch: pytest.MonkeyPatch):
    """Juju 4.0 lists lxdbr0 first, and two cards in any order."""
    app = formed(1)
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    cards = [
        testing.BindAddress(
            [testing.Address("10.9.9.1", cidr="10.9.9.0/24")], interface_name="lxdbr0"
        ),
        testing.BindAddress(
            [testing.Address("10.0.0.9", cidr="10.0.0.0/24")], interface_name="eth1"
        ),
        testing.BindAddress(
            [testing.Address("10.0.0.1", cidr="10.0.0.0/24")], interface_name="eth0"
        ),
    ]
    there = {testing.Network("network", cards), *networks(OWN)}
    state = stage.state(networks=there)

    with stage.context(stage.context.on.update_status(), state) as manager:
        options = Options(network_mode="macvlan", networks="{lan: macvlan}")
        assert reading.bound(manager.charm.model, options).interface == "eth0"
