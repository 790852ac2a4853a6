# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The content of block devices, on real loop devices: one is empty only if it was read as zero."""

from __future__ import annotations

import itertools
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actions import refusal
from actions.wipe_device import wipe_device
from host import disk_contents, disks
from host.machine import Machine
from tests.unit.model_units import ModelApp

MIB = 1 << 20
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
Attach = Callable[[int, int], str]


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def attach(tmp_path: Path) -> Iterator[Attach]:
    """Makes a loop device of so many MiB, with 4 KiB of data at an offset; negative for none."""
    made: list[str] = []

    def loop(mebibytes: int, offset: int) -> str:
        image = tmp_path / f"disk{len(made)}"
        with image.open("wb") as file:
            file.truncate(mebibytes * MIB)
            if offset >= 0:
                file.seek(offset)
                file.write(b"\x17" * 4096)
        made.append(_run("losetup", "--find", "--show", str(image)))
        return made[-1]

    yield loop
    for path in made:
        subprocess.run(["partx", "--delete", path], check=False, capture_output=True)
        _run("losetup", "--detach", path)


PLACES = [
    (8, 5 * MIB, "unknown data"),
    (512, 0, "unknown data"),
    (512, 512 * MIB - 4096, "unknown data"),
    (512, disk_contents.places(512 * MIB)[70][0], "unknown data"),
    (8, -1, ""),
    (512, -1, ""),
]


@pytest.mark.parametrize(("size", "offset", "holds"), PLACES)
def test_a_device_is_empty_where_it_was_read_and_is_zero(
    attach: Attach, size: int, offset: int, holds: str
):
    (device,) = disks.matching((attach(size, offset),))

    assert (device.holds, device.use) == (holds, "")


def test_data_in_a_tenth_of_a_large_disk_is_always_met():
    size = 4 << 40
    offsets = [offset for offset, _ in disk_contents.places(size)]

    assert all(later - before < size // 100 for before, later in itertools.pairwise(offsets))
    assert offsets == sorted(offsets)


def test_what_was_wiped_is_empty(attach: Attach):
    path = attach(512, disk_contents.places(512 * MIB)[70][0])
    disks.wipe(path, disks.identity(path))

    assert not disks.matching((path,))[0].holds


OPENS = "import sys; file = open(sys.argv[1], sys.argv[2]); print(); sys.stdin.read()"


@contextmanager
def opened(path: str, mode: str) -> Generator[None]:
    """Another program has the device open, without a lock, as QEMU has a disk."""
    command = [sys.executable, "-c", OPENS, path, mode]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdout
        program.stdout.readline()
        yield
        program.communicate(timeout=60)


def test_a_device_that_a_program_writes_to_is_not_wiped(attach: Attach):
    path = partitioned(attach(64, -1))
    for node in (path, f"{path}p1"):
        with opened(node, "r+b"), pytest.raises(OSError, match=r"is open in python.* \(pid \d+\)"):
            disks.wipe(path, disks.identity(path))
    assert disks.matching((path,))[0].holds == "dos"

    with opened(path, "rb"):
        disks.wipe(path, disks.identity(path))


def test_a_partition_is_not_wiped_while_a_program_writes_to_its_disk(attach: Attach):
    path = partitioned(attach(64, -1))
    part = f"{path}p1"
    assert disks.matching((part,))[0].disk == path

    with opened(path, "r+b"), pytest.raises(OSError, match=r"is open in python.* \(pid \d+\)"):
        disks.wipe(part, disks.identity(part))
    assert disks.matching((part,))[0].holds == "ext4"


def partitioned(path: str) -> str:
    """A disk of an old system: 16 MiB with a file system, and 16 MiB of swap's type."""
    sectors = 32768
    rows = [(2048, sectors, 0x83), (2048 + sectors, sectors, 0x82)]
    table = b"".join(struct.pack("<8B2I", *[0] * 4, kind, *[0] * 3, a, n) for a, n, kind in rows)
    with Path(path).open("r+b") as disk:
        disk.seek(446)
        disk.write(table.ljust(64, b"\0") + b"\x55\xaa")
    _run("partx", "--add", path)
    _run("mkfs.ext4", "-q", f"{path}p1")
    return path


def wiped(path: str, confirm: str = "") -> str:
    unit = ModelApp().add(0)
    object.__setattr__(unit.ports, "machine", Machine(Path("/nonexistent")))
    return wipe_device(None, unit.ports, path, confirm)


def test_a_disk_with_partitions_is_shown_and_wiped(attach: Attach):
    path = partitioned(attach(64, -1))
    (device,) = disks.matching((path,))
    assert (device.holds, device.use) == ("dos", "")

    with pytest.raises(refusal.ActionRefused) as refused:
        wiped(path)
    name = Path(path).name
    assert f"holds dos; {name}p1 16 MiB ext4; {name}p2 16 MiB without a sig" in str(refused.value)

    confirm = str(refused.value).rpartition("confirm=")[2]
    assert wiped(path, confirm) == f"{path} held dos and is empty now"
    assert not list(Path(f"/sys/class/block/{name}").glob(f"{name}p*"))
    assert wiped(path) == f"{path} is empty already"
    # Another table of the same form finds nothing again.
    partitions = disks.matching((_again(path),))[0].partitions
    assert partitions[0].endswith("without a signature")


def _again(path: str) -> str:
    with Path(path).open("r+b") as disk:
        disk.seek(446)
        disk.write(struct.pack("<8B2I", *[0] * 4, 0x83, *[0] * 3, 2048, 32768).ljust(64, b"\0"))
        disk.write(b"\x55\xaa")
    _run("partx", "--add", path)
    return path


def test_a_disk_whose_partition_is_in_use_is_left_alone(attach: Attach, tmp_path: Path):
    path = partitioned(attach(64, -1))
    there = tmp_path / "mounted"
    there.mkdir()
    _run("mount", f"{path}p1", str(there))
    try:
        assert disks.matching((path,))[0].use
        with pytest.raises(OSError, match="busy"):
            disks.wipe(path, disks.identity(path))
    finally:
        _run("umount", str(there))
    assert disks.matching((path,))[0].partitions[0].endswith("ext4")
