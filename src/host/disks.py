# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Block devices of this machine: their content, the identity of each disk, and wiping.

A name such as /dev/sdb may belong to another disk after a reboot. So the charm notes the disk
itself, and checks it again on the open device before it wipes anything.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import stat
import subprocess
from collections.abc import Collection, Iterable
from glob import glob
from pathlib import Path
from typing import Any

import deadlines
from host import disk_contents, disk_paths, storage_leftovers, world_wide_names
from host.commands import run
from host.processes import description, open_files, processes
from state.facts import Device

_UTILS = "charmhelpers.contrib.storage.linux.utils"
"""Imported only when a disk is examined: the import takes time in a hook, and has no types."""
_SYS = Path("/sys/class/block")
_DEVICES = Path("/sys/dev/block")
_MOUNTS = Path("/proc/self/mountinfo")
_SERIALS = ("serial", "device/serial", "wwid", "device/wwid")
_GROUP = re.compile("((?:[^-]|--)+)-(?!-)")
"""A volume group in the name of a mapped volume: GROUP-VOLUME. LVM doubles hyphens in each."""
_PARTITION = re.compile(r"part\d+-")
"""The UUID of a mapped device that is a partition, as kpartx makes it."""
_SECTOR = 512
"""Bytes of a sector in /sys, for any sector size of the device."""


def matching(patterns: tuple[str, ...]) -> tuple[Device, ...]:
    """The block devices that the patterns name, in their order, each once.

    A pattern is a path or a glob. Matches that are not block devices do not count.
    """
    utils: Any = importlib.import_module(_UTILS)
    devices: dict[str, Device] = {}
    for pattern in patterns:
        for path in sorted(glob(pattern)):  # noqa: PTH207 - a pattern may be a path as it is
            real = os.path.realpath(path)
            if real not in devices and utils.is_block_device(path):
                devices[real] = _device(path, real)
    return tuple(devices.values())


def wipe(path: str, identity: str) -> None:
    """Removes everything from a device that identifies a file system or a partition table.

    Its partitions are removed, too. Data between the places that `disk_contents` reads stay. Raises
    OSError if the device is in use, or if it is not the disk that `identity` names.
    """
    # While this is open, no other program mounts the device or uses it.
    node = os.path.realpath(path)
    name = Path(node).name
    descriptor = os.open(node, os.O_RDWR | os.O_EXCL)
    try:
        number = _number_of(descriptor)
        if not identity or identity_of((_DEVICES / number).resolve()) != identity:
            raise OSError(f"{path} is not the disk that the action showed: nothing was wiped")
        if program := _writer(descriptor, name):
            raise OSError(f"{path} is open in {program}: nothing was wiped")
        # A new partition may begin where an old one did: its file system would be back.
        disk_contents.clear(descriptor, tuple(_extent(part) for part in _partitions(name)))
        # The descriptor certainly is this disk. --force only skips wipefs's own claim.
        _wipefs(descriptor)
    finally:
        os.close(descriptor)
    _forget_partitions(name, node)


def _writer(descriptor: int, name: str) -> str:
    """A program that can write to the device or a partition of it, empty if there is none.

    The same for the disk of a partition. QEMU opens a virtual machine's disk without a lock, so the
    kernel calls it unused.
    """
    names = (name, *_partitions(name), *filter(None, [Path(_disk_of(name)).name]))
    numbers = {os.fstat(descriptor).st_rdev, *filter(None, map(_device_number, names))}
    for process in processes():
        if int(process.name) == os.getpid():
            continue
        for link, target in open_files(process):
            # Only a file that may be a device is examined: a dead network file system would hang.
            may_be_device = target.startswith("/dev/") or Path(target).name in names
            if may_be_device and _is_open_for_writing(link, numbers):
                return description(process)
    return ""


def _device_number(name: str) -> int | None:
    """The number of a device by its name in the kernel, None if it is gone."""
    try:
        major, _, minor = (_SYS / name / "dev").read_text().strip().partition(":")
    except OSError:
        return None
    return os.makedev(int(major), int(minor))


def _is_open_for_writing(link: Path, numbers: Collection[int]) -> bool:
    """Whether an open file of a process is one of these devices, and may be written."""
    try:
        status = link.stat()
        text = (link.parent.parent / "fdinfo" / link.name).read_text()
    except OSError:
        return False
    if not stat.S_ISBLK(status.st_mode) or status.st_rdev not in numbers:
        return False
    flags = next(line.split()[1] for line in text.splitlines() if line.startswith("flags:"))
    return int(flags, 8) & os.O_ACCMODE != os.O_RDONLY


def _forget_partitions(name: str, node: str) -> None:
    """Makes the kernel forget the partitions of a disk: it does not read a changed table by itself.

    The kernel refuses while a program has a partition open, as udev has for a moment. Raises
    CalledProcessError after `deadlines.PARTITIONS`.
    """
    import tenacity

    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_delay(deadlines.PARTITIONS),
        wait=tenacity.wait_fixed(0.5),
        retry=tenacity.retry_if_exception_type(subprocess.CalledProcessError),
        reraise=True,
    )
    for attempt in attempts:
        with attempt:
            if _partitions(name):
                run("/usr/bin/partx", "--delete", node)


def _number_of(descriptor: int) -> str:
    """The kernel's number of an open device. Raises OSError for anything else."""
    status = os.fstat(descriptor)
    if not stat.S_ISBLK(status.st_mode):
        raise OSError("that is not a block device")
    return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"


def _wipefs(descriptor: int) -> None:
    subprocess.run(
        ["/sbin/wipefs", "--all", "--force", "--quiet", f"/proc/self/fd/{descriptor}"],
        check=True,
        capture_output=True,
        timeout=deadlines.COMMAND,
        pass_fds=[descriptor],
    )


def identity(path: str) -> str:
    """An identifier of the disk at this path, empty if there is no disk."""
    folder = _SYS / Path(os.path.realpath(path)).name
    return identity_of(folder.resolve()) if folder.exists() else ""


def identity_of(folder: Path) -> str:
    """The identifier of a disk or partition, from its folder in /sys: size, serial number, WWN.

    A loop device has only its file, a mapped device its UUID, and a partition the values of its
    disk.
    """
    disk = folder.parent if (folder / "partition").exists() else folder
    own = [folder / name for name in ("size", "start")]
    paths = [*own, *(disk / name for name in (*_SERIALS, "loop/backing_file", "dm/uuid"))]
    return " ".join(path.read_text(errors="replace").strip() for path in paths if path.exists())


def _device(path: str, node: str) -> Device:
    name = Path(node).name
    use = _use(node, name) or _use_by_another_path(name)
    rows = _signatures(node)
    parts = () if use else _partitions(name)
    contents = [str(row.get("uuid") or "") for row in rows]
    world_wide = world_wide_names.of((_SYS / name).resolve())
    return Device(
        path=path,
        size=_number(_SYS / name / "size") * _SECTOR,
        use=use,
        holds="" if use else _types(rows) or ("partitions" if parts else _unsigned(path)),
        ids=_without_blanks([*contents, _serial(name)]),
        node=node,
        partitions=tuple(_partition(part, node) for part in parts),
        unique=_without_blanks([world_wide, *contents]),
        disk=_disk_of(name),
    )


def _disk_of(name: str) -> str:
    """The path of a partition's disk, empty for a whole disk."""
    folder = (_SYS / name).resolve()
    if (folder / "partition").exists():
        return f"/dev/{folder.parent.name}"
    # kpartx makes a mapped device for each partition of a multipath device.
    mapped = _PARTITION.match(_text(folder / "dm" / "uuid"))
    under = sorted((folder / "slaves").glob("*")) if mapped else []
    return f"/dev/{under[0].name}" if under else ""


def _without_blanks(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, words)))


def _partitions(name: str) -> tuple[str, ...]:
    """The kernel's names of a disk's partitions."""
    paths = (_SYS / name).glob(f"{name}*/partition")
    return tuple(sorted((path.parent.name for path in paths), key=lambda part: (len(part), part)))


def _extent(part: str) -> tuple[int, int]:
    """The place of a partition on its disk: offset and length, in bytes."""
    start, size = (_number(_SYS / part / file) for file in ("start", "size"))
    return start * _SECTOR, size * _SECTOR


def _partition(part: str, disk: str) -> str:
    """A partition in words: its name, its size, its content."""
    types = _types(_signatures(str(Path(disk).parent / part)))
    return f"{part} {_extent(part)[1] >> 20} MiB {types or 'without a signature'}"


def _types(rows: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({str(row["type"]) for row in rows}))


def _unsigned(path: str) -> str:
    """The content of a device without a signature, empty if there is none."""
    try:
        return "" if disk_contents.is_blank(path) else "unknown data"
    except OSError:
        return "unreadable data"


def _signatures(path: str) -> list[dict[str, Any]]:
    try:
        text = run("/sbin/wipefs", "--json", "--no-act", path)
    except (OSError, subprocess.SubprocessError):
        # An unreadable device is not empty.
        return [{"type": "unreadable data"}]
    return json.loads(text)["signatures"] if text.strip() else []


def _use(path: str, name: str) -> str:
    """What prevents the use or the wipe of the device, empty if nothing does."""
    if holders := _holders(name):
        return f"is in {holders}"
    for part in _partitions(name):
        if holders := _holders(part):
            return f"has {part} in {holders}"
    if _is_mounted(name):
        return "is mounted"
    if _number(_SYS / name / "ro"):
        return "is read-only"
    try:
        # The kernel refuses it for a device that is mounted anywhere, also in a snap's own view.
        os.close(os.open(path, os.O_RDONLY | os.O_EXCL))
    except OSError as error:
        # ZFS holds a device without a sign of it in /sys.
        zpool = storage_leftovers.zpool_on(path)
        return f"is in zpool {zpool}" if zpool else f"is in use ({error.strerror})"
    return ""


def _use_by_another_path(name: str) -> str:
    """What another device of the same disk is used for, empty if there is no such use."""
    uses = ((other, _use(f"/dev/{other}", other)) for other in disk_paths.others(_SYS, name))
    return next((f"is also {other}, which {use}" for other, use in uses if use), "")


def _holders(name: str) -> str:
    """What a disk or a partition is a part of, empty if it is on its own."""
    entries = (_SYS / name / "holders").glob("*")
    return ", ".join(sorted({holder_in_words(entry.name, _SYS / entry.name) for entry in entries}))


def holder_in_words(name: str, folder: Path) -> str:
    """The name by which LVM's and mdadm's commands know what the kernel calls dm-0 or md0."""
    if (folder / "md").exists():
        return f"array {name}"
    mapped, uuid = (_text(folder / "dm" / file) for file in ("name", "uuid"))
    group = _GROUP.match(mapped) if uuid.startswith("LVM-") else None
    return f"volume group {group[1].replace('--', '-')}" if group else mapped or name


def _text(path: Path) -> str:
    return path.read_text(errors="replace").strip() if path.exists() else ""


def _is_mounted(name: str) -> bool:
    """Whether the kernel has it mounted, also as `/`. A btrfs has no number of its device there.

    lsblk, which charmhelpers uses, has had other columns for that since util-linux 2.37.
    """
    number = (_SYS / name / "dev").read_text().strip() if (_SYS / name / "dev").exists() else ""
    for line in _MOUNTS.read_text(errors="replace").splitlines():
        words, _, source = line.partition(" - ")
        if words.split()[2:3] == [number]:
            return True
        if os.path.realpath("".join(source.split()[1:2])) == f"/dev/{name}":
            return True
    return False


def _serial(name: str) -> str:
    for file in _SERIALS:
        path = _SYS / name / file
        if path.exists():
            return path.read_text(errors="replace").strip()
    return ""


def _number(file: Path) -> int:
    return int(file.read_text()) if file.exists() else 0
