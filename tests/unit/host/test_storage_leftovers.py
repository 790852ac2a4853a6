# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm releases what a failed join made of disks, and nothing else."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from host import disks, storage_leftovers
from host.machine import Machine
from tests.unit.programs import Programs

STATUS = """\
  pool: local
 state: ONLINE
config:

\tNAME          STATE     READ WRITE CKSUM
\tlocal         ONLINE       0     0     0
\t  /dev/sdb1   ONLINE       0     0     0

errors: No known data errors

  pool: rpool
 state: ONLINE
config:

\tNAME          STATE     READ WRITE CKSUM
\trpool         ONLINE       0     0     0
\t  mirror-0    ONLINE       0     0     0
\t    /dev/sda3 ONLINE       0     0     0
\t    /dev/sdb2 ONLINE       0     0     0

  pool: onfile
 state: ONLINE
config:

\tNAME                    STATE     READ WRITE CKSUM
\tonfile                  ONLINE       0     0     0
\t  FOLDER/disks/p.img    ONLINE       0     0     0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """LXD's folder."""
    lxd = tmp_path / "lxd"
    lxd.mkdir()
    return lxd


@pytest.fixture
def programs(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """A machine with ZFS and LVM. /dev/sdb has the partitions that ZFS made."""
    programs = Programs(tmp_path)
    monkeypatch.setattr(storage_leftovers, "_TOOLS", (str(tmp_path),))
    monkeypatch.setattr(storage_leftovers, "_ZFS", tmp_path)
    blocks = tmp_path / "block"
    for name in ("sdb/sdb1", "sdb/sdb2", "sda/sda3"):
        (tmp_path / "devices" / name).mkdir(parents=True)
        (tmp_path / "devices" / name / "partition").write_text("1")
    blocks.mkdir()
    for name in ("sdb", "sda", "sdb/sdb1", "sdb/sdb2", "sda/sda3"):
        (blocks / Path(name).name).symlink_to(tmp_path / "devices" / name)
    monkeypatch.setattr(storage_leftovers, "_SYS", blocks)
    zfs = STATUS.replace("FOLDER", str(folder))
    programs.add("zpool", f"[ $1 = status ] && cat <<'END'\n{zfs}\nEND\nexit 0")
    groups = [("/dev/sdc", "wide"), ("/dev/sdd", "system"), ("/dev/sdc9", "both"), ("/dev/sde", "")]
    groups += [("/dev/sdd9", "both"), ("/dev/loop7", "looped")]
    volumes = [{"pv_name": device, "vg_name": group} for device, group in groups]
    report = json.dumps({"report": [{"pv": volumes}]})
    programs.add("pvs", f"echo '{report}'")
    loops = [("/dev/loop7", f"{folder}/disks/q.img"), ("/dev/loop1", "/var/other.img")]
    devices = [{"name": name, "back-file": file} for name, file in loops]
    programs.add("losetup", f"[ $1 = --json ] && echo '{json.dumps({'loopdevices': devices})}'")
    programs.add("vgchange")
    programs.add("vgremove")
    return programs


def changes(programs: Programs) -> list[str]:
    """All calls that changed something."""
    looks = ("zpool status", "pvs ", "losetup --json")
    return [call for call in programs.called if not call.startswith(looks)]


IN_FOLDER = [
    "zpool export onfile",
    "vgchange --activate n looped",
    "vgremove --force --yes looped",
    "losetup --detach /dev/loop7",
]


def test_what_is_on_files_of_lxds_folder_goes_with_it(programs: Programs, folder: Path):
    storage_leftovers.release([], folder)

    assert changes(programs) == IN_FOLDER


def test_a_volume_group_on_the_joins_device_goes(programs: Programs, folder: Path):
    storage_leftovers.release(["/dev/sdc", "tank/lxd"], folder)

    gone = ["vgchange --activate n wide", "vgremove --force --yes wide"]
    assert changes(programs) == [IN_FOLDER[0], *IN_FOLDER[1:3], *gone, IN_FOLDER[3]]


def test_a_zpool_on_the_joins_disk_is_exported(programs: Programs, folder: Path):
    storage_leftovers.release(["/dev/sdb"], folder)

    assert changes(programs)[:2] == ["zpool export local", "zpool export onfile"]


def test_what_is_on_another_device_as_well_is_left_alone(programs: Programs, folder: Path):
    storage_leftovers.release(["/dev/sdb", "/dev/sdd9"], folder)

    assert not any("rpool" in call or "both" in call for call in changes(programs))


def test_what_cannot_be_released_hinders_nothing(programs: Programs, folder: Path):
    programs.add("vgremove", "exit 5")
    programs.add("losetup", "exit 1")
    programs.add("pvs", "exit 5")

    storage_leftovers.release(["/dev/sdb"], folder)

    assert "zpool export local" in programs.called


def test_zfs_tools_of_the_snap_serve_where_the_machine_has_none(
    programs: Programs, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    own = tmp_path / "snap/zfs-2.2/bin"
    own.mkdir(parents=True)
    (programs.folder / "zpool").rename(own / "zpool")
    monkeypatch.setattr(storage_leftovers, "_SNAP", tmp_path / "snap")

    storage_leftovers.release(["/dev/sdb"], folder)

    assert "zpool export local" in programs.called


@pytest.mark.usefixtures("programs")
def test_a_machine_without_zfs_is_not_asked_for_it(
    programs: Programs, folder: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(storage_leftovers, "_ZFS", Path("/missing"))

    storage_leftovers.release(["/dev/sdb"], folder)

    assert not any(call.startswith("zpool") for call in programs.called)


def test_a_disk_that_has_the_name_since_a_reboot_is_left_alone(
    programs: Programs, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A power cut ended a join. The names of two disks are exchanged after it."""
    identities = {"/dev/sdc": "size 1 serial of-the-join"}
    monkeypatch.setattr(disks, "identity", identities.get)
    state = tmp_path / "state"
    state.mkdir()
    machine = Machine(state, folder)
    monkeypatch.setattr(machine, "_seen", dict(identities))
    machine.note_forming("join", 1.0, ("/dev/sdc",))
    identities["/dev/sdc"] = "size 1 serial of-another"

    Machine(state, folder).release(("/dev/sdc",))

    assert not any("wide" in call for call in changes(programs))


@pytest.mark.parametrize(("device", "zpool"), [("/dev/sdb", "local"), ("/dev/sdc", "")])
def test_the_zpool_on_a_disk(programs: Programs, device: str, zpool: str):
    assert storage_leftovers.zpool_on(device) == zpool


def test_the_status_of_a_disk_names_its_zpool(
    programs: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """ZFS leaves no holder in /sys (reports about disks of earlier clusters: LXD issue 15904)."""

    def busy(path: str, flags: int) -> int:
        raise OSError(errno.EBUSY, "Device or resource busy")

    monkeypatch.setattr(disks, "_SYS", tmp_path / "sys")
    monkeypatch.setattr(disks.os, "open", busy)

    assert disks._use("/dev/sdb", "sdb") == "is in zpool local"  # pyright: ignore[reportPrivateUsage]
    assert disks._use("/dev/sdc", "sdc") == "is in use (Device or resource busy)"  # pyright: ignore[reportPrivateUsage]
