# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Packs charms that tests deploy into .charm files."""

from __future__ import annotations

import zipfile
from pathlib import Path


def pack(name: str, folder: Path, charms: Path) -> Path:
    """Zip the charm `name` in the folder `charms` into a file in `folder`; the file's path."""
    source = charms / name
    target = folder / f"{name}.charm"
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(source.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                archive.write(path, path.relative_to(source))
    return target


def add_packages(charm: Path, *names: str) -> None:
    """Put Python packages of this environment into a packed charm's `venv`."""
    import yaml

    site = Path(yaml.__file__).parent.parent
    with zipfile.ZipFile(charm, "a") as archive:
        for name in names:
            for path in sorted([*site.glob(f"{name}.py"), *(site / name).rglob("*.py")]):
                archive.write(path, Path("venv") / path.relative_to(site))
