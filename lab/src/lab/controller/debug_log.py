# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model's debug log: JSON lines on disk, printed as `juju debug-log` prints them."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

LEVELS = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Record:
    """One line of the log. `time` is in seconds since the epoch."""

    time: float
    entity: str
    level: str
    module: str
    message: str

    @classmethod
    def parse(cls, line: str) -> Record:
        """The record of one line of the file."""
        return cls(**json.loads(line))


class DebugLog:
    """Appends records to a file. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def write(self, entity: str, level: str, module: str, message: str) -> None:
        """Append one record, timed now. `entity` is a unit's name, a machine's id or a tag."""
        record = Record(time.time(), _tag(entity), level, module, message)
        line = json.dumps(asdict(record), ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")

    def close(self) -> None:
        """Close the file; write nothing after that."""
        with self._lock:
            self._file.close()


def _tag(name: str) -> str:
    """`app/0` becomes `unit-app-0`, `0` becomes `machine-0`; any other name is a tag already."""
    if "/" in name:
        return f"unit-{name.replace('/', '-')}"
    return f"machine-{name}" if name.isdigit() else name
