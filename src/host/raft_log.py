# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The age of a copy of LXD's database: the last entry of its Raft log, read from the disk.

Between two members, the one with the higher term is up to date; with the same term, the one with
the higher index. LXD shows neither while its database does not answer. The format is dqlite's,
version 1, the same in LXD 5.0 to 6.9: the names of closed segments are the first and the last index
in them, open ones are preallocated, and a snapshot's name has its term and index.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from state.facts import Entry

_CLOSED = re.compile(r"(\d{16})-(\d{16})")
_OPEN = re.compile(r"open-(\d+)")
_SNAPSHOT = re.compile(r"snapshot-(\d+)-(\d+)-(\d+)")
_FORMAT = 1
_WORD = struct.Struct("<Q")
_CHECKSUMS = struct.Struct("<II")
_ENTRY = struct.Struct("<QB3xI")
_MOST = 8 * 1024 * 1024 // 32
"""More entries than fit into a segment: such a number is not valid."""
_POLYNOMIAL = 0x04C11DB7


@dataclass(frozen=True)
class _Batch:
    """Entries that were written together, and the place of their data in the segment."""

    terms: tuple[int, ...]
    start: int
    end: int
    checksum: int


def last_entry(folder: Path) -> Entry:
    """The last entry of the log in `folder`, LXD's database/global: Entry(0, 0) if it has none.

    The daemon may run. Data that a power cut left incomplete do not count, as in dqlite. Raises
    OSError.
    """
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    last = _last_in_snapshots(names)
    last = _last_in_closed_segments(folder, names, last)
    return _last_in_open_segments(folder, names, last)


def _last_in_snapshots(names: list[str]) -> Entry:
    """The last entry that a snapshot contains, Entry(0, 0) without a snapshot."""
    snapshots = [m for m in map(_SNAPSHOT.fullmatch, names) if m]
    return max((Entry(int(m[1]), int(m[2])) for m in snapshots), default=Entry(0, 0))


def _last_in_closed_segments(folder: Path, names: list[str], snapshot: Entry) -> Entry:
    """The last entry of the closed segments, unless they are older than the snapshot."""
    closed = sorted(name for name in names if _CLOSED.fullmatch(name))
    if not closed or (index := int(closed[-1].split("-")[1])) < snapshot.index:
        return snapshot
    terms = _terms(folder / closed[-1])
    return Entry(terms[-1] if terms else snapshot.term, index)


def _last_in_open_segments(folder: Path, names: list[str], before: Entry) -> Entry:
    """The last entry of the open segments, which continue the log after the entry `before`."""
    last = before
    for _, name in sorted((int(m[1]), m[0]) for m in map(_OPEN.fullmatch, names) if m):
        if terms := _terms(folder / name):
            last = Entry(terms[-1], last.index + len(terms))
    return last


def _terms(segment: Path) -> list[int]:
    """The terms of a segment's entries."""
    return [term for batch in _batches(segment) for term in batch.terms]


def _batches(segment: Path) -> Iterator[_Batch]:
    """The batches of a segment until the first incomplete one."""
    try:
        content = segment.read_bytes()
    except FileNotFoundError:
        return  # It was closed a moment ago, or a snapshot took its place.
    if len(content) < _WORD.size or _WORD.unpack_from(content)[0] != _FORMAT:
        return
    batch = _batch(content, _WORD.size)
    while batch is not None:
        following = _batch(content, batch.end)
        # Only the end of a log can be incomplete: the checksums of all data would take seconds.
        if following is None and _checksum(content[batch.start : batch.end]) != batch.checksum:
            return
        yield batch
        batch = following


def _batch(content: bytes, offset: int) -> _Batch | None:
    """The batch at `offset`, None if there is none."""
    head = offset + _CHECKSUMS.size
    if head + _WORD.size > len(content):
        return None
    of_header, of_data = _CHECKSUMS.unpack_from(content, offset)
    (count,) = _WORD.unpack_from(content, head)
    start = head + _WORD.size + count * _ENTRY.size
    if not 0 < count <= _MOST or start > len(content):
        return None
    if _checksum(content[head:start]) != of_header:
        return None
    rows = list(_ENTRY.iter_unpack(content[head + _WORD.size : start]))
    end = start + sum(size for _, _, size in rows)
    if end > len(content):
        return None
    return _Batch(tuple(term for term, _, _ in rows), start, end, of_data)


@lru_cache(1)
def _table() -> tuple[int, ...]:
    """The checksum of each byte."""
    table: list[int] = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = value << 1 ^ (_POLYNOMIAL if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


def _checksum(data: bytes) -> int:
    """A CRC-32 that takes the highest bit first, without the usual inversions."""
    table, value = _table(), 0
    for byte in data:
        value = (value << 8 & 0xFFFFFFFF) ^ table[value >> 24 ^ byte]
    return value
