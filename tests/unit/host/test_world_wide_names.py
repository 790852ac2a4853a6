# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The name of a disk in the world: equal on machines that share the disk, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import world_wide_names

LUN = "naa.600140554cf3a18a5d4d3a8b6f3c2d1e"


def device(sys: Path, name: str, **files: str) -> Path:
    """A device's folder in /sys, with these files: `__` in a name is a slash."""
    folder = sys / name
    for file, text in files.items():
        path = folder / file.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return folder


UNIQUE = {
    "a LUN": ({"device__wwid": LUN}, LUN),
    "a SAS disk": ({"device__wwid": "naa.5000c500a1b2c3d4"}, "naa.5000c500a1b2c3d4"),
    "an extended name": ({"device__wwid": "naa.2000001b9a03d5f2"}, "naa.2000001b9a03d5f2"),
    "an NVMe disk": (
        {"wwid": "eui.0025385a91b0c1d2", "device__serial": "S4EVNX0R"},
        "eui.0025385a91b0c1d2 S4EVNX0R",
    ),
    "an NVMe disk with an NGUID": (
        {"wwid": "eui.36344630523000760025384700000001", "device__serial": "S4EVNX0R"},
        "eui.36344630523000760025384700000001 S4EVNX0R",
    ),
    "a namespace over a network": (
        {"wwid": "uuid.0b1a5ad0-5e0c-4b0c-9a63-6d7b1f0c8f11", "device__serial": "a1"},
        "uuid.0b1a5ad0-5e0c-4b0c-9a63-6d7b1f0c8f11 a1",
    ),
}


@pytest.mark.parametrize(("files", "name"), UNIQUE.values(), ids=UNIQUE.keys())
def test_the_name_of_a_disk(files: dict[str, str], name: str, tmp_path: Path):
    assert world_wide_names.of(device(tmp_path, "sdb", **files)) == name


ALIKE: dict[str, dict[str, str]] = {
    "virtio": {"serial": "overlayblk"},
    "QEMU's SCSI": {"device__wwid": "t10.QEMU    QEMU HARDDISK   drive-scsi0"},
    "QEMU's IDE": {"device__wwid": "t10.ATA     QEMU HARDDISK       QM00001"},
    "LXD's virtual machines": {"device__wwid": "t10.QEMU    QEMU HARDDISK   lxd_root"},
    "QEMU's NVMe": {"wwid": "eui.5254000000000001", "device__serial": "lxd_data"},
    "QEMU's NVMe without an EUI-64": {"wwid": "nvme.1b36-6c78645f64617461-51454d55-00000001"},
    "NVMe without a serial number": {"wwid": "eui.0025385a91b0c1d2"},
    "no UUID": {"wwid": "uuid.00000000-0000-0000-0000-000000000000", "device__serial": "a"},
    "tgt": {"device__wwid": "naa.60000000000000000e00000000010001"},
    "a name for local use": {"device__wwid": "naa.3000000000000001"},
    "nothing": {"size": "2048"},
    "a volume of LVM in a copied image": {"dm__uuid": "LVM-4tGY0wVgd0Lk"},
}


@pytest.mark.parametrize("files", ALIKE.values(), ids=ALIKE.keys())
def test_what_disks_of_other_machines_have_too_is_not_a_name(files: dict[str, str], tmp_path: Path):
    assert world_wide_names.of(device(tmp_path, "sdb", **files)) == ""


def test_two_nvme_disks_of_one_careless_manufacturer_have_two_names(tmp_path: Path):
    same = "eui.0025385a91b0c1d2"
    one = device(tmp_path, "nvme0n1", wwid=same, device__serial="A")
    other = device(tmp_path, "nvme1n1", wwid=same, device__serial="B")

    assert world_wide_names.of(one) != world_wide_names.of(other)


def test_a_device_of_multipath_is_called_as_its_paths(tmp_path: Path):
    path = device(tmp_path, "sdb", device__wwid=LUN)
    multipath = device(tmp_path, "dm-0", dm__uuid=f"mpath-3{LUN[4:]}")
    (multipath / "slaves").mkdir()
    (multipath / "slaves" / "sdb").symlink_to(path)

    assert world_wide_names.of(multipath) == world_wide_names.of(path) == LUN


def test_partitions_of_one_disk_have_different_names(tmp_path: Path):
    device(tmp_path, "sdb", device__wwid=LUN)
    first, second = (
        device(tmp_path / "sdb", f"sdb{number}", partition=number, start=f"{number}2048")
        for number in "12"
    )

    assert world_wide_names.of(first) == f"{LUN} 12048"
    assert world_wide_names.of(second) == f"{LUN} 22048"
