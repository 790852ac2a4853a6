# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Files that are built once and kept: the name of a folder follows from its inputs."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.machines import digests
from lab.machines.disk import remove_tree
from lab.machines.programs import run

SOURCE = Path(__file__).parent
Progress = Callable[[str], None]


def digest(files: Iterable[Path], words: Iterable[str]) -> str:
    """A short hash of files of this folder, and of the words."""
    return digests.digest(files, words, SOURCE)


def find(cache: Path, prefix: str, versions: list[str]) -> Path:
    """The folder for the build with these package versions; it may not exist yet.

    If apt does not know the versions, the newest existing build is used.
    """
    built = sorted(cache.glob(f"{prefix}*[0-9a-f]"), key=lambda path: path.stat().st_mtime)
    if built and not versions:
        return built[-1]
    return cache / f"{prefix}{digest([], versions)}"


def recipe(names: Iterable[str]) -> list[Path]:
    """Files of this folder by name; a folder's name means all files in it."""
    files: list[Path] = []
    for name in names:
        path = SOURCE / name
        inside = path.rglob("*") if path.is_dir() else [path]
        files += [file for file in inside if file.is_file()]
    return sorted(files)


def prune(cache: Path, patterns: Iterable[str], keep: Sequence[Path]) -> None:
    """Remove builds that are older than a day and that no machine's disk uses."""
    mounts = Path("/proc/self/mounts").read_text()
    for folder in [folder for pattern in patterns for folder in cache.glob(pattern)]:
        is_old = time.time() - folder.stat().st_mtime > 24 * 3600
        if is_old and folder not in keep and str(folder) not in mounts:
            remove_tree(folder)


@contextmanager
def whole(folder: Path) -> Generator[Path]:
    """A folder to build in. It becomes `folder` at the end if everything succeeded."""
    new = folder.with_name(f"{folder.name}.new")
    remove_tree(new)
    new.mkdir()
    yield new
    run("sync", "--file-system", str(new), timeout=300)
    new.rename(folder)
