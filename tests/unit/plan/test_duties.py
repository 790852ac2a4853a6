# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The application's status names the unit whose turn it is: its agent may be down."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plan.duties import coordinator
from state.peers import AppData, QueueEntry
from state.view import Peers
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later
from tests.unit.views import data, lxd, member, peers


def hooks(app: ModelApp, *units: str) -> None:
    """Some hours in which only these units' agents run."""
    for _ in range(12):
        later(app, 1200.0)
        for name in units:
            app.hook(name)


def test_the_token_issuer_is_named():
    app = formed(3)
    app.add(3)

    hooks(app, "lxd/0", "lxd/1", "lxd/3")

    status = "waiting: lxd/2 makes the tokens: 3 of 4 units joined, missing lxd/3"
    assert str(app.plan("lxd/0").app_status) == status


def test_a_unit_whose_new_lxd_has_not_answered_coordinates_nothing():
    """LXD 5.0 calls it online while it waits for the other members' version."""
    seen = lxd(member(0), member(1), member(2))
    queue = (QueueEntry(unit="lxd/1"), QueueEntry(unit="lxd/2"))
    names = [
        coordinator("lxd/0", among(queue, package=package), seen) for package in ("5.0.2", "5.0.3")
    ]

    assert names == ["lxd/1", "lxd/2"]


def among(queue: tuple[QueueEntry, ...], package: str) -> Peers:
    """Unit 0's peers. LXD 5.0.2 was the last that answered unit 1."""
    others = {1: data(1, lxd="5.0.2", package=package), 2: data(2, lxd="5.0.2", package="5.0.2")}
    return replace(peers(data(0), others), app=AppData(queue=queue))


WAITS = [
    ({"storage_pools": "{fast: dir}"}, "for lxd/0 to make the pool fast"),
    ({"networks": "{fast: bridge}"}, "for lxd/0 to answer about the network fast"),
]


@pytest.mark.parametrize(("options", "reason"), WAITS)
def test_the_coordinator_is_named(options: dict[str, str], reason: str):
    app = formed(3)
    app.leader = "lxd/1"
    app.settle()
    app.options |= options

    hooks(app, "lxd/1", "lxd/2")

    assert str(app.plan("lxd/1").app_status) == f"waiting: {reason}"
    app.settle()
    assert str(app.plan("lxd/1").app_status) == "active: 3 members, 3 voters"
