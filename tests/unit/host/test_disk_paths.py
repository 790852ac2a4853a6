# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A disk of a SAN has several devices on one machine, and no multipath puts them together."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import disk_paths, disks
from tests.unit.host.test_world_wide_names import LUN, device

OTHER = "naa.600140554cf3a18a5d4d3a8b6f3c2d1f"


@pytest.fixture(autouse=True)
def all_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each device has a node that programs can open, except NVMe's own paths."""

    def is_block_device(path: Path) -> bool:
        return "c0n" not in path.name

    monkeypatch.setattr(Path, "is_block_device", is_block_device)


def test_the_other_paths_to_a_disk(tmp_path: Path):
    for name in ("sdb", "sdc"):
        device(tmp_path, name, device__wwid=LUN)
    device(tmp_path, "sdd", device__wwid=OTHER)
    device(tmp_path, "vda", serial="a")

    assert disk_paths.others(tmp_path, "sdc") == ("sdb",)
    assert disk_paths.others(tmp_path, "sdd") == ()
    assert disk_paths.others(tmp_path, "vda") == ()


def test_a_device_of_multipath_does_not_count(tmp_path: Path):
    multipath = device(tmp_path, "dm-0", dm__uuid=f"mpath-3{LUN[4:]}")
    (multipath / "slaves").mkdir()
    for name in ("sdb", "sdc"):
        (device(tmp_path, name, device__wwid=LUN) / "holders" / "dm-0").mkdir(parents=True)
        (multipath / "slaves" / name).symlink_to(tmp_path / name)

    assert disk_paths.others(tmp_path, "dm-0") == ()


def test_what_nobody_can_open_does_not_count(tmp_path: Path):
    for name in ("nvme0n1", "nvme0c0n1"):
        device(tmp_path, name, wwid="eui.0025385a91b0c1d2", device__serial="S4EVNX0R")

    assert disk_paths.others(tmp_path, "nvme0n1") == ()


def test_a_disk_that_is_used_by_another_path_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("sdb", "sdc"):
        device(tmp_path, name, device__wwid=LUN, size="2048")

    def use(path: str, name: str) -> str:
        return "is mounted" if name == "sdb" else ""

    def signatures(path: str) -> list[dict[str, str]]:
        return [{"type": "ext4"}]

    monkeypatch.setattr(disks, "_SYS", tmp_path)
    monkeypatch.setattr(disks, "_use", use)
    monkeypatch.setattr(disks, "_signatures", signatures)

    found = disks._device("/dev/sdc", "/dev/sdc")  # pyright: ignore[reportPrivateUsage]
    assert found.use == "is also sdb, which is mounted"


def test_the_disk_of_a_partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    device(tmp_path, "sdb/sdb1", partition="1")
    (tmp_path / "sdb1").symlink_to(tmp_path / "sdb" / "sdb1")
    device(tmp_path, "dm-0", dm__uuid=f"mpath-3{LUN[4:]}")
    for name, uuid in (("dm-1", f"part1-mpath-3{LUN[4:]}"), ("dm-2", "LVM-abc")):
        (device(tmp_path, name, dm__uuid=uuid) / "slaves" / "dm-0").mkdir(parents=True)
    monkeypatch.setattr(disks, "_SYS", tmp_path)

    found = {
        name: disks._disk_of(name)  # pyright: ignore[reportPrivateUsage]
        for name in ("sdb", "sdb1", "dm-0", "dm-1", "dm-2")
    }

    assert found == {"sdb": "", "sdb1": "/dev/sdb", "dm-0": "", "dm-1": "/dev/dm-0", "dm-2": ""}
