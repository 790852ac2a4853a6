# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Locks between processes of this computer."""

from __future__ import annotations

import fcntl
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Wait for the lock file at `path`, and hold it."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
