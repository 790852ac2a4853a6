"""What is built once and kept: in folders named by what they are made from."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.machines import digests
from lab.machines.command import run
from lab.machines.disk import remove_tree

SOURCE = Path(__file__).parent
Progress = Callable[[str], None]


def digest(files: Iterable[Path], words: Iterable[str]) -> str:
    """A short hash of files of this folder, and of the words."""
    return digests.digest(files, words, SOURCE)


def find(cache: Path, prefix: str, versions: list[str]) -> Path:
    """Where what has these package versions is or is to be built.

    When apt does not know the versions, the newest that was built will do.
    """
    built = sorted(cache.glob(f"{prefix}*[0-9a-f]"), key=lambda path: path.stat().st_mtime)
    if built and not versions:
        return built[-1]
    return cache / f"{prefix}{digest([], versions)}"


def recipe(names: Iterable[str]) -> list[Path]:
    """Files of this folder by name; a folder's name means all that is in it."""
    found: list[Path] = []
    for name in names:
        path = SOURCE / name
        inside = path.rglob("*") if path.is_dir() else [path]
        found += [file for file in inside if file.is_file()]
    return sorted(found)


def prune(cache: Path, patterns: Iterable[str], keep: Sequence[Path]) -> None:
    """Remove what was built more than a day ago, and no machine's disk is made of."""
    mounts = Path("/proc/self/mounts").read_text()
    for folder in [folder for pattern in patterns for folder in cache.glob(pattern)]:
        is_old = time.time() - folder.stat().st_mtime > 24 * 3600
        if is_old and folder not in keep and str(folder) not in mounts:
            remove_tree(folder)


@contextmanager
def whole(folder: Path) -> Generator[Path]:
    """A folder to build in, which becomes `folder` at the end if all went well."""
    new = folder.with_name(f"{folder.name}.new")
    remove_tree(new)
    new.mkdir()
    yield new
    run("sync", "--file-system", str(new), timeout=300)
    new.rename(folder)
