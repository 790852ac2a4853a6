# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operators rename several members, and one gets the name that another one had."""

from __future__ import annotations

import pytest

from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    api,
    changed,
    later,
    leaving,
    locations,
    names,
    note,
    notes,
    server,
    the_cluster,
    with_instance,
    with_volume,
    without,
)

CHAIN = (("m2", "rack2"), ("m1", "m2"))
EXCHANGE = (("m1", "x"), ("m2", "m1"), ("x", "m2"))

pytestmark = pytest.mark.parametrize("generation", NAMES)


def renamed(app: ModelApp, *changes: tuple[str, str]) -> ModelApp:
    """An operator renames members, in this order."""
    for old, new in changes:
        by_hand.rename_member(server(app, "m0"), old, new)
    return app


def before_addresses(app: ModelApp) -> ModelApp:
    """A charm whose records have no addresses has written them."""
    for key, value in notes(app).items():
        if key.startswith(("unit.", "admitted.")):
            note(app, key, " ".join(value.split()[:2]))
    return app


def trusted(app: ModelApp) -> dict[str, str]:
    """By unit: the name under which the cluster trusts its member, if it does."""
    names_by_certificate = the_cluster(app).trusted
    certificates = {name: unit.server.certificate for name, unit in app.units.items()}
    return {
        n: names_by_certificate[c] for n, c in certificates.items() if c in names_by_certificate
    }


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("changes", [CHAIN, EXCHANGE])
def test_each_unit_keeps_its_own_member(
    changes: tuple[tuple[str, str], ...], older: bool, generation: str
):
    app = formed(4, generation)
    app = renamed(before_addresses(app) if older else app, *changes)
    for _ in range(2):
        for unit in app.units:
            app.hook(unit)

    for number in (1, 2):
        own, unit = app.own(f"lxd/{number}"), app.units[f"lxd/{number}"]
        assert own.address == unit.address
        assert server(app, own.name) is unit.server
        assert notes(app)[f"unit.{own.name}"] == f"lxd/{number} 0 {unit.address}"
        assert trusted(app)[f"lxd/{number}"] == own.name
        assert unit.ports.lxd.server.get().name == own.name
    assert {app.plan(unit).steps for unit in app.units} == {()}


@pytest.mark.parametrize("older", [False, True])
def test_a_forced_removal_of_one_does_not_remove_the_other(older: bool, generation: str):
    app = with_volume(with_instance(formed(5, generation), "m1"), "m1")
    app = renamed(before_addresses(app) if older else app, *CHAIN)
    without(app, "m2").remove("lxd/2")
    for _ in range(3):
        app.hook("lxd/0")

    assert "m2" in names(app)
    assert locations(app) == {"c1": "m2"}


def test_the_right_one_is_removed_once_both_are_gone(generation: str):
    app = renamed(formed(5, generation), *CHAIN)
    without(app, "rack2").remove("lxd/2")
    app.settle()

    assert names(app) == ["m0", "m2", "m3", "m4"]
    assert set(the_cluster(app).trusted.values()) == {"m0", "m2", "m3", "m4"}


@pytest.mark.parametrize(("unit", "number"), [("lxd/1", 1), ("lxd/2", 2)])
@pytest.mark.parametrize("changes", [CHAIN, EXCHANGE])
def test_a_unit_that_leaves_right_after_that_removes_only_its_own_member(
    changes: tuple[tuple[str, str], ...], unit: str, number: int, generation: str
):
    app = with_instance(with_instance(formed(4, generation), "m2", name="on2"), "m1", name="on1")
    leaving(renamed(app, *changes), unit)
    for _ in range(2):
        app.hook(unit)
        later(app, 10.0)

    assert app.hook(unit).hold == ""
    stays = app.units[f"lxd/{3 - number}"]
    addresses = {row.address.rpartition(":")[0] for row in the_cluster(app).members}
    assert addresses == {"10.0.0.1", "10.0.0.4", stays.address}
    assert server(app, locations(app)[f"on{3 - number}"]) is stays.server
    assert trusted(app).keys() == set(app.units) - {unit}


def test_a_unit_that_got_a_name_before_leaves_later(generation: str):
    app = renamed(formed(4, generation), *CHAIN)
    for _ in range(2):
        for unit in app.units:
            app.hook(unit)
    leaving(app, "lxd/1")
    for _ in range(3):
        app.hook("lxd/1")

    assert names(app) == ["m0", "m3", "rack2"]
    assert "lxd/2" in trusted(app)


@pytest.mark.parametrize("older", [False, True])
def test_no_unit_is_called_unreadable(older: bool, generation: str):
    app = formed(4, generation)
    app = renamed(before_addresses(app) if older else app, *CHAIN)

    assert "cannot be read" not in str(app.hook("lxd/0").app_status)


def test_a_member_with_its_own_volume_leaves_before_its_unit_knows_its_name(generation: str):
    app = renamed(formed(3, generation, storage_images_volume="local"), ("m2", "moved"))
    plan = leaving(app, "lxd/2").hook("lxd/2")

    assert plan.hold == ""
    assert names(app) == ["m0", "m1"]
    assert app.units["lxd/2"].snap.reloads == (generation == "5.0")


def test_a_mark_and_what_was_stopped_follow_the_member(generation: str):
    app = formed(4, generation)
    note(note(app, "leaving.m2", "leaving"), "ran.m2", "default/c1")
    renamed(app, *CHAIN)
    for _ in range(2):
        app.hook("lxd/0")

    left = {k: v for k, v in notes(app).items() if k.startswith(("leaving.", "ran."))}
    assert left == {"leaving.rack2": "leaving", "ran.rack2": "default/c1"}


def test_a_member_that_is_the_operator_s_stays_so_under_another_name(generation: str):
    app = formed(4, generation)
    note(app, "kept.m3", "yes")
    app.remove("lxd/3")
    without(renamed(app, ("m3", "mine")), "mine")
    app.settle()

    assert "mine" in names(app)


def gateways(app: ModelApp) -> set[str]:
    return {row.name for row in the_cluster(app).members if "ovn-chassis" in row.given}


def test_a_gateway_of_another_name_is_none_without_the_option(generation: str):
    app = changed(formed(3, generation), ovn_gateways="*")
    renamed(app, *CHAIN)
    app.settle()

    changed(app, ovn_gateways="")

    assert gateways(app) == set()


def test_a_gateway_that_an_operator_chose_stays_under_another_name(generation: str):
    app = formed(3, generation)
    api(app).members.set_role("ovn-chassis", {"m1": True})
    changed(app, ovn_gateways="m1 m2")
    renamed(app, *EXCHANGE)
    app.settle()

    changed(app, ovn_gateways="")

    assert gateways(app) == {"m2"}


def test_gateways_that_an_older_charm_noted_are_noted_again(generation: str):
    app = changed(formed(3, generation), ovn_gateways="*")
    note(app, "gateways", " ".join(names(app)))
    app.settle()
    renamed(app, *CHAIN)
    app.settle()

    changed(app, ovn_gateways="")

    assert gateways(app) == set()


def test_a_member_that_is_renamed_twice_during_a_hook_is_trusted_by_its_last_name(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    """LXD 6.9 could not remove it otherwise."""
    app = formed(3, generation)
    by_hand.rename_member(server(app, "m0"), "m2", "m2r")
    written = app.units["lxd/2"].ports.lxd.notes
    write = written.write

    def renamed_again(values: dict[str, str]) -> None:
        if "unit.m2r" in values and "m2r" in names(app):
            by_hand.rename_member(server(app, "m0"), "m2r", "m2rr")
        write(values)

    monkeypatch.setattr(written, "write", renamed_again)
    app.hook("lxd/2")

    trusted = the_cluster(app).trusted
    assert trusted[app.units["lxd/2"].server.certificate] == "m2rr"
