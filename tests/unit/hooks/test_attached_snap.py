# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The attached LXD snap: when the charm asks Juju for it, and what it does without an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.hook_tools import HookTools, tools_for
from tests.unit.model_units import formed
from tests.unit.scenarios import leaving

LEADER, MEMBER = "lxd/0", "lxd/1"
UNREADABLE = [
    "ERROR could not download resource: HTTP request failed: Get https://10.1.1.1:17070: EOF",
    "ERROR could not download resource: while getting resource from charmhub: not found",
    "ERROR connection is shut down",
]


@pytest.mark.parametrize("error", UNREADABLE)
def test_no_stores_lxd_is_installed_for_an_attached_one_that_cannot_be_read(
    new: HookTools, error: str
):
    new.failing["resource-get"] = error

    new.hook(LEADER, "install")

    assert new.status(LEADER).startswith("waiting: for the resource lxd-snap: ")
    assert new.app.units[LEADER].snap.calls == []
    new.failing.clear()
    new.hook(LEADER, "start")
    assert new.app.units[LEADER].snap.calls[:1] == ["install 5.21/stable"]


NEVER_ATTACHED = 'ERROR could not download resource: resource "lxd-snap" not found'


def test_a_resource_that_was_never_attached_is_none(new: HookTools):
    new.failing["resource-get"] = NEVER_ATTACHED

    new.hook(LEADER, "install")

    assert new.app.units[LEADER].snap.calls[:1] == ["install 5.21/stable"]


def test_a_resource_that_a_peer_has_was_attached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Juju says the same if its blob is gone."""
    app = formed(1)
    app.databags["lxd/0"]["snap"] = '"0123456789abcdef"'
    app.add(1)
    tools = tools_for(app, tmp_path, monkeypatch)
    tools.failing["resource-get"] = NEVER_ATTACHED

    tools.hook(MEMBER, "install")

    assert tools.status(MEMBER) == (
        "blocked: lxd/0 has an attached LXD: juju attach-resource lxd lxd-snap=FILE"
    )
    assert app.units[MEMBER].snap.calls == []


def test_the_resource_is_asked_for_where_it_may_be_another_one(three: HookTools):
    first = three.hook(LEADER)
    idle = [three.hook(LEADER, name) for name in ("update-status", "config-changed", "start")]
    attached = three.hook(LEADER, "upgrade-charm")

    assert first.count("resource-get") == 1
    assert [done.count("resource-get") for done in idle] == [0, 0, 0]
    assert attached.count("resource-get") == 1
    assert three.hook(LEADER).count("resource-get") == 0


def test_an_attached_file_that_is_gone_is_asked_for_again(three: HookTools):
    three.hook(LEADER)
    machine = three.app.units[LEADER].machine
    assert machine.attached_
    machine.attached_ += ".gone"

    assert three.hook(LEADER).count("resource-get") == 1


@pytest.mark.parametrize("field", ["snap", "attached"])
def test_the_resource_is_asked_for_while_a_peer_has_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str
):
    """Juju issue 20173: a unit that was in error does not get upgrade-charm."""
    app = formed(3)
    app.databags[MEMBER][field] = '"0123456789abcdef"'
    tools = tools_for(app, tmp_path, monkeypatch)
    tools.hook(LEADER)

    assert tools.hook(LEADER).count("resource-get") == 1


@pytest.mark.parametrize(("since", "requests"), [(None, 0), (1.0, 1)])
@pytest.mark.parametrize("field", ["snap", "attached"])
def test_a_leaving_unit_asks_for_the_resource_again_once_its_lxd_does_not_answer(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    field: str,
    since: float | None,
    requests: int,
):
    """Another file may be attached by now, and the others may wait for it."""
    app = formed(3)
    app.databags[MEMBER][field] = '"0123456789abcdef"'
    app.units[MEMBER].machine.note_unresponsive(since)
    tools = tools_for(leaving(app, MEMBER), tmp_path, monkeypatch)

    assert tools.hook(MEMBER, "stop").count("resource-get") == requests
