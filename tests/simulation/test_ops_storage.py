# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The storage without SQLite does the same as ops' own."""

from __future__ import annotations

from typing import Any

import pytest
from ops.storage import NoSnapshotError, SQLiteStorage

from tests.simulation.ops_storage import MemoryStorage

STORAGES = pytest.mark.parametrize("make", [MemoryStorage, lambda: SQLiteStorage(":memory:")])


@STORAGES
def test_a_snapshot_is_a_copy(make: Any):
    storage, values = make(), {"count": 1}
    storage.save_snapshot("charm/on/start[1]", values)
    values["count"] = 2

    assert storage.load_snapshot("charm/on/start[1]") == {"count": 1}
    assert list(storage.list_snapshots()) == ["charm/on/start[1]"]


@STORAGES
def test_a_dropped_snapshot_is_gone(make: Any):
    storage = make()
    storage.save_snapshot("charm/on/start[1]", {})
    storage.drop_snapshot("charm/on/start[1]")
    storage.drop_snapshot("charm/on/start[1]")
    storage.commit()

    with pytest.raises(NoSnapshotError):
        storage.load_snapshot("charm/on/start[1]")


@STORAGES
def test_notices_are_in_order_until_they_are_dropped(make: Any):
    storage = make()
    for event, observer in (("b", "charm"), ("a", "charm"), ("a", "charm/library")):
        storage.save_notice(event, observer, "_heard")
    storage.drop_notice("a", "charm", "_heard")

    assert list(storage.notices()) == [("b", "charm", "_heard"), ("a", "charm/library", "_heard")]
    assert list(storage.notices("a")) == [("a", "charm/library", "_heard")]

    storage.close()
