# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Zpools and file systems that have lost a device, from the kernel's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import degraded_storage

UUID = "7d1f3a52-9c55-4f0c-8a4e-2f0f1a0b9c3d"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(degraded_storage, "_ZPOOLS", tmp_path / "zfs")
    monkeypatch.setattr(degraded_storage, "_BTRFS", tmp_path / "btrfs")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def test_a_machine_without_zfs_and_btrfs_has_none(kernel: Path):
    assert degraded_storage.look() == {}


@pytest.mark.parametrize("state", ["DEGRADED", "FAULTED", "SUSPENDED"])
def test_a_zpool_that_has_lost_a_device(kernel: Path, state: str):
    write(kernel / "zfs" / "tank" / "state", state)
    write(kernel / "zfs" / "other" / "state", "ONLINE")

    assert degraded_storage.look() == {"tank": f"zpool tank is {state}"}


def test_a_btrfs_that_has_lost_a_device(kernel: Path):
    for device, missing in (("1", "0"), ("2", "1")):
        write(kernel / "btrfs" / UUID / "devinfo" / device / "missing", missing)
    write(kernel / "btrfs" / "whole" / "devinfo" / "1" / "missing", "0")

    assert degraded_storage.look() == {UUID: "a device of its btrfs is missing"}
