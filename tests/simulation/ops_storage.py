# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The file in which ops keeps events that wait, in memory and without SQLite.

SQLite takes a sixth of the time of a hook: each hook would make a database.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

from ops.storage import NoSnapshotError

Notice = tuple[str, str, str]
"""The paths of an event and of its observer, and the observer's method."""


class MemoryStorage:
    """See `ops.storage.SQLiteStorage`. It lives for one hook: the charm defers no event."""

    def __init__(self) -> None:
        self._snapshots: dict[str, bytes] = {}
        self._notices: list[Notice] = []

    def close(self) -> None:
        """Nothing is open."""

    def commit(self) -> None:
        """Every change is there at once."""

    def save_snapshot(self, handle_path: str, snapshot_data: Any) -> None:
        """Keeps a copy of the values."""
        self._snapshots[handle_path] = pickle.dumps(snapshot_data)

    def load_snapshot(self, handle_path: str) -> Any:
        """A copy of the values. Raises NoSnapshotError."""
        if handle_path not in self._snapshots:
            raise NoSnapshotError(handle_path)
        return pickle.loads(self._snapshots[handle_path])

    def drop_snapshot(self, handle_path: str) -> None:
        """Forgets the values, if there are any."""
        self._snapshots.pop(handle_path, None)

    def list_snapshots(self) -> Iterator[str]:
        """The paths of all values."""
        return iter(list(self._snapshots))

    def save_notice(self, event_path: str, observer_path: str, method_name: str) -> None:
        """Keeps one more notice."""
        self._notices.append((event_path, observer_path, method_name))

    def drop_notice(self, event_path: str, observer_path: str, method_name: str) -> None:
        """Forgets a notice."""
        dropped = (event_path, observer_path, method_name)
        self._notices = [notice for notice in self._notices if notice != dropped]

    def notices(self, event_path: str | None = None) -> Iterator[Notice]:
        """The notices of an event, or all of them, in order."""
        found = [n for n in self._notices if not event_path or n[0] == event_path]
        return iter(found)
