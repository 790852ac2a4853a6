"""The snaps of the lab, packed here: no store is asked."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from lab.machines import rootfs
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


def packed_version(debs: Path) -> str:
    """The upstream version of LXD in the packages, like "5.0.2"."""
    found = re.match(r"lxd_([\d.]+)", rootfs.find_deb(debs, "lxd").name)
    return found.group(1) if found else "0"


def pack_lxd(debs: Path, target: Path, version: str) -> Path:
    """Pack Debian's LXD as TARGET/lxd_VERSION.snap, which says that it is `version`.

    The same packages and version give the same bytes.
    """
    with tempfile.TemporaryDirectory() as scratch:
        snap = _copy("lxd", Path(scratch))
        meta = snap / "meta/snap.yaml"
        meta.write_text(meta.read_text().replace("@VERSION@", version))
        programs = Path(scratch) / "programs"
        for package in ("lxd", "lxd-client"):
            rootfs.extract(debs, package, programs)
        (snap / "bin").mkdir()
        for name in ("lxd", "lxc"):
            shutil.move(programs / "usr/bin" / name, snap / "bin" / name)
        packed = target / f"lxd_{version}.snap"
        _pack(snap, packed)
    return packed


def _copy(name: str, scratch: Path) -> Path:
    return Path(shutil.copytree(rootfs.RECIPE / "snaps" / name, scratch / name))


def _pack(folder: Path, target: Path) -> None:
    """What `snap pack` does, without compression: 1 s instead of 13."""
    new = target.with_suffix(".new")
    new.unlink(missing_ok=True)
    uncompressed = ["-noI", "-noD", "-noF", "-noX"]
    same_bytes = ["-mkfs-time", "0", "-all-time", "0"]
    plain = ["-noappend", "-all-root", "-no-xattrs", "-no-progress"]
    run("mksquashfs", str(folder), str(new), *plain, *uncompressed, *same_bytes, timeout=120)
    new.replace(target)
