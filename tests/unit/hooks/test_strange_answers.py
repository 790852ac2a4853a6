# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Answers of Juju that ops cannot parse, and that change during a hook: no hook fails with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ops
import pytest
from ops import hookcmds, testing

import charm
from state.view import View
from steps.plan import Plan
from tests.unit.model_units import formed
from tests.unit.scenarios import names
from tests.unit.stage import PEER, Stage

OWN = testing.Address("10.0.0.1", cidr="10.0.0.0/24")
HOST_NAME = testing.Address("m0.maas", cidr="")
EGRESS = ["192.168.7.5/24"]
"""`juju model-config egress-subnets=192.168.7.5/24`: Juju accepts it, and gives it as it is."""


def bindings(*addresses: testing.Address, **more: Any) -> set[testing.Network]:
    listed = [testing.BindAddress([*addresses])]
    return {testing.Network(name, listed, **more) for name in (PEER, "https")}


STRANGE = {
    "a subnet with bits of a host": bindings(OWN, egress_subnets=EGRESS),
    "a host name without a subnet": bindings(OWN, HOST_NAME),
    "an address without a subnet": bindings(
        testing.Address("10.0.0.1", cidr=""), egress_subnets=EGRESS
    ),
}


@pytest.fixture(params=STRANGE.values(), ids=list(STRANGE))
def networks(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> set[testing.Network]:
    """Bindings that ops refuses; the hook tool itself gives them."""
    given: set[testing.Network] = request.param

    def network_get(binding_name: str) -> hookcmds.Network:
        network = next(n for n in given if n.binding_name == binding_name)
        bound = [
            hookcmds.BindAddress(
                mac_address="",
                interface_name=entry.interface_name,
                addresses=[
                    hookcmds.Address(hostname="", value=a.value, cidr=a.cidr)
                    for a in entry.addresses
                ],
            )
            for entry in network.bind_addresses
        ]
        return hookcmds.Network(
            bind_addresses=bound, egress_subnets=network.egress_subnets or (), ingress_addresses=()
        )

    monkeypatch.setattr(hookcmds, "network_get", network_get)
    return given


def test_a_binding_that_ops_cannot_parse_is_read(
    networks: set[testing.Network], monkeypatch: pytest.MonkeyPatch
):
    app = formed(3)
    stage = Stage(app, app.units["lxd/0"], monkeypatch)

    out = stage.context.run(stage.context.on.update_status(), stage.state(networks=networks))

    assert out.unit_status == ops.ActiveStatus("member m0, voter")


def test_such_a_binding_holds_no_leaving_unit(
    networks: set[testing.Network], monkeypatch: pytest.MonkeyPatch
):
    app = formed(3)
    app.leaving.add("lxd/2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    stage.context.run(stage.context.on.stop(), stage.state(networks=networks))

    assert names(app) == ["m0", "m1"]


def test_leadership_that_moves_during_a_hook_is_not_an_error(monkeypatch: pytest.MonkeyPatch):
    app = formed(1)
    app.add(1)
    app.hook("lxd/1")
    stage = Stage(app, app.units["lxd/0"], monkeypatch)
    lost: list[View] = []
    run = charm.run.run

    def runs(*given: Any) -> Plan:
        plan = run(*given)
        lost.append(given[0])
        return plan

    monkeypatch.setattr(charm.run, "run", runs)

    def is_leader(_: object) -> bool:
        return not lost

    monkeypatch.setattr("scenario.mocking._MockModelBackend.is_leader", is_leader)
    # The leader has something to write.
    before = {k: v for k, v in stage.relation.local_app_data.items() if k != "queue"}
    relation = replace(stage.relation, local_app_data=before)
    state = stage.state(relations={relation})

    out = stage.context.run(stage.context.on.update_status(), state)

    assert lost
    assert "queue" not in out.get_relation(relation.id).local_app_data
