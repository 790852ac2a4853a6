# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The snaps of the lab. They are packed here, without a store."""

from __future__ import annotations

import shutil
import tempfile
import threading
from pathlib import Path

from lab.machines import lxd_folder, rootfs
from lab.machines.programs import run

# The mount points that snapd and the kernel need in a base.
BASE_FOLDERS = (
    *("dev", "etc", "home", "lib/modules", "media", "mnt", "proc", "root", "run", "snap", "sys"),
    *("tmp", "usr/lib/snapd", "usr/src", "var/lib/snapd", "var/log", "var/snap", "var/tmp"),
)


def pack_stubs(target: Path) -> None:
    """Pack TARGET/snapd.snap and TARGET/core22.snap, which contain only what snapd checks."""
    with tempfile.TemporaryDirectory() as scratch:
        base = _copy("core22", Path(scratch))
        for folder in BASE_FOLDERS:
            (base / folder).mkdir(parents=True, exist_ok=True)
        _pack(base, target / "core22.snap")
        _pack(_copy("snapd", Path(scratch)), target / "snapd.snap")


def unpack_debian_lxd(debs: Path, folder: Path) -> None:
    """Make a folder as in `lxd_folder` from Debian's packages."""
    with tempfile.TemporaryDirectory() as scratch:
        for package in ("lxd", "lxd-client"):
            rootfs.extract(debs, package, Path(scratch))
        (folder / "bin").mkdir(parents=True)
        for name in lxd_folder.PROGRAMS:
            shutil.move(Path(scratch) / "usr/bin" / name, folder / "bin" / name)


def pack_lxd(folder: Path, version: str, target: Path) -> None:
    """Pack the LXD in `folder` as the file `target`, with the version number `version`.

    The same LXD and version give the same bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        lay_out_lxd(folder, Path(scratch) / "lxd", version)
        _pack(Path(scratch) / "lxd", target)


def lay_out_lxd(folder: Path, snap: Path, version: str) -> None:
    """Make the folder `snap` with everything that the snap of the LXD in `folder` contains."""
    shutil.copytree(rootfs.RECIPE / "snaps/lxd", snap)
    meta = snap / "meta/snap.yaml"
    meta.write_text(meta.read_text().replace("@VERSION@", version))
    for file in lxd_folder.contents(folder):
        copy = snap / file.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy, follow_symlinks=False)


def _copy(name: str, scratch: Path) -> Path:
    return Path(shutil.copytree(rootfs.RECIPE / "snaps" / name, scratch / name))


def _pack(folder: Path, target: Path) -> None:
    """Do the same as `snap pack`, without compression: it takes 1 s instead of 13."""
    # Several machines may boot at the same time, each in a thread, and pack the same snap.
    new = target.with_suffix(f".{threading.get_native_id()}.new")
    new.unlink(missing_ok=True)
    uncompressed = ["-noI", "-noD", "-noF", "-noX"]
    same_bytes = ["-mkfs-time", "0", "-all-time", "0"]
    plain = ["-noappend", "-all-root", "-no-xattrs", "-no-progress"]
    run("mksquashfs", str(folder), str(new), *plain, *uncompressed, *same_bytes, timeout=120)
    new.replace(target)
