# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A majority of the voters is gone for good; a join fails and is tried again."""

from __future__ import annotations

from dataclasses import replace

import pytest

import deadlines
from actions import recover_quorum, refusal
from actions.refusal import ActionRefused
from actions.retry_join import retry_join
from lab.bench.bench import Bench
from lab.machines import cgroups, processes
from lxd.api import LxdApi
from lxd.http import Request, Response
from lxd.socket import LxdSocket
from state import peers
from state.view import Units
from tests.bench.containers import launch
from tests.bench.drive import all_active, together, until
from tests.bench.units import BenchApp, BenchUnit, formed

FOLLOWS = 120.0
"""Seconds until the other survivors are members of the recovered cluster again."""


def recover(app: BenchApp, unit: str) -> str:
    """The action on a unit, and the data that the unit publishes."""
    view = replace(app.view(unit), units=Units(frozenset(app.units)))
    try:
        return recover_quorum.recover_quorum(
            view, app.units[unit].ports, "", refusal.confirmation("recover", unit)
        )
    except recover_quorum.RecoveryRefused as refused:
        app.databags[unit] = peers.dump(refused.own)
        raise


def roles(app: BenchApp) -> tuple[list[str], list[str]]:
    """The units whose members vote, and the others."""
    members = app.units["lxd/0"].lxd.members.list()
    vote = {m.address for m in members if m.voter}
    voters = [name for name, unit in app.units.items() if unit.address in vote]
    return voters, [name for name in app.units if name not in voters]


@pytest.mark.long
def test_the_newest_of_the_survivors_recovers_and_its_containers_run_on(
    ground: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(deadlines, "UNRESPONSIVE", 1.0)
    app = formed(ground, 5)
    until(app, lambda: len(roles(app)[0]) == 3, 60)
    voters, stand_bys = roles(app)
    survivor = app.units[voters[0]]
    launch(app, "c0", survivor.node.place.hostname)
    before = _containers(survivor)
    for name in voters[1:]:
        app.release(name)
    until(app, lambda: "quorum" in str(app.hook(voters[0]).status), 120)
    app.leader = voters[0]

    with pytest.raises(ActionRefused, match="has not said yet"):
        recover(app, voters[0])
    together(app)
    refusals = _refusals(app, stand_bys)
    assert all("run it on" in refusal or "has not said yet" in refusal for refusal in refusals), (
        refusals
    )
    recover(app, voters[0])

    until(app, lambda: all_active(app), FOLLOWS)
    members = {m.name for m in survivor.lxd.members.list()}
    assert members == {unit.node.place.hostname for unit in app.units.values()}
    assert _containers(survivor) == before


def _refusals(app: BenchApp, units: list[str]) -> list[str]:
    found: list[str] = []
    for name in units:
        with pytest.raises(ActionRefused) as refused:
            recover(app, name)
        found.append(str(refused.value))
    return found


def _containers(unit: BenchUnit) -> set[processes.Process]:
    """The first processes of its containers, and of its node."""
    name = unit.node.place.name
    return {p for p in cgroups.members(name) if processes.is_first_of_namespace(p)}


def test_joins_that_failed_are_tried_again(ground: Bench):
    """LXD then has the joining server's certificate, and from 5.21 on accepts no other."""
    app = formed(ground, 2)
    until(app, lambda: all_active(app), 60)
    unit = app.add(2)
    well = unit.ports
    unit.ports = replace(well, lxd=LxdApi(Spoiled(str(unit.node.socket))))
    until(app, lambda: "run retry-join" in str(app.plan("lxd/2").status), 240)
    unit.ports = well

    retry_join(app.view("lxd/2"), unit.ports)

    until(app, lambda: all_active(app), 120)
    assert len(app.units["lxd/0"].lxd.members.list()) == 3


class Spoiled(LxdSocket):
    """Joins with a missing folder for the pool: LXD sees that once it trusts the server."""

    def send(self, request: Request, seconds: float) -> Response:
        """The same, except for joins."""
        if request.method == "PUT" and request.path == "/1.0/cluster":
            wrong = {
                "entity": "storage-pool",
                "name": "local",
                "key": "source",
                "value": "/no/such",
            }
            request = replace(request, body={**request.body, "member_config": [wrong]})
        return super().send(request, seconds)
