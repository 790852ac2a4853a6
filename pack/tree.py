# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The files of a charm, and a copy of them to pack from."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

INPUTS = (
    "LICENSE",
    "README.md",
    "actions.yaml",
    "charmcraft.yaml",
    "config.yaml",
    "dispatch",
    "icon.svg",
    "lib",
    "metadata.yaml",
    "pyproject.toml",
    "src",
    "uv.lock",
)


def files(root: Path) -> list[Path]:
    """The charm's files under `root`, sorted, relative to it, without compiled code.

    Raises:
        FileNotFoundError: one of `INPUTS` is missing.
    """
    found: list[Path] = []
    for name in INPUTS:
        path = root / name
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
            found.extend(inside)
        elif path.is_file():
            found.append(path)
        else:
            message = f"{name} is missing: the charm is packed from it"
            raise FileNotFoundError(message)
    return sorted(path.relative_to(root) for path in found)


def digest(root: Path, *more: str) -> str:
    """A fingerprint of the charm's files, their modes, and the other inputs `more`."""
    seen = hashlib.sha256("\0".join(more).encode())
    for path in files(root):
        content = (root / path).read_bytes()
        mode = (root / path).stat().st_mode & 0o111
        seen.update(f"\0{path}\0{mode}\0{len(content)}\0".encode())
        seen.update(content)
    return seen.hexdigest()


def copy(root: Path, target: Path) -> None:
    """Make `target` a fresh folder with only the charm's files.

    Charmcraft copies the whole folder that it packs from: it must not contain caches and machines.
    """
    shutil.rmtree(target, ignore_errors=True)
    for path in files(root):
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, target / path)


if __name__ == "__main__":
    copy(Path.cwd(), Path(sys.argv[1]))
