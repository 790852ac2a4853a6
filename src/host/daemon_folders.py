# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The folders of LXD's images and backups: where they are, and how they are restored.

LXD 5.0 and 5.21 move them in this order (read in their source): LXD writes the configuration,
renames the folder to NAME.temp, puts a link to the volume in its place, copies the content with
rsync, and deletes the copied files at the very end. On the way back it first removes the link, then
makes an empty folder, then does the same. If that fails half way, LXD leaves it so.

LXD 6.9 makes no link: only its configuration says where they are, and its folder is empty then. A
move copies, and empties the old place at the very end.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from host import mounts
from state.facts import Folder
from state.lxd_objects import DAEMON_FOLDERS, daemon_volume

_POOLS = "storage-pools"
_VOLUME = "storage-pools/{pool}/custom/default_{name}"
"""The mount point of a volume of the default project, below LXD's folder."""
_MODE = 0o700
_PROC = Path("/proc")


class NotMountedError(OSError):
    """A volume is not mounted: what is on it cannot be seen."""


def look(lxd_dir: Path, kind: str) -> Folder:
    """The place of LXD's images or backups."""
    folder, left = lxd_dir / kind, lxd_dir / f"{kind}.temp"
    if folder.is_symlink():
        return Folder(_volume(str(folder.readlink())), left.exists())
    filled = folder.exists() and any(folder.iterdir())
    return Folder("", left.exists(), filled)


def _volume(target: str) -> str:
    """POOL/VOLUME of .../storage-pools/POOL/custom/PROJECT_VOLUME."""
    pool, _, name = target.rstrip("/").split("/")[-3:]
    return f"{pool}/{name.partition('_')[2]}"


def root_of(process: int) -> Path:
    """The root directory of LXD's daemon: a snap has its own mounts."""
    root = _PROC / str(process) / "root"
    return root if process and root.exists() else Path("/")


def refuse_while_moving(kind: str, proc: Path = _PROC) -> None:
    """Raises OSError while an rsync of LXD works on these images or backups."""
    names = (f"/{kind}.temp", f"/default_{daemon_volume(kind)}")
    for line in proc.glob("[0-9]*/cmdline"):
        try:
            command_line = line.read_bytes()
        except OSError:
            continue  # It has ended.
        if b"rsync" in command_line and any(name.encode() in command_line for name in names):
            raise OSError(f"LXD is still moving its {kind}")


def restore(lxd_dir: Path, kind: str, root: Path = Path("/")) -> None:
    """Restores the folder on the root disk, with all of its content that is found.

    Deletes only the leftovers of the move. A second call continues an interrupted one. Raises
    OSError.
    """
    folder, left = lxd_dir / kind, lxd_dir / f"{kind}.temp"
    # A name of the charm's own: LXD would take its own name for the existing folder.
    into = lxd_dir / f"{kind}.lxd-cluster" if folder.is_symlink() else folder
    into.mkdir(_MODE, exist_ok=True)
    if left.exists():
        _copy_missing(left, into)
    pattern = _VOLUME.format(pool="*", name=daemon_volume(kind))
    for volume in sorted(_below(root, lxd_dir).glob(pattern)):
        _copy_missing(_on_volume(volume, kind), into)
    if into != folder:
        folder.unlink()
        into.rename(folder)
    shutil.rmtree(left, ignore_errors=True)


def mounted(lxd_dir: Path, root: Path = Path("/")) -> frozenset[str]:
    """The charm's volumes, as POOL/VOLUME, that are mounted."""
    places = {kind: _VOLUME.format(pool="*", name=daemon_volume(kind)) for kind in DAEMON_FOLDERS}
    return frozenset(
        f"{place.parts[-3]}/{daemon_volume(kind)}"
        for kind, pattern in places.items()
        for place in _below(root, lxd_dir).glob(pattern)
        if place.is_mount()
    )


def empty_pools(
    lxd_dir: Path, pools: Iterable[str], process: int, proc: Path = _PROC
) -> frozenset[str]:
    """The pools whose folder is not mounted for LXD's `process` and has no file.

    A folder that cannot be read does not count as empty.
    """
    return frozenset(pool for pool in pools if _is_empty(lxd_dir, pool, process, proc))


def _is_empty(lxd_dir: Path, pool: str, process: int, proc: Path) -> bool:
    folder = lxd_dir / _POOLS / pool
    inside = proc / str(process) / "root" / folder.relative_to("/")
    try:
        if mounts.below(folder, process, proc) or not inside.is_dir():
            return False
        for place, folders, files in os.walk(inside, onerror=_raise):
            if files or any(Path(place, name).is_symlink() for name in folders):
                return False
    except OSError:
        return False
    return True


def _raise(error: OSError) -> None:
    raise error


def remove_pool(lxd_dir: Path, pool: str, process: int, proc: Path = _PROC) -> None:
    """Removes the empty folder of a pool, with the empty ones in it. Raises OSError for others."""
    if not _is_empty(lxd_dir, pool, process, proc):
        raise OSError(f"the folder of {pool} is not empty")
    folder = proc / str(process) / "root" / (lxd_dir / _POOLS / pool).relative_to("/")
    for place, _, _ in os.walk(folder, topdown=False):
        Path(place).rmdir()


def gather(
    lxd_dir: Path, kind: str, volume: str, root: Path = Path("/"), *, mounts: bool = True
) -> None:
    """Copies what is left on a volume to where LXD's images or backups are.

    `mounts` says whether the pool's driver mounts each volume, as zfs and lvm do. LXD mounts only
    the volumes that its configuration names; the mount point of any other one is an empty folder
    (read in its source). In a pool of dir or btrfs the folder is the volume itself.

    Raises OSError: NotMountedError if the content of the volume cannot be seen.
    """
    pool, _, name = volume.partition("/")
    place = _below(root, lxd_dir) / _VOLUME.format(pool=pool, name=name)
    if not (place.is_mount() if mounts else place.is_dir()):
        raise NotMountedError(f"{volume} is not mounted")
    source, folder = _on_volume(place, kind), lxd_dir / kind
    into = _below(root, folder.readlink()) if folder.is_symlink() else folder
    if source.resolve() != into.resolve():
        _copy_missing(source, into)


def _on_volume(volume: Path, kind: str) -> Path:
    """Their folder on a volume: LXD 6.9 has a folder for each kind there (read in its source)."""
    return volume / kind if (volume / kind).is_dir() else volume


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _copy_missing(source: Path, target: Path) -> None:
    """Copies missing files. rsync gives a file its name only when it is complete."""
    for entry in sorted(source.iterdir()):
        copy = target / entry.name
        if entry.name == "lost+found":
            continue
        if entry.is_dir() and not entry.is_symlink():
            copy.mkdir(_MODE, exist_ok=True)
            _copy_missing(entry, copy)
        elif not os.path.lexists(copy):
            part = target / f".{entry.name}.part"
            shutil.copy2(entry, part, follow_symlinks=False)
            part.replace(copy)
