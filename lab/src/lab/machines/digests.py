# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Short hashes that show whether files have changed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def digest(files: Iterable[Path], words: Iterable[str], root: Path) -> str:
    """A short hash of the files' names below `root`, modes and contents, and of the words."""
    total = hashlib.sha256()
    for file in files:
        executable = os.access(file, os.X_OK)
        total.update(f"{file.relative_to(root)} {executable}\n".encode())
        total.update(hashlib.sha256(file.read_bytes()).digest())
    for word in words:
        total.update(f"{word}\n".encode())
    return total.hexdigest()[:12]
