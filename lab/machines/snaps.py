"""The snaps of the lab, packed here: no store is asked."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from lab.machines import lxd_folder, rootfs
from lab.machines.command import run

# What snapd and the kernel mount on in a base.
BASE_FOLDERS = (
    *("dev", "etc", "home", "lib/modules", "media", "mnt", "proc", "root", "run", "snap", "sys"),
    *("tmp", "usr/lib/snapd", "usr/src", "var/lib/snapd", "var/log", "var/snap", "var/tmp"),
)


def pack_stubs(target: Path) -> None:
    """Pack TARGET/snapd.snap and TARGET/core22.snap, which hold nothing but satisfy snapd."""
    with tempfile.TemporaryDirectory() as scratch:
        base = _copy("core22", Path(scratch))
        for folder in BASE_FOLDERS:
            (base / folder).mkdir(parents=True, exist_ok=True)
        _pack(base, target / "core22.snap")
        _pack(_copy("snapd", Path(scratch)), target / "snapd.snap")


def unpack_debian_lxd(debs: Path, folder: Path) -> None:
    """Make of Debian's packages a folder as `lxd_folder` has it."""
    with tempfile.TemporaryDirectory() as scratch:
        for package in ("lxd", "lxd-client"):
            rootfs.extract(debs, package, Path(scratch))
        (folder / "bin").mkdir(parents=True)
        for name in lxd_folder.PROGRAMS:
            shutil.move(Path(scratch) / "usr/bin" / name, folder / "bin" / name)


def pack_lxd(folder: Path, version: str, target: Path) -> None:
    """Pack the LXD in `folder` as the file `target`, which says that it is `version`.

    The same LXD and version give the same bytes.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        lay_out_lxd(folder, Path(scratch) / "lxd", version)
        _pack(Path(scratch) / "lxd", target)


def lay_out_lxd(folder: Path, snap: Path, version: str) -> None:
    """Make the folder `snap`, which has all that the snap of the LXD in `folder` has."""
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
    """What `snap pack` does, without compression: 1 s instead of 13."""
    # Two may pack the same at the same time.
    new = target.with_suffix(f".{os.getpid()}.new")
    new.unlink(missing_ok=True)
    uncompressed = ["-noI", "-noD", "-noF", "-noX"]
    same_bytes = ["-mkfs-time", "0", "-all-time", "0"]
    plain = ["-noappend", "-all-root", "-no-xattrs", "-no-progress"]
    run("mksquashfs", str(folder), str(new), *plain, *uncompressed, *same_bytes, timeout=120)
    new.replace(target)
