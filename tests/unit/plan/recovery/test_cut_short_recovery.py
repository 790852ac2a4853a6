# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action recover-quorum is killed at each of its steps: LXD runs again, with one database."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from host import lxd_daemon, lxd_database
from host.lxd_database import Database
from tests.unit.cutting import Killed, cut, cuts
from tests.unit.model_units import ModelApp, formed
from tests.unit.programs import Programs
from tests.unit.recoveries import dead, given_up, hooks, recover
from tests.unit.scenarios import later, leaving, with_instance

UNIT = "lxd/0"
LOST = ("lxd/1", "lxd/2")


def recovering() -> tuple[ModelApp, str]:
    """The last of three voters, with a running instance."""
    app = with_instance(formed(3), "m0")
    return given_up(dead(app, LOST), LOST), UNIT


@pytest.mark.parametrize("leaves", [False, True])
def test_an_lxd_whose_recovery_was_killed_runs_again_with_the_next_hook(leaves: bool):
    tried = list(cuts(recovering, recover))
    assert len(tried) > 4
    for cutter in tried:
        app, unit = recovering()
        if leaves:
            leaving(app, unit)
        cut(app, unit, cutter, lambda unit, app=app: recover(app, unit))
        later(app, 60)
        app.hook(unit)

        assert app.units[unit].server.running, cutter
        assert app.cloud.stopped == [], cutter


def test_what_was_killed_is_repeated_and_ends_well():
    for cutter in cuts(recovering, recover):
        app, unit = recovering()
        cut(app, unit, cutter, lambda unit, app=app: recover(app, unit))
        later(app, 60)
        hooks(app, app.units)
        if not app.units[unit].server.has_database():
            assert "run recover-quorum" in str(app.plan(unit).status), cutter
            recover(app, unit)
            later(app, 60)
            hooks(app, app.units)

        assert "voter" in str(app.plan(unit).status), cutter
        assert [i.running for i in app.units[unit].server.records.instances.values()] == [True], (
            cutter
        )
        assert len([t for t in app.cloud.clusters() if t.answering]) == 1, cutter


STEPS = ["daemon-stop", "lxd", "snap"]


@pytest.mark.parametrize("killed", STEPS)
def test_the_daemon_that_was_ended_is_started_by_the_next_one_who_looks(
    killed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    programs = Programs(tmp_path)
    monkeypatch.setattr(lxd_database, "_LXD", programs.add("lxd"))
    monkeypatch.setattr(lxd_database, "_SNAP", programs.add("snap"))
    there = Database(tmp_path / "state" / "backups", tmp_path / "database")
    assert not there.recovering()

    def run(program: str) -> None:
        # A killed process runs no `finally` either.
        if program in STEPS[STEPS.index(killed) :]:
            raise Killed(program)
        subprocess.run([programs.folder / program], check=True)

    def called(command: str, *_: str) -> None:
        run(Path(command).name)

    programs.add("daemon-stop")
    with monkeypatch.context() as now:
        now.setattr(lxd_daemon, "stop", lambda: run("daemon-stop"))
        now.setattr(lxd_database, "run", called)
        with pytest.raises(Killed):
            there.recover()

    assert there.recovering()
    there.end_recovery()
    assert programs.called[-1] == "snap start lxd"
    assert not there.recovering()
