# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Loop devices: all machines share the host kernel's."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.machines.programs import CommandError, run

# Enough for two models of eight machines with a few loop-backed pools each.
COUNT = 128
# include/uapi/linux/loop.h
_LOOP_CTL_ADD = 0x4C80


def ensure() -> list[Path]:
    """Make the host have at least COUNT loop devices and return their nodes."""
    nodes = [Path(f"/dev/loop{number}") for number in range(COUNT)]
    control = os.open("/dev/loop-control", os.O_RDWR)
    try:
        for number, node in enumerate(nodes):
            if not node.exists():
                with suppress(FileExistsError):
                    fcntl.ioctl(control, _LOOP_CTL_ADD, number)
    finally:
        os.close(control)
    return [node for node in nodes if node.exists()]


@dataclass(frozen=True)
class Loop:
    """An attached loop device: its node, and its backing file by name, device and inode.

    If a dead process served the file, the file has neither: nothing can reach it any more.
    """

    node: str
    file: str
    backing_device: int | None
    inode: int | None


def attached() -> list[Loop]:
    """The loop devices of the host with a backing file."""
    columns = "NAME,BACK-FILE,BACK-MAJ:MIN,BACK-INO"
    text = run("losetup", "--list", "--json", "--output", columns)
    devices: list[dict[str, Any]] = json.loads(text)["loopdevices"] if text.strip() else []
    loops: list[Loop] = []
    for device in devices:
        name, file = str(device["name"]), str(device["back-file"] or "")
        if device["back-maj:min"] is None:
            loops.append(Loop(name, file, None, None))
            continue
        major, minor = (int(part) for part in device["back-maj:min"].split(":"))
        loops.append(Loop(name, file, os.makedev(major, minor), int(device["back-ino"])))
    return loops


def detach(root: Path) -> None:
    """Detach the loop devices whose file is in the file system mounted at `root`, or is dead."""
    for loop in attached():
        if _is_in(root, loop):
            # The kernel may have released the device by itself by now.
            with suppress(CommandError):
                run("losetup", "--detach", loop.node)


def _is_in(root: Path, loop: Loop) -> bool:
    # The kernel shows a file of another mount namespace relative to its mount. So the name alone is
    # not enough; device and inode number decide.
    if loop.backing_device is None:
        return True
    if loop.backing_device == root.stat().st_dev:
        return True
    try:
        status = (root / loop.file.lstrip("/")).lstat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == (loop.backing_device, loop.inode)
