"""Whose turn it is to join: one record for all members."""

from __future__ import annotations

from dataclasses import replace

import pytest

import turns
from peers import Place, UnitData
from tests.unit.model_units import ModelApp, formed
from turns import Turn


def turn_of(app: ModelApp) -> str:
    (cluster,) = app.clusters.values()
    return cluster.notes.get(turns.KEY, "")


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("", None),
        ("lxd/1", None),
        ("lxd/1 x m1", None),
        ("lxd/1 0 m1", Turn("lxd/1", 0, "m1")),
        ("lxd/12 3 node-12", Turn("lxd/12", 3, "node-12")),
    ],
)
def test_a_turn_is_read_from_the_notes(text: str, turn: Turn | None):
    assert turns.read({turns.KEY: text}) == turn


@pytest.mark.parametrize(
    ("data", "over"),
    [
        (None, False),
        (UnitData(), False),
        (UnitData(cluster="f"), True),
        (UnitData(attempt=1), True),
    ],
)
def test_a_turn_is_over_when_its_unit_says_so(data: UnitData | None, over: bool):
    app = formed(1)
    lxd = app.view("lxd/0").lxd
    assert lxd is not None

    assert turns.is_over(Turn("lxd/1", 0, "m1"), lxd, data) is over  # pyright: ignore[reportArgumentType]
    assert turns.is_over(Turn("lxd/1", 0, "m0"), lxd, data)  # pyright: ignore[reportArgumentType]


def test_a_formed_cluster_leaves_no_turn_behind():
    assert turn_of(formed(3)) == ""


def with_turn_of_another(app: ModelApp) -> ModelApp:
    """Another maker, which sees things otherwise, has given lxd/2 the turn."""
    app.add(1)
    app.add(2)
    for name in ("lxd/1", "lxd/2"):
        app.hook(name)
    (cluster,) = app.clusters.values()
    cluster.notes[turns.KEY] = "lxd/2 0 m2"
    return app


def test_the_turn_that_another_maker_gave_is_kept():
    app = with_turn_of_another(formed(1))
    app.hook("lxd/0")

    token = app.own("lxd/0").token
    assert token is not None
    assert token.unit == "lxd/2"


def test_the_turn_of_a_unit_that_is_gone_passes_once_it_was_waited_for():
    app = with_turn_of_another(formed(1))
    app.remove("lxd/2")
    app.hook("lxd/0")

    token = app.own("lxd/0").token
    assert token is not None
    assert token.unit == "lxd/1"
    assert app.units["lxd/0"].lxd.awaited == ["m2"]


def test_a_unit_that_leaves_right_after_it_joined_ends_its_turn():
    app = formed(2)
    (cluster,) = app.clusters.values()
    cluster.notes[turns.KEY] = "lxd/1 0 m1"
    app.leaving.add("lxd/1")
    app.hook("lxd/1")
    app.remove("lxd/1")
    app.leaving.clear()
    app.add(2)
    app.settle()

    assert app.units["lxd/0"].lxd.awaited == []
    assert app.own("lxd/2").cluster


def test_who_has_a_token_of_another_maker_too_is_waited_for():
    app = with_turn_of_another(formed(1))
    app.hook("lxd/0")
    token = app.own("lxd/0").token
    assert token is not None
    assert token.adopted
    app.remove("lxd/2")
    app.settle()

    assert app.units["lxd/0"].lxd.awaited == ["m2"]
    assert app.own("lxd/1").cluster


def test_who_has_only_this_makers_token_is_not_waited_for_once_it_is_cancelled():
    app = formed(1)
    app.add(1)
    app.add(2)
    for name in ("lxd/1", "lxd/2", "lxd/0", "lxd/0"):
        app.hook(name)
    app.remove("lxd/1")
    app.settle()

    assert app.units["lxd/0"].lxd.awaited == []
    assert app.own("lxd/2").cluster


def test_the_token_of_another_maker_for_the_same_unit_is_not_taken_for_ones_own():
    app = formed(1)
    app.add(1)
    app.add(2)
    for name in ("lxd/1", "lxd/2", "lxd/0", "lxd/0"):
        app.hook(name)
    (cluster,) = app.clusters.values()
    assert cluster.tokens
    cluster.tokens["m1"] = "that of another maker, not used; ours was"
    app.remove("lxd/1")
    app.settle()

    assert app.units["lxd/0"].lxd.awaited == ["m1"]


def test_a_turn_passes_only_if_it_is_as_it_was_seen():
    app = formed(1)
    lxd = app.units["lxd/0"].lxd
    step = turns.passed(replace(app.view("lxd/0")).lxd, Place(unit="lxd/1"), "m1")  # pyright: ignore[reportArgumentType]
    lxd.shared.notes[turns.KEY] = "lxd/2 0 m2"

    assert not lxd.exchange(step.key, step.before, step.after)
    assert turn_of(app) == "lxd/2 0 m2"
