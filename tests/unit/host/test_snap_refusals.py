# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What snapd refuses until an operator acts, as the snap's errors."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from charmlibs import snap as charmlibs_snap

from host import snap
from host.snap import OperatorNeededError, Snap
from host.snap_file import Meta

RUNS = 'snap "lxd" has running apps (lxc), pids: 41234'
CLOSE = r"close lxc on this machine \(pid 41234\)"


@pytest.fixture
def lxd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snap:
    monkeypatch.setattr(snap, "_CURRENT", tmp_path / "current")
    return Snap(tmp_path / "state")


def snap_of(name: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> str:
    """The path of a file with the snap of this name."""

    def reads(_: Path) -> Meta:
        return Meta(name, "6.9")

    monkeypatch.setattr(snap.snap_file, "read", reads)
    path = folder / "attached.snap"
    path.write_bytes(b"snap" * 5000)
    return str(path)


def test_a_program_that_runs_holds_the_stores_lxd(lxd: Snap, monkeypatch: pytest.MonkeyPatch):
    def refuses(*_: object, **__: object) -> None:
        raise charmlibs_snap.Error(RUNS)

    monkeypatch.setattr(charmlibs_snap, "ensure_installed", refuses)

    with pytest.raises(OperatorNeededError, match=CLOSE):
        lxd.install("5.21/stable", "")


def test_a_program_that_runs_holds_an_attached_lxd(
    lxd: Snap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuses(command: list[str], **_: object) -> None:
        error = f"error: cannot install snap file: {RUNS}"
        raise subprocess.CalledProcessError(1, command, stderr=error)

    path = snap_of("lxd", monkeypatch, tmp_path)
    monkeypatch.setattr(subprocess, "run", refuses)

    with pytest.raises(OperatorNeededError, match=CLOSE):
        lxd.install_file(path)


def test_the_snap_of_another_program_is_refused(
    lxd: Snap, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = snap_of("kubectl", monkeypatch, tmp_path)

    with pytest.raises(OperatorNeededError, match="is the snap kubectl, not LXD: attach another"):
        lxd.install_file(path)


def test_an_unreadable_file_is_for_the_operator(lxd: Snap, tmp_path: Path):
    path = tmp_path / "file.snap"
    path.write_bytes(b"no squashfs" * 1000)

    with pytest.raises(OperatorNeededError, match="is not a snap"):
        lxd.install_file(str(path))
