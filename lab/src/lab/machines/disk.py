# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine's disk: its own layer over the image's, mounted on the host."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from lab.machines import loops
from lab.machines.layers import Image, VmImage
from lab.machines.programs import CommandError, MachineError, run


def mount(folder: Path, image: Image | VmImage) -> None:
    """Mount a machine's root at FOLDER/root. A machine keeps the image that it was made from."""
    if any(mark in str(folder) for mark in ",:\\"):
        raise MachineError(f"{folder}: a lab's home must have no comma, colon or backslash")
    root = folder / "root"
    for part in (root, folder / "upper", folder / "work"):
        part.mkdir(parents=True, exist_ok=True)
    origin = folder / "image"
    if not origin.is_symlink():
        origin.symlink_to(image.folder.resolve())
    if root.is_mount():
        return
    own_image = type(image)(origin.resolve())
    if not all(layer.is_dir() for layer in own_image.layers):
        raise MachineError(f"{folder}: its image {own_image.folder} is gone; destroy the machine")
    lower = ":".join(str(layer) for layer in own_image.layers)
    options = f"lowerdir={lower},upperdir={folder}/upper,workdir={folder}/work"
    run("mount", "-t", "overlay", "overlay", "-o", options, str(root))


def make_sparse(file: Path, size: int) -> None:
    """Make a virtual machine's sparse disk of `size` MiB, unless it exists."""
    if not file.exists():
        with file.open("wb") as disk:
            disk.truncate(size << 20)


def make_ext4(file: Path, size: int) -> None:
    """Make such a disk with an ext4 file system on it, unless it exists."""
    if not file.exists():
        partial = file.with_suffix(".new")
        partial.unlink(missing_ok=True)
        make_sparse(partial, size)
        run("mkfs.ext4", "-q", "-F", str(partial))
        partial.rename(file)


def remove(folder: Path) -> None:
    """Unmount a machine's root and remove its folder, and the loop devices that still use it."""
    root = folder / "root"
    if root.is_mount():
        loops.detach(root)
        unmount(root)
    remove_tree(folder)


def unmount(root: Path) -> None:
    """Unmount it even while a process of the host still uses it."""
    try:
        run("umount", str(root))
    except CommandError:
        run("umount", "--lazy", str(root))


def remove_tree(folder: Path) -> None:
    """Remove a folder with everything in it, if it exists."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
