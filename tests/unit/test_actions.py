"""The actions that change something: what they refuse, and what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import actions
import lost
from actions import ActionRefused
from tests.unit.model_units import ModelApp, formed
from view import Failures


def test_a_loss_is_acknowledged_by_member_or_by_thing():
    app = formed(1)
    unit = app.units["lxd/0"]
    unit.lxd.write_notes({lost.KEY: '{"m2": ["default/c1", "default/c2"], "m3": ["a/b"]}'})

    actions.forget_lost(app.view("lxd/0"), unit.world, "default/c1")
    actions.forget_lost(app.view("lxd/0"), unit.world, "m3")
    assert lost.read(unit.lxd.notes()) == {"m2": ["default/c2"]}
    actions.forget_lost(app.view("lxd/0"), unit.world, "m2")
    assert lost.KEY not in unit.lxd.notes()


def test_what_was_not_lost_cannot_be_acknowledged():
    app = formed(1)

    with pytest.raises(ActionRefused, match="not recorded as lost; recorded: nothing"):
        actions.forget_lost(app.view("lxd/0"), app.units["lxd/0"].world, "m9")


def test_a_join_is_tried_again_only_where_one_failed():
    app = formed(2)
    unit = app.units["lxd/1"]
    with pytest.raises(ActionRefused):
        actions.retry_join(app.view("lxd/1"), unit.world)

    unit.machine.failures_ = Failures(3, "no")
    actions.retry_join(app.view("lxd/1"), unit.world)

    assert unit.machine.failures() is None


def test_nothing_begins_again_while_there_is_a_cluster():
    app = formed(2)

    with pytest.raises(ActionRefused, match="a unit is a member"):
        actions.form_again(app.view("lxd/0"), actions.GONE)
    with pytest.raises(ActionRefused, match="only the leader"):
        actions.form_again(app.view("lxd/1"), actions.GONE)


def test_no_new_cluster_while_a_unit_of_the_old_one_is_still_leaving():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    app.leaving |= {"lxd/0", "lxd/1"}
    app.databags["lxd/0"] = app.databags["lxd/1"] = {}
    app.leader = "lxd/2"

    with pytest.raises(actions.ActionRefused, match="lxd/0, lxd/1 has not left yet"):
        actions.form_again(app.view("lxd/2"), actions.GONE)
    assert str(app.plan("lxd/2").app_status) == "waiting: for lxd/0, lxd/1 to leave"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"m2": 3}', "null"])
def test_what_others_wrote_in_the_record_of_losses_is_no_loss(text: str):
    assert lost.status({lost.KEY: text}) is None


def switched() -> ModelApp:
    """A cluster whose default pool is another one than at first."""
    app = formed(3)
    app.options["storage_backend"] = "dir"
    app.settle()
    return app


def remove_pool(app: ModelApp, name: str) -> str:
    return actions.remove_pool(app.view("lxd/0"), app.units["lxd/0"].world, name)


def test_a_pool_that_nothing_wants_or_uses_is_removed():
    app = switched()

    assert remove_pool(app, "local") == "the pool local is gone from all members"
    (cluster,) = app.clusters.values()
    assert set(cluster.pools) == {"local-dir"}
    app.settle()
    assert set(cluster.pools) == {"local-dir"}


def in_use(app: ModelApp) -> None:
    (cluster,) = app.clusters.values()
    cluster.on_pools["local"] = ["c1"]


def one_down(app: ModelApp) -> None:
    (cluster,) = app.clusters.values()
    cluster.members["m2"] = replace(cluster.members["m2"], status="OFFLINE")


def as_it_is(app: ModelApp) -> None:
    pass


KEPT = [
    ("local", in_use, "local is in use, and nothing was removed: instances/c1"),
    ("local", one_down, "all members must be up: m2 is not"),
    ("local-dir", as_it_is, "local-dir is asked for"),
    ("other", as_it_is, "there is no pool other; there are: local, local-dir"),
]


@pytest.mark.parametrize(("name", "change", "why"), KEPT)
def test_a_pool_is_kept(name: str, change: Callable[[ModelApp], None], why: str):
    app = switched()
    change(app)

    with pytest.raises(ActionRefused, match=why):
        remove_pool(app, name)

    (cluster,) = app.clusters.values()
    assert set(cluster.pools) == {"local", "local-dir"}
