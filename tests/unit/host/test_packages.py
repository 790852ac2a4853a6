# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Debian packages: the charm waits for another user of dpkg, and finishes interrupted work."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import packages

CUT = "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."


@pytest.fixture
def called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """apt-get and dpkg: each notes its call; apt-get prints the text in `says`."""
    log, says = tmp_path / "called", tmp_path / "says"
    for name, rest in (
        ("apt-get", f'[ "$3" = update ] || [ ! -s {says} ] || {{ cat {says} >&2; exit 100; }}'),
        ("dpkg", f": >{says}"),
        ("dpkg-query", "printf not-installed"),
    ):
        program = tmp_path / name
        note = "" if name == "dpkg-query" else f'echo {name} "$@" >>{log}'
        program.write_text(f"#!/bin/sh\n{note}\n{rest}\n")
        program.chmod(0o755)
    monkeypatch.setattr(packages, "_APT", str(tmp_path / "apt-get"))
    monkeypatch.setattr(packages, "_DPKG", str(tmp_path / "dpkg"))
    monkeypatch.setattr(packages, "_DPKG_QUERY", str(tmp_path / "dpkg-query"))
    return log


INSTALL = "apt-get -o DPkg::Lock::Timeout=180 install --yes nftables"
UPDATE = "apt-get -o DPkg::Lock::Timeout=180 update"


def test_dpkgs_lock_is_waited_for(called: Path):
    packages.install(["nftables"])

    assert called.read_text().splitlines() == [UPDATE, INSTALL]


def test_an_interrupted_dpkg_is_finished(called: Path):
    (called.parent / "says").write_text(f"{CUT}\n")

    packages.install(["nftables"])

    told = called.read_text().splitlines()
    assert told == [UPDATE, INSTALL, "dpkg --configure -a", INSTALL]


def test_apts_reason_is_told(called: Path):
    (called.parent / "says").write_text("W: old lists\nE: Unable to locate package nftables\n")

    with pytest.raises(packages.PackagesError, match=r"^Unable to locate package nftables$"):
        packages.install(["nftables"])
