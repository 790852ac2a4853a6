# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What only members may say counts only from members, by LXD's own record."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from plan.verified_peers import verified
from state import peers
from state.cluster import ClusterView
from state.peers import Contribution, ContributionRequest, ParentInterface, UnitData
from tests.unit.model_units import ModelApp, formed

WORDS: dict[str, Any] = {
    "offers": {"s": Contribution(device="/dev/sda")},
    "links": {"q": ParentInterface(parent="eth9")},
    "refused": {"lxd/0": "no"},
    "missed": {"lxd/1": 0},
    "call": ContributionRequest(pool="x", backend="dir", serial="s"),
    "spread": ("lan",),
    "problem": "all is lost",
}


def said(app: ModelApp, unit: str, **words: object) -> UnitData:
    """The data that count for lxd/0 from a unit that says this."""
    data = app.own(unit).model_copy(update={**WORDS, **words})
    app.databags[unit] = peers.dump(data)
    view = app.view("lxd/0")
    assert view.peers is not None
    return view.peers.others[unit]


def test_a_members_words_count():
    app = formed(3)

    data = said(app, "lxd/2")

    assert {key: getattr(data, key) for key in WORDS} == WORDS


def test_a_unit_that_never_joined_says_nothing_of_pools_and_networks():
    app = formed(3)
    app.add(3)
    app.databags["lxd/3"] = {}

    data = said(app, "lxd/3", able=True, name="m3", address="10.0.0.4")

    assert data == UnitData(able=True, name="m3", address="10.0.0.4")


def test_a_unit_that_says_it_is_anothers_member_is_named():
    app = formed(3)
    app.add(3)
    app.databags["lxd/3"] = {}
    cluster = app.own("lxd/1").cluster

    data = said(app, "lxd/3", cluster=cluster, name="m1", address="10.0.0.2")

    assert not data.cluster
    assert data.offers == {}
    assert str(app.plan("lxd/0").app_status) == (
        "blocked: lxd/3: its membership cannot be read; refresh or remove it"
    )
    view = app.view("lxd/0")
    assert view.peers is not None
    assert view.peers.others["lxd/1"].cluster == cluster


def test_a_unit_that_never_joined_decides_no_members_disk():
    app = formed(3)
    app.options["storage_pools"] = "{fast: zfs}"
    app.add(3)
    for name in ("lxd/0", "lxd/1", "lxd/2"):
        app.hook(name)
    call = app.own("lxd/0").call
    assert call is not None
    lie = UnitData(
        name="m1",
        address="10.0.0.2",
        cluster=app.own("lxd/0").cluster,
        offers={call.serial: Contribution(device="/dev/sda")},
    )
    app.databags["lxd/3"] = peers.dump(lie)
    steps = app.plan("lxd/0").steps

    assert "/dev/sda" not in str([getattr(step, "members", "") for step in steps])


def test_a_member_of_an_older_charm_has_no_note_and_counts():
    app = formed(2)
    view = app.view("lxd/0")
    assert isinstance(view.lxd, ClusterView)
    assert view.peers is not None

    assert verified(view.peers, replace(view.lxd, notes={})).others["lxd/1"].cluster


def test_one_bad_unit_is_named_and_the_others_go_on():
    app = formed(3)
    app.databags["lxd/2"]["key"] = json.dumps("no key")
    app.databags["lxd/1"]["attempt"] = "[" * 100_000

    plan = app.plan("lxd/0")

    assert str(plan.app_status) == (
        "blocked: lxd/1: its attempt cannot be read; refresh or remove it"
    )
    assert str(plan.status).startswith("active")
    assert app.plan("lxd/1").own is not None


def test_a_units_own_databag_is_written_again():
    app = formed(2)
    app.databags["lxd/1"]["attempt"] = "x"

    app.settle()

    assert not app.own("lxd/1").invalid_key


def test_an_application_that_cannot_be_read_is_not_taken_for_a_new_one():
    app = formed(2)
    app.app_data["storage"] = '{"backend": "bcachefs", "pool": "local"}'

    for unit in app.units:
        plan = app.plan(unit)
        assert str(plan.status) == (
            "blocked: the application's storage cannot be read: refresh the charm"
        )
        assert (plan.steps, plan.own, plan.app) == ((), None, None)
