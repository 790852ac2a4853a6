# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The actions that change something: what they refuse, and what they do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from actions import form_again, refusal
from actions import remove_pool as actions_remove_pool
from actions.forget_lost import forget_lost
from actions.refusal import ActionRefused
from actions.retry_join import retry_join
from records import loss_record
from state.facts import Failures
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import note, notes, server, the_cluster, without


@pytest.mark.parametrize("generation", NAMES)
def test_a_loss_is_acknowledged_by_member_or_by_thing(generation: str):
    app = formed(1, generation)
    unit = app.units["lxd/0"]
    note(app, loss_record.LOG + "m2", '["default/c1", "default/c2"]')
    note(app, loss_record.LOG + "m3", '["a/b"]')

    forget_lost(app.view("lxd/0"), unit.ports, "default/c1")
    forget_lost(app.view("lxd/0"), unit.ports, "m3")
    assert loss_record.read(notes(app)) == {"m2": ["default/c2"]}
    forget_lost(app.view("lxd/0"), unit.ports, "m2")
    assert loss_record.read(notes(app)) == {}


def test_what_was_not_lost_cannot_be_acknowledged():
    app = formed(1)

    with pytest.raises(ActionRefused, match="not recorded as lost: there is nothing to name"):
        forget_lost(app.view("lxd/0"), app.units["lxd/0"].ports, "m9")


def test_a_join_is_tried_again_only_where_one_failed():
    app = formed(2)
    unit = app.units["lxd/1"]
    with pytest.raises(ActionRefused):
        retry_join(app.view("lxd/1"), unit.ports)

    unit.machine.failures_ = Failures(3, "no")
    retry_join(app.view("lxd/1"), unit.ports)

    assert unit.machine.failures() is None


def test_nothing_begins_again_while_there_is_a_cluster():
    app = formed(2)

    with pytest.raises(ActionRefused, match="a unit is a member"):
        form_again.form_again(app.view("lxd/0"), form_again.GONE)
    with pytest.raises(ActionRefused, match="only the leader"):
        form_again.form_again(app.view("lxd/1"), form_again.GONE)


def test_no_new_cluster_while_a_unit_of_the_old_one_is_still_leaving():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    app.leaving |= {"lxd/0", "lxd/1"}
    app.databags["lxd/0"] = app.databags["lxd/1"] = {}
    app.leader = "lxd/2"

    with pytest.raises(refusal.ActionRefused, match="lxd/0, lxd/1 has not left yet"):
        form_again.form_again(app.view("lxd/2"), form_again.GONE)
    expected = "waiting: for lxd/0 to leave; if in error: juju show-status-log lxd/0"
    assert str(app.plan("lxd/2").app_status) == expected


@pytest.mark.parametrize("text", ["", "[]", "{", "3", "null"])
def test_what_others_wrote_in_the_record_of_losses_is_not_a_loss(text: str):
    assert loss_record.status({loss_record.LOG + "m2": text}) is None


def test_what_an_older_charm_recorded_as_lost_is_not_forgotten():
    record = loss_record.migrated('{"m2": ["default/c1"], "m3": []}')

    assert loss_record.read(record) == {"m2": ["default/c1"]}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"m2": 3}', "null"])
def test_what_others_wrote_in_an_older_charms_record_is_not_a_loss(text: str):
    assert loss_record.migrated(text) == {}


def switched(generation: str = "5.21") -> ModelApp:
    """A cluster whose default pool has changed."""
    app = formed(3, generation)
    app.options["storage_backend"] = "dir"
    app.settle()
    return app


def remove_pool(app: ModelApp, name: str) -> str:
    return actions_remove_pool.remove_pool(app.view("lxd/0"), app.units["lxd/0"].ports, name)


@pytest.mark.parametrize("generation", NAMES)
def test_a_pool_that_nothing_wants_or_uses_is_removed(generation: str):
    app = switched(generation)

    assert remove_pool(app, "local") == "the pool local is gone from all members"
    assert set(the_cluster(app).pools) == {"local-dir"}
    app.settle()
    assert set(the_cluster(app).pools) == {"local-dir"}


def in_use(app: ModelApp) -> None:
    root = {"type": "disk", "path": "/", "pool": "local"}
    by_hand.launch(server(app, "m1"), "c1", devices={"root": root})


def one_down(app: ModelApp) -> None:
    without(app, "m2")


def as_it_is(app: ModelApp) -> None:
    pass


KEPT = [
    ("local", in_use, "local is in use, and nothing was removed: instances/c1"),
    ("local", one_down, "all members must be up: m2 is not"),
    ("local-dir", as_it_is, "local-dir is asked for"),
    ("other", as_it_is, "there is no pool other: type remove-pool name=local$"),
]


@pytest.mark.parametrize(("name", "change", "why"), KEPT)
def test_a_pool_that_is_used_or_wanted_is_not_removed(
    name: str, change: Callable[[ModelApp], None], why: str
):
    app = switched()
    change(app)

    with pytest.raises(ActionRefused, match=why):
        remove_pool(app, name)

    assert set(the_cluster(app).pools) == {"local", "local-dir"}
