# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The age of a copy of the database, read from dqlite's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import raft_log
from state.facts import Entry
from tests.unit import raft_files as files


def test_a_folder_without_a_log_has_no_last_entry(tmp_path: Path):
    assert raft_log.last_entry(tmp_path) == Entry(0, 0)
    assert raft_log.last_entry(tmp_path / "missing") == Entry(0, 0)


def test_closed_segments_are_named_by_their_last_index(tmp_path: Path):
    files.closed(tmp_path, 1, 1, 1, 2)
    files.closed(tmp_path, 4, 2, 5)

    assert raft_log.last_entry(tmp_path) == Entry(5, 5)


def test_entries_of_open_segments_follow_in_the_order_of_their_numbers(tmp_path: Path):
    files.closed(tmp_path, 1, 1, 1)
    files.opened(tmp_path, 9, files.batch([2, 2]), files.batch([2]))
    files.opened(tmp_path, 10, files.batch([3]))
    files.opened(tmp_path, 11)

    assert raft_log.last_entry(tmp_path) == Entry(3, 6)


def test_a_snapshot_counts_where_the_log_has_nothing_after_it(tmp_path: Path):
    files.snapshot(tmp_path, 4, 1000)
    assert raft_log.last_entry(tmp_path) == Entry(4, 1000)

    files.opened(tmp_path, 1, files.batch([6, 6]))
    assert raft_log.last_entry(tmp_path) == Entry(6, 1002)


def test_a_snapshot_within_the_log_changes_nothing(tmp_path: Path):
    files.snapshot(tmp_path, 1, 2)
    files.closed(tmp_path, 1, 1, 1, 1)

    assert raft_log.last_entry(tmp_path) == Entry(1, 3)


@pytest.mark.parametrize("kept", [4, 20, 50])
def test_what_a_power_cut_left_half_written_does_not_count(tmp_path: Path, kept: int):
    files.closed(tmp_path, 1, 1)
    torn = files.batch([7], b"y" * 64)[:kept]
    files.opened(tmp_path, 1, files.batch([2]), torn)

    assert raft_log.last_entry(tmp_path) == Entry(2, 2)


def test_other_files_are_not_part_of_the_log(tmp_path: Path):
    files.closed(tmp_path, 1, 1)
    for name in ("metadata1", "metadata2", "db.bin", "unfinalized", "open-x"):
        (tmp_path / name).write_bytes(b"\1" * 64)

    assert raft_log.last_entry(tmp_path) == Entry(1, 1)


def test_a_higher_term_is_newer_than_a_higher_index():
    assert Entry(3, 1) > Entry(2, 99) > Entry(2, 98)


def test_a_segment_as_lxd_wrote_it_is_read(tmp_path: Path):
    """The first one of a cluster: its configuration with one voter."""
    written = (
        "01000000000000007ff2049b6f5fe0a50100000000000000010000000000000003000000180000000101000000"
        "00000000010000000000000031000100000000"
    )
    (tmp_path / "open-1").write_bytes(bytes.fromhex(written) + b"\0" * 64)

    assert raft_log.last_entry(tmp_path) == Entry(1, 1)
