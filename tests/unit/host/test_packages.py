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
    """apt-get and dpkg: each notes its call; apt-get prints the text in `says`, or in `update`.

    What it prints for an update, it prints once.
    """
    log, says, update = (tmp_path / name for name in ("called", "says", "update"))
    updates = f"if [ -s {update} ]; then cat {update} >&2; rm {update}; exit 100; fi; exit 0"
    refuses = f"[ ! -s {says} ] || {{ cat {says} >&2; exit 100; }}"
    apt = f'if [ "$1" = update ]; then {updates}; fi; {refuses}'
    for name, rest in (
        ("apt-get", apt),
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
UPDATE = "apt-get update"


def test_dpkgs_lock_is_waited_for(called: Path):
    packages.install(["nftables"])

    assert called.read_text().splitlines() == [UPDATE, INSTALL]


def test_an_interrupted_dpkg_is_finished(called: Path):
    (called.parent / "says").write_text(f"{CUT}\n")

    packages.install(["nftables"])

    commands = called.read_text().splitlines()
    assert commands == [UPDATE, INSTALL, "dpkg --configure -a", INSTALL]


def test_apts_reason_is_reported(called: Path):
    (called.parent / "says").write_text("W: old lists\nE: Unable to locate package nftables\n")

    with pytest.raises(packages.PackagesError, match=r"^Unable to locate package nftables$"):
        packages.install(["nftables"])


def test_the_lock_of_the_index_is_waited_for(called: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(packages, "_RETRY", 0.0)
    (called.parent / "update").write_text("E: Could not get lock /var/lib/apt/lists/lock.\n")

    packages.install(["nftables"])

    assert called.read_text().splitlines() == [UPDATE, UPDATE, INSTALL]


BROKEN = "E: The repository 'http://broken bookworm Release' does not have a Release file.\n"


def test_a_broken_archive_does_not_keep_a_package_away(called: Path):
    (called.parent / "update").write_text(BROKEN)

    packages.install(["nftables"])

    assert called.read_text().splitlines() == [UPDATE, INSTALL]


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("E: Unable to locate package nftables\n", "The repository"),
        ("E: No space left on device\n", "No space left"),
    ],
)
def test_an_old_index_is_reported_only_if_it_is_the_cause(called: Path, says: str, message: str):
    (called.parent / "update").write_text(BROKEN)
    (called.parent / "says").write_text(says)

    with pytest.raises(packages.PackagesError, match=f"^{message}"):
        packages.install(["nftables"])
