# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Every request of the charm to snapd has a deadline: a change may hang for good."""

from __future__ import annotations

import ast
import inspect
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from charmlibs import snap as charmlibs_snap

from host import snap, snap_file, snapd
from host.snap import Snap
from host.unix_http import UnixHttpConnection

SRC = Path(snap.__file__).parents[1]
FUNCTIONS = {
    name
    for name in dir(charmlibs_snap)
    if inspect.isfunction(getattr(charmlibs_snap, name)) and not name.startswith("_")
}
"""The functions of charmlibs.snap."""


def always(answer: object) -> Callable[..., object]:
    """A function that always returns the same."""

    def answering(*_: object) -> object:
        return answer

    return answering


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, float]]:
    """By call of snapd: its seconds, 0 for any number."""
    calls: list[tuple[str, float]] = []

    def of_library(name: str) -> Callable[..., None]:
        def call(*_: Any, **__: Any) -> None:
            calls.append((name, signal.getitimer(signal.ITIMER_REAL)[0]))

        return call

    def of_program(command: list[str], **more: Any) -> subprocess.CompletedProcess[str]:
        calls.append((" ".join(command), more.get("timeout") or 0.0))
        return subprocess.CompletedProcess(command, 0, "", "")

    for name in FUNCTIONS:
        monkeypatch.setattr(charmlibs_snap, name, of_library(name))
    monkeypatch.setattr(subprocess, "run", of_program)
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.setattr(snap, "_CURRENT", current)
    meta = snap_file.parse("name: lxd\nversion: '5.21.7'\n")
    monkeypatch.setattr(snap_file, "read", always(meta))
    monkeypatch.setattr(snapd, "followed", always(snapd.Followed("5.21/stable")))
    monkeypatch.setattr(snapd, "release", always(snapd.Release("5.21.7", "350")))
    return calls


def _file(lxd: Snap, folder: Path) -> None:
    path = folder / "lxd.snap"
    path.write_bytes(b"a snap")
    lxd.install_file(str(path))


DEEDS: dict[str, Callable[[Snap, Path], None]] = {
    "install": lambda lxd, _: lxd.install("5.21/stable", ""),
    "install_version": lambda lxd, _: lxd.install_version("5.21/stable", "5.21.7"),
    "install_file": _file,
    "remove": lambda lxd, _: lxd.remove(),
    "stop": lambda lxd, _: lxd.stop(),
    "start": lambda lxd, _: lxd.start(),
    "reload": lambda lxd, _: lxd.reload(),
}
"""All operations of the charm on the snap."""


@pytest.mark.parametrize("deed", DEEDS)
def test_it_has_a_deadline(deed: str, asked: list[tuple[str, float]], tmp_path: Path):
    lxd = Snap(tmp_path / "state")
    if deed == "remove":
        lxd.install("5.21/stable", "")

    DEEDS[deed](lxd, tmp_path)

    assert asked
    assert [name for name, seconds in asked if not seconds] == []


def test_no_deed_is_left_out():
    public = {name for name in vars(Snap) if not name.startswith("_")}

    assert public - {"facts"} == set(DEEDS)


def test_no_other_module_asks_the_library():
    users = {p.name for p in SRC.rglob("*.py") if _imports_it(ast.parse(p.read_text()))}

    assert users == {"snap.py"}


def _imports_it(tree: ast.AST) -> bool:
    imports = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    names = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    return any(name.startswith("charmlibs") for name in (*imports, *names))


def test_snapds_own_socket_has_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    timeouts: list[float | None] = []

    class Watched(UnixHttpConnection):
        """Notes the socket's deadline."""

        def connect(self) -> None:
            try:
                super().connect()
            finally:
                timeouts.append(self.sock.gettimeout())

    monkeypatch.setattr(snapd, "UnixHttpConnection", Watched)
    monkeypatch.setattr(snapd, "SOCKET", str(tmp_path / "none"))

    with pytest.raises(snapd.SnapdError, match="No such file"):
        snapd.followed("lxd")

    assert timeouts
    assert all(timeouts)
