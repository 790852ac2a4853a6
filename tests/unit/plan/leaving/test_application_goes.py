# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`juju remove-application`: all units leave at once, and their hooks end at different times."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from tests.lxd_model import membership
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import joined_by_hand, later, leaving


def _goes(app: ModelApp) -> None:
    """Each unit's hook begins after the machine of the one before is gone."""
    leaving(app, *app.units)
    for unit in list(app.units):
        assert app.hook(unit).hold == ""
        app.units[unit].server.power_off()
        app.remove(unit)
        later(app, 60.0)


def roles_stay(monkeypatch: pytest.MonkeyPatch, *, stay: bool) -> None:
    """Whether LXD lets the last two members keep their copies of the database. It is chance."""

    def by_chance(server: Server) -> bool:
        del server
        return stay

    monkeypatch.setattr(membership, "_by_chance", by_chance)


def test_the_last_unit_stays_while_an_operators_member_has_no_copy(
    monkeypatch: pytest.MonkeyPatch,
):
    roles_stay(monkeypatch, stay=False)
    app = formed(3, "6.9")
    joined_by_hand(app)
    later(app, 60.0)

    leaving(app, *app.units)
    for unit in ("lxd/0", "lxd/1"):
        assert app.hook(unit).hold == ""
        app.units[unit].server.power_off()
        app.remove(unit)
        later(app, 60.0)

    assert "byhand has no copy of the database: add a unit first" in app.hook("lxd/2").hold


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_the_members_of_an_operator_keep_their_quorum_when_the_application_goes(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    roles_stay(monkeypatch, stay=True)
    app = formed(3, generation)
    other = joined_by_hand(app)
    later(app, 60.0)

    _goes(app)

    assert LxdApi(other.lxd).server.database_answers()
    assert [m.name for m in LxdApi(other.lxd).members.list()] == ["byhand"]


@pytest.mark.parametrize("generation", NAMES)
def test_the_units_of_an_empty_cluster_go_although_others_went_before(generation: str):
    """The machines of those are not off yet, and their members are up."""
    app = formed(3, generation)
    leaving(app, *app.units)

    for unit in list(app.units):
        assert app.hook(unit).hold == ""
        app.remove(unit)
