# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Programs that note their calls, in place of the machine's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Programs:
    """A folder of them, and their calls in order."""

    folder: Path

    @property
    def called(self) -> list[str]:
        """The calls, each with its arguments."""
        log = self.folder / "called"
        return log.read_text().splitlines() if log.exists() else []

    def add(self, name: str, script: str = "") -> str:
        """A program that notes its call and then runs a shell script; returns its path."""
        path = self.folder / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>{self.folder}/called\n{script}\n')
        path.chmod(0o755)
        return str(path)
