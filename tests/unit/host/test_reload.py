# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's daemon is restarted alone: a plain restart of its snap shuts all instances down."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from host import snap
from host.snap import Snap, SnapError

INACTIVE = "error: snap.lxd.daemon.service is not active, cannot reload.\n"
"""Right after an installation only LXD's socket is active (LXD issue 13793)."""


class Programs:
    """Calls of programs, and their results."""

    def __init__(self, error: str = "") -> None:
        self.error = error
        self.run: list[list[str]] = []
        self.started: list[str] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.run.append(command)
        if self.error:
            raise subprocess.CalledProcessError(1, command, "", self.error)
        return subprocess.CompletedProcess(command, 0, "", "")


def with_programs(monkeypatch: pytest.MonkeyPatch, error: str = "") -> Programs:
    programs = Programs(error)
    monkeypatch.setattr(subprocess, "run", programs)

    def start(_: Snap) -> None:
        programs.started.append("lxd")

    monkeypatch.setattr(Snap, "start", start)
    return programs


def test_the_daemon_is_reloaded_and_instances_go_on(monkeypatch: pytest.MonkeyPatch):
    programs = with_programs(monkeypatch)

    Snap().reload()

    assert programs.run == [["/usr/bin/snap", "restart", "--reload", "lxd"]]
    assert programs.started == []


def test_a_daemon_that_does_not_run_is_started(monkeypatch: pytest.MonkeyPatch):
    programs = with_programs(monkeypatch, INACTIVE)

    Snap().reload()

    assert programs.started == ["lxd"]


def test_snapds_own_error_is_reported(monkeypatch: pytest.MonkeyPatch):
    programs = with_programs(monkeypatch, "error: too early for operation\n")

    with pytest.raises(SnapError, match="too early for operation"):
        Snap().reload()

    assert programs.started == []


STOPS = re.compile(r"snap (?:stop|restart) lxd\b|systemctl (?:stop|restart) snap\.lxd")
"""Commands that shut all instances of a machine down."""


def advises(line: str) -> bool:
    """Whether a line has such a command, and does not say what it does to instances."""
    return STOPS.search(line) is not None and "shut" not in line


def test_no_advice_to_operators_stops_instances():
    """No status, step, option, action or document says `snap restart lxd` or `snap stop lxd`."""
    root = Path(snap.__file__).parents[2]
    texts = [*(root / "src").rglob("*.py"), *(root / "docs").rglob("*.md"), *root.glob("*.md")]
    texts += root.glob("*.yaml")
    found = [(t.name, line) for t in texts for line in t.read_text().splitlines() if advises(line)]

    assert found == []
    assert advises("    juju ssh lxd-cluster/0 sudo snap restart lxd")
    assert not advises("    juju ssh lxd-cluster/0 sudo snap restart --reload lxd")
