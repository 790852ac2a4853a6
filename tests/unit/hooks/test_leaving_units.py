# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Hooks and actions of a leaving unit beside those with which it leaves."""

from __future__ import annotations

import json
from pathlib import Path

import ops
import pytest
from ops import testing

from host import snap
from tests.unit.model_units import formed
from tests.unit.operations.exchanges import NEXT, attached, fetched
from tests.unit.scenarios import (
    fail,
    heal,
    leaving,
    names,
    note,
    notes,
    the_cluster,
    with_instance,
    with_volume,
)
from tests.unit.stage import Stage

NORTHBOUND = "network.ovn.northbound_connection"
PEM = "-----BEGIN {0}-----\nMIIB\n-----END {0}-----\n"
CERTIFIED = {
    "ca": PEM.format("CERTIFICATE"),
    "lxd_0.server.cert": PEM.format("CERTIFICATE"),
    "lxd_0.server.key": PEM.format("PRIVATE KEY"),
}


@pytest.mark.parametrize("name", ["action", "start"])
def test_a_held_unit_stays_marked_and_closed(name: str, monkeypatch: pytest.MonkeyPatch):
    app = leaving(with_instance(formed(3), "m2"), "lxd/2")
    fail(app, "lxd/2", "POST /1.0/instances/NAME")
    app.hook("lxd/2")
    note(app, "lost.m9", '["default/x"]')
    stage = Stage(app, app.units["lxd/2"], monkeypatch)
    on = stage.context.on
    event = on.start() if name == "start" else on.action("forget-lost", {"name": "m9"})

    stage.context.run(event, stage.state())

    assert notes(app).get("leaving.m2")
    assert the_cluster(app).rows["m2"].config == {"scheduler.instance": "manual"}


def test_it_does_not_change_ovns_address_for_the_others(monkeypatch: pytest.MonkeyPatch):
    """Juju ends its relations one remote unit after the other."""
    app = formed(3)
    app.leader = "lxd/1"
    app.settle()
    for remaining in ((0, 1, 2), (1, 2), (2,)):
        stage = Stage(app, app.units["lxd/0"], monkeypatch)
        units = {n: {"bound-address": json.dumps(f"10.9.0.{n + 1}")} for n in remaining}
        ovn = testing.Relation("ovsdb-cms", remote_app_name="ovn-central", remote_units_data=units)
        vault = testing.Relation(
            "certificates", remote_app_name="vault", remote_units_data={0: CERTIFIED}
        )
        on = stage.context.on
        event = on.update_status()
        if len(remaining) < 3:
            leaving(app, "lxd/0")
            gone = min(remaining) - 1
            event = on.relation_departed(ovn, remote_unit=gone, departing_unit="lxd/0")
        stage.context.run(event, stage.state(relations={stage.relation, ovn, vault}))

    assert the_cluster(app).config[NORTHBOUND].count("ssl:") == 3


def test_it_installs_the_file_for_which_the_others_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """They cannot end their exchange of LXD without it, and take nothing from it before."""
    app = fetched(attached(NEXT, formed(3)))
    for other in ("lxd/0", "lxd/1"):
        app.hook(other)
    file = tmp_path / "lxd.snap"
    file.write_bytes(b"LXD")
    found = snap.resource(file)
    assert found is not None
    app.databags["lxd/0"]["snap"] = app.databags["lxd/2"]["attached"] = f'"{found.digest}"'
    unit = leaving(app, "lxd/2").units["lxd/2"]
    unit.machine.attached_ = str(file)
    stage = Stage(app, unit, monkeypatch)

    stage.context.run(stage.context.on.remove(), stage.state())

    assert unit.snap.calls[-1] == f"install {file}"
    assert names(app) == ["m0", "m1"]


def test_a_refused_removal_does_not_make_it_forget_its_cluster(monkeypatch: pytest.MonkeyPatch):
    """Without the peer relation it would take itself for a unit that never was a member."""
    app = leaving(formed(3), "lxd/2")
    fail(app, "lxd/2", "DELETE /1.0/cluster/members/NAME")
    assert app.hook("lxd/2").hold
    heal(app)
    with_volume(app, "m2")
    stage = Stage(app, app.units["lxd/2"], monkeypatch)

    def two(*_: object, **__: object) -> None:
        raise ops.TooManyRelatedAppsError("cluster", 2, 1)

    monkeypatch.setattr(ops.Model, "get_relation", two)

    with pytest.raises(testing.errors.UncaughtCharmError):
        stage.context.run(stage.context.on.remove(), stage.state())
