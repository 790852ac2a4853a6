# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The join lock: one record for all members."""

from __future__ import annotations

import pytest

from records import join_lock
from records.join_lock import JoinLock
from state.cluster import ClusterView
from state.peers import QueueEntry, UnitData
from steps.forming import AwaitJoin
from tests.lxd_model.generations import NAMES
from tests.unit.joins import two_waiting
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import cluster_api, give_join_lock, notes, use_token


def waited(app: ModelApp) -> list[str]:
    """The joins that the first unit has waited for."""
    awaited = {str(AwaitJoin(f"m{number}")) for number in range(10)}
    return [step for step in app.units["lxd/0"].shown_steps if step in awaited]


@pytest.mark.parametrize(
    ("text", "lock"),
    [
        ("", None),
        ("lxd/1", None),
        ("lxd/1 x m1", None),
        ("lxd/1 0 m1", JoinLock("lxd/1", 0, "m1")),
        ("lxd/12 3 node-12", JoinLock("lxd/12", 3, "node-12")),
        ("lxd/1 0 m1 m0", JoinLock("lxd/1", 0, "m1")),
        ("- m0", None),
    ],
)
def test_a_join_lock_is_read_from_the_notes(text: str, lock: JoinLock | None):
    assert join_lock.read({f"{join_lock.LOG}1": text}) == lock


def test_the_last_join_lock_counts():
    noted = {f"{join_lock.LOG}{number}": f"lxd/{number} 0 m{number}" for number in (9, 10, 8)}

    assert join_lock.read(noted) == JoinLock("lxd/10", 0, "m10")


@pytest.mark.parametrize(
    ("data", "over"),
    [
        (None, False),
        (UnitData(), False),
        (UnitData(cluster="f"), True),
        (UnitData(attempt=1), True),
    ],
)
def test_a_join_lock_is_over_when_its_unit_says_so(data: UnitData | None, over: bool):
    app = formed(1)
    lxd = app.view("lxd/0").lxd
    assert isinstance(lxd, ClusterView)

    assert join_lock.is_over(JoinLock("lxd/1", 0, "m1"), lxd, data) is over
    assert join_lock.is_over(JoinLock("lxd/1", 0, "m0"), lxd, data)


@pytest.mark.parametrize("generation", NAMES)
def test_a_formed_cluster_leaves_no_join_lock_behind(generation: str):
    assert join_lock.read(notes(formed(3, generation))) is None


def with_lock_of_another(app: ModelApp) -> ModelApp:
    """Another token issuer, which sees another state, has given lxd/2 the turn."""
    app.add(1)
    app.add(2)
    for name in ("lxd/1", "lxd/2"):
        app.hook(name)
    return give_join_lock(app, "lxd/2 0 m2 m9")


def test_the_join_lock_that_another_issuer_gave_is_kept():
    app = with_lock_of_another(formed(1))
    app.hook("lxd/0")

    token = app.own("lxd/0").token
    assert token is not None
    assert token.unit == "lxd/2"


@pytest.mark.parametrize("generation", NAMES)
def test_the_join_lock_of_a_unit_that_is_gone_passes_once_it_was_waited_for(generation: str):
    app = with_lock_of_another(formed(1, generation))
    app.remove("lxd/2")
    app.hook("lxd/0")

    token = app.own("lxd/0").token
    assert token is not None
    assert token.unit == "lxd/1"
    assert str(AwaitJoin("m2")) in app.units["lxd/0"].shown_steps


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_that_leaves_right_after_it_joined_ends_its_turn(generation: str):
    app = formed(2, generation)
    give_join_lock(app, "lxd/1 0 m1 m0")
    app.leaving.add("lxd/1")
    app.hook("lxd/1")
    app.remove("lxd/1")
    app.leaving.clear()
    app.add(2)
    app.settle()

    assert not waited(app)
    assert app.own("lxd/2").cluster


def test_a_unit_with_a_token_of_another_issuer_too_is_waited_for():
    app = with_lock_of_another(formed(1))
    app.hook("lxd/0")
    token = app.own("lxd/0").token
    assert token is not None
    assert token.adopted
    app.remove("lxd/2")
    app.settle()

    assert str(AwaitJoin("m2")) in app.units["lxd/0"].shown_steps
    assert app.own("lxd/1").cluster


def test_a_unit_with_only_this_issuers_token_is_not_waited_for_once_it_is_cancelled():
    app = two_waiting()
    app.remove("lxd/1")
    app.settle()

    assert not waited(app)
    assert app.own("lxd/2").cluster


def test_the_token_of_another_issuer_for_the_same_unit_is_not_taken_for_ones_own():
    app = two_waiting()
    # Our token was used; the other issuer's was not.
    use_token(app, "m1")
    cluster_api(app).cluster.make_token("m1")
    app.remove("lxd/1")
    app.settle()

    assert str(AwaitJoin("m1")) in app.units["lxd/0"].shown_steps


@pytest.mark.parametrize("generation", NAMES)
def test_a_join_lock_passes_only_if_it_is_as_it_was_seen(generation: str):
    app = formed(1, generation)
    lxd = app.view("lxd/0").lxd
    assert isinstance(lxd, ClusterView)
    step = join_lock.granted(lxd, QueueEntry(unit="lxd/1"), "m1")
    give_join_lock(app, "lxd/2 0 m2 m9")

    assert not cluster_api(app).notes.append(step.log, step.number, step.entry)
    assert join_lock.read(notes(app)) == JoinLock("lxd/2", 0, "m2")
