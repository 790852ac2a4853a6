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
    monkeypatch.setattr(degraded_storage, "_BLOCK", tmp_path / "block")
    monkeypatch.setattr(degraded_storage, "_LINKS", (tmp_path / "md", tmp_path / "by-id"))
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")


def test_a_machine_without_zfs_btrfs_and_arrays_has_none(kernel: Path):
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


def test_an_array_that_has_lost_a_device(kernel: Path):
    """By any path that a pool may have been made on."""
    write(kernel / "block" / "md127" / "md" / "degraded", "1")
    write(kernel / "block" / "md127" / "md127p1" / "partition", "1")
    write(kernel / "block" / "md1" / "md" / "degraded", "0")
    for link, node in (
        ("md/data", "md127"),
        ("md/whole", "md1"),
        ("by-id/md-uuid-1-part1", "md127p1"),
    ):
        (kernel / link).parent.mkdir(exist_ok=True)
        (kernel / link).symlink_to(f"/dev/{node}")

    paths = "/dev/md127", "/dev/md127p1", f"{kernel}/md/data", f"{kernel}/by-id/md-uuid-1-part1"
    assert degraded_storage.look() == dict.fromkeys(paths, "array md127 is degraded")


def test_an_array_without_redundancy_cannot_be_degraded(kernel: Path):
    write(kernel / "block" / "md0" / "md" / "level", "raid0")

    assert degraded_storage.look() == {}
