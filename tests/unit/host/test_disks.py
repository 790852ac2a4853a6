# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The identity of a disk: only that disk is wiped."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import deadlines
from actions import refusal
from actions.wipe_device import wipe_device
from host import disks
from host.machine import Machine
from state.facts import Device
from tests.unit.model_units import ModelApp

NUMBER = "8:16"


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in /sys of a disk whose node is a file here; it has notes of what is wiped."""
    node, folder = tmp_path / "sdb", tmp_path / "sys" / "sdb"
    node.touch()
    folder.mkdir(parents=True)
    for name, text in (("size", "2048"), ("serial", "S1"), ("dev", NUMBER)):
        (folder / name).write_text(f"{text}\n")
    numbers = tmp_path / "numbers"
    numbers.mkdir()
    (numbers / NUMBER).symlink_to(folder)
    monkeypatch.setattr(disks, "_SYS", folder.parent)
    monkeypatch.setattr(disks, "_DEVICES", numbers)

    def number(descriptor: int) -> str:
        return NUMBER

    def wipefs(descriptor: int) -> None:
        (folder / "wiped").touch()

    monkeypatch.setattr(disks, "_number_of", number)
    monkeypatch.setattr(disks, "_wipefs", wipefs)
    return folder


def test_the_disk_that_was_looked_at_is_wiped(disk: Path, tmp_path: Path):
    path = str(tmp_path / "sdb")

    disks.wipe(path, disks.identity(path))

    assert (disk / "wiped").exists()


def with_partition(disk: Path, monkeypatch: pytest.MonkeyPatch, refused: int) -> list[str]:
    """The disk has a partition, and the kernel refuses to forget it so many times. The tries."""
    (disk / "sdb1").mkdir()
    for name in ("partition", "start", "size"):
        (disk / "sdb1" / name).write_text("1\n")
    (disk.parent / "sdb1").symlink_to(disk / "sdb1")
    tries: list[str] = []

    def run(*command: str) -> str:
        tries.append(command[1])
        if len(tries) <= refused:
            raise subprocess.CalledProcessError(1, command, stderr="error deleting partition 1")
        (disk / "sdb1" / "partition").unlink()
        return ""

    def clear(descriptor: int, extents: tuple[tuple[int, int], ...]) -> None:
        del descriptor, extents

    monkeypatch.setattr(disks, "run", run)
    monkeypatch.setattr(disks.disk_contents, "clear", clear)
    monkeypatch.setattr(deadlines, "PARTITIONS", 1.2)
    return tries


@pytest.mark.parametrize("refused", [0, 1])
def test_a_partition_that_another_program_reads_is_forgotten_a_moment_later(
    refused: int, disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    tries, path = with_partition(disk, monkeypatch, refused), str(tmp_path / "sdb")

    disks.wipe(path, disks.identity(path))

    assert tries == ["--delete"] * (refused + 1)


def test_a_partition_that_stays_in_use_is_reported(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with_partition(disk, monkeypatch, refused=100)
    path = str(tmp_path / "sdb")

    with pytest.raises(subprocess.CalledProcessError):
        disks.wipe(path, disks.identity(path))


@pytest.mark.parametrize(("file", "text"), [("serial", "S2"), ("size", "4096"), ("wwid", "naa.5")])
def test_another_disk_of_that_name_is_not(disk: Path, tmp_path: Path, file: str, text: str):
    path = str(tmp_path / "sdb")
    identity = disks.identity(path)
    (disk / file).write_text(text)

    with pytest.raises(OSError, match="is not the disk that the action showed"):
        disks.wipe(path, identity)

    assert not (disk / "wiped").exists()


def test_a_disk_that_nobody_looked_at_is_not(disk: Path, tmp_path: Path):
    with pytest.raises(OSError, match="is not the disk that the action showed"):
        Machine(tmp_path / "state").wipe(str(tmp_path / "sdb"))

    assert not (disk / "wiped").exists()


def test_the_disk_is_noted_with_its_name_until_the_join_is_over(disk: Path, tmp_path: Path):
    path = str(tmp_path / "sdb")
    before = Machine(tmp_path / "state")
    before._seen[path] = disks.identity(path)  # pyright: ignore[reportPrivateUsage]
    before.note_forming("join", 1.0, (path,))
    (disk / "serial").write_text("S2")

    after = Machine(tmp_path / "state")
    after._seen[path] = disks.identity(path)  # pyright: ignore[reportPrivateUsage]
    after.note_forming("reset", 2.0, (path,))

    noted = json.loads((tmp_path / "state" / "forming").read_text())["disks"]
    assert noted == {path: "2048 S1"}
    with pytest.raises(OSError, match="is not the disk"):
        after.wipe(path)


def test_a_file_is_not_a_device(tmp_path: Path):
    (tmp_path / "sdb").touch()

    with pytest.raises(OSError, match="is not a block device"):
        disks.wipe(str(tmp_path / "sdb"), "x")


@pytest.mark.parametrize(
    ("line", "mounted"),
    [
        (f"36 1 {NUMBER} / / rw - ext4 /dev/root rw", True),
        ("36 1 0:30 / /mnt rw shared:1 - btrfs /dev/sdb rw", True),
        ("36 1 8:1 / / rw - ext4 /dev/sda1 rw", False),
    ],
)
def test_the_kernel_says_what_is_mounted(
    disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, mounted: bool
):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"{line}\n")
    monkeypatch.setattr(disks, "_MOUNTS", mounts)

    assert disks._is_mounted("sdb") is mounted  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize(
    "path", ["/dev/sd*", "/dev/sd?", "/dev/[s]db", "/tmp/sdb", "/dev/../tmp/x", "/dev/a\nb", "sdb"]
)
def test_only_one_devices_path_is_wiped(path: str):
    unit = ModelApp().add(0)
    unit.machine.disks = [Device(path, 1 << 30, holds="ext4")]

    with pytest.raises(refusal.ActionRefused, match="is not a path below /dev/"):
        wipe_device(None, unit.ports, path, "wipe-dev-sdb")


HOLDERS = [
    ("dm-0", "old--vg-root--1", "LVM-" + "a" * 64, "volume group old-vg"),
    ("dm-1", "local-LXDThinPool_tdata", "LVM-" + "a" * 64 + "-tdata", "volume group local"),
    ("dm-2", "vg---lv", "LVM-" + "a" * 64, "volume group vg-"),
    ("dm-3", "luks-data", "CRYPT-LUKS2-0f1e", "luks-data"),
    ("md0", "", "", "array md0"),
    ("bcache0", "", "", "bcache0"),
]


@pytest.mark.parametrize(("name", "mapped", "uuid", "words"), HOLDERS)
def test_what_a_disk_is_part_of_has_the_name_that_commands_take(
    tmp_path: Path, name: str, mapped: str, uuid: str, words: str
):
    folder = tmp_path / name
    (folder / ("md" if name.startswith("md") else "dm")).mkdir(parents=True)
    if mapped:
        (folder / "dm/name").write_text(f"{mapped}\n")
        (folder / "dm/uuid").write_text(f"{uuid}\n")

    assert disks.holder_in_words(name, folder) == words


def test_a_disk_of_a_volume_group_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for volume in ("dm-0", "dm-1"):
        (tmp_path / "sdb/holders" / volume).mkdir(parents=True)
        (tmp_path / volume / "dm").mkdir(parents=True)
        (tmp_path / volume / "dm/name").write_text(f"old-{volume[3:]}\n")
        (tmp_path / volume / "dm/uuid").write_text("LVM-abc\n")
    monkeypatch.setattr(disks, "_SYS", tmp_path)

    assert disks._use("/dev/sdb", "sdb") == "is in volume group old"  # pyright: ignore[reportPrivateUsage]
