# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The application is deployed again on the same machines, with the cluster on them."""

from __future__ import annotations

import pytest

from actions import refusal
from actions.take_back import take_back
from state import peers
from state.notes import IDENTITY
from state.peers import Storage
from tests.lxd_model.generations import NAMES
from tests.unit.findings import root, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    SILENT,
    changed,
    later,
    leaving,
    names,
    notes,
    the_cluster,
    with_instance,
    without,
)

AGAIN = "blocked: LXD here is from an earlier deployment: juju run lxd/leader take-back"


def again(generation: str = "5.21") -> ModelApp:
    """Juju has nothing of the earlier application. Units have other numbers now."""
    return deployed_again(with_instance(formed(3, generation), "m1"))


def deployed_again(app: ModelApp) -> ModelApp:
    for number in range(3):
        unit = app.units.pop(f"lxd/{number}")
        unit.name = f"lxd/{number + 5}"
        app.units[unit.name] = unit
    app.databags = {name: {} for name in app.units}
    app.app_data = {}
    app.leader = "lxd/5"
    app.options = {}
    app.settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_the_cluster_is_taken_back_with_all_that_it_holds(generation: str):
    app = again(generation)
    assert set(statuses(app).values()) == {AGAIN}

    with pytest.raises(refusal.ActionRefused, match="members m0, m1, m2: repeat") as refused:
        take_back(app.view("lxd/5"), app.units["lxd/5"].ports, "")
    confirm = str(refused.value).rpartition("confirm=")[2]
    _confirmed(app, confirm)
    app.settle()

    assert str(app.plan("lxd/5").app_status) == "active: 3 members, 3 voters"
    unit_statuses = [statuses(app)[unit] for unit in app.units]
    assert all(status.startswith("active: member m") for status in unit_statuses)
    assert "c1" in {i.name for i in the_cluster(app).instances.values()}
    app.add(8)
    app.settle()
    assert len(names(app)) == 4


def _confirmed(app: ModelApp, confirm: str) -> None:
    app.app_data = peers.dump(take_back(app.view("lxd/5"), app.units["lxd/5"].ports, confirm))


def _with_a_fresh_unit(app: ModelApp) -> ModelApp:
    """The leader has named the only unit that can bootstrap."""
    app.add(8)
    for unit in ("lxd/8", "lxd/8", "lxd/5"):
        app.hook(unit)
    assert app.app().bootstrap == "lxd/8"
    return app


def test_a_cluster_is_not_taken_back_while_another_unit_may_bootstrap_one():
    app = _with_a_fresh_unit(again())

    with pytest.raises(refusal.ActionRefused, match="lxd/8 is about to make a cluster: wait"):
        _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))

    # The operator decides for the old cluster.
    app.remove("lxd/8")
    _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))
    app.settle()
    assert str(app.plan("lxd/5").app_status) == "active: 3 members, 3 voters"


def test_a_cluster_that_was_bootstrapped_meanwhile_is_another_one():
    """The leader of an older charm took the cluster back in this moment."""
    app = again()
    identity = notes(app)[IDENTITY]
    _confirmed(app, refusal.confirmation("take-back", identity[:8]))
    taken_back = app.app_data
    app.app_data = {}
    app = _with_a_fresh_unit(app)
    app.hook("lxd/8")
    assert app.own("lxd/8").cluster not in ("", identity)

    app.app_data = taken_back
    app.settle()

    assert statuses(app)["lxd/8"].startswith("blocked: ")
    assert "cluster" in statuses(app)["lxd/8"]
    assert [statuses(app)[unit][:6] for unit in ("lxd/5", "lxd/6", "lxd/7")] == ["active"] * 3


@pytest.mark.parametrize("unit", ["lxd/6", ""], ids=["with a unit", "without one"])
@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_is_down_then_is_not_removed(unit: str, generation: str):
    """Its note names a unit of the earlier deployment."""
    app = again(generation)
    machine = app.units["lxd/6"].server
    if not unit:
        app.remove("lxd/6")
    machine.power_off()
    later(app, SILENT)

    _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))
    app.settle()
    assert names(app) == ["m0", "m1", "m2"]

    machine.power_on()
    later(app, SILENT)
    app.settle()
    status = "active: 3 members, 3 voters" if unit else "blocked: m1 has no unit"
    assert str(app.plan("lxd/5").app_status).startswith(status)


def test_a_unit_with_the_number_of_the_earlier_one_finds_its_member_too():
    """The controller was lost: Juju begins again with lxd/0."""
    app = formed(3)
    app.databags, app.app_data = {name: {} for name in app.units}, {}
    view, ports = app.view("lxd/0"), app.units["lxd/0"].ports
    confirm = refusal.confirmation("take-back", notes(app)[IDENTITY][:8])
    app.app_data = peers.dump(take_back(view, ports, confirm))
    app.settle()

    without(app, "m1").remove("lxd/1")
    app.settle()

    assert names(app) == ["m0", "m2"]


def test_a_member_that_its_unit_has_found_is_removed_once_both_are_gone():
    app = again()
    _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))
    app.settle()

    the_cluster(app).instances.clear()
    without(app, "m1").remove("lxd/6")
    app.settle()

    assert names(app) == ["m0", "m2"]


def test_who_does_not_lead_says_who_does():
    app = again()
    with pytest.raises(refusal.ActionRefused, match="juju run lxd/leader take-back"):
        take_back(app.view("lxd/6"), app.units["lxd/6"].ports, "")


def _refused(app: ModelApp) -> None:
    take_back(app.view("lxd/0"), app.units["lxd/0"].ports, "")


def test_an_application_that_has_a_cluster_takes_no_other():
    with pytest.raises(refusal.ActionRefused, match="has a cluster"):
        _refused(formed(1))


def test_a_cluster_that_is_nobodys_is_not_taken():
    app = ModelApp()
    app.add(0)
    with pytest.raises(refusal.ActionRefused, match="not in a cluster that this charm made"):
        _refused(app)


def test_a_machine_without_the_note_is_not_said_to_be_ours():
    app = again()
    app.units["lxd/6"].machine.identity_ = ""

    status = "blocked: LXD here is in another cluster, as member m1: use another machine"
    assert statuses(app)["lxd/6"] == status


@pytest.mark.parametrize("generation", NAMES)
def test_the_default_pool_is_the_one_that_instances_are_on(generation: str):
    """The earlier deployment went to another backend, and the option is not set any more."""
    app = deployed_again(changed(formed(3, generation), storage_backend="dir"))
    assert root(app) == "local-dir"

    _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))
    app.settle()

    assert root(app) == "local-dir"
    assert str(app.plan("lxd/5").app_status) == "active: 3 members, 3 voters"


def test_the_default_pool_keeps_its_size():
    app = deployed_again(formed(3, storage_size="20GiB"))
    app.options = {"storage_size": "20GiB"}

    _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))
    app.settle()

    record = app.app().storage
    assert record is not None
    assert (record.pool, record.size) == ("local", "20GiB")


@pytest.mark.parametrize("generation", NAMES)
def test_the_unit_that_took_it_back_may_leave_at_once(generation: str):
    """Only the bootstrap unit would say which pool is the default one. Nothing could be removed."""
    app = deployed_again(changed(formed(3, generation), storage_backend="dir"))
    app.options = {"storage_backend": "dir"}
    _confirmed(app, refusal.confirmation("take-back", notes(app)[IDENTITY][:8]))

    leaving(app, "lxd/5")
    app.leader = "lxd/6"
    while app.hook("lxd/5").hold:
        later(app, 30.0)
    app.remove("lxd/5")
    app.settle()

    assert app.app().storage == Storage(backend="dir", pool=root(app))
