# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Files of a Raft log in dqlite's format, made for the charm to read."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

SEGMENT = 8 * 1024 * 1024
"""Bytes that dqlite reserves for an open segment."""


def checksum(data: bytes) -> int:
    """dqlite's CRC-32, bit by bit: the highest first, and no inversions."""
    value = 0
    for byte in data:
        value ^= byte << 24
        for _ in range(8):
            value = ((value << 1) ^ 0x04C11DB7 if value & 0x80000000 else value << 1) & 0xFFFFFFFF
    return value


def batch(terms: Iterable[int], data: bytes = b"x" * 8) -> bytes:
    """Entries of these terms, each with the same data, written together."""
    terms = list(terms)
    header = struct.pack("<Q", len(terms))
    header += b"".join(struct.pack("<QB3xI", term, 1, len(data)) for term in terms)
    content = data * len(terms)
    return struct.pack("<II", checksum(header), checksum(content)) + header + content


def segment(*batches: bytes) -> bytes:
    """A segment of format 1."""
    return struct.pack("<Q", 1) + b"".join(batches)


def closed(folder: Path, first: int, *terms: int) -> None:
    """A closed segment with one entry for each term."""
    name = f"{first:016}-{first + len(terms) - 1:016}"
    (folder / name).write_bytes(segment(*(batch([term]) for term in terms)))


def opened(folder: Path, number: int, *batches: bytes) -> None:
    """An open segment, with space behind the entries."""
    content = segment(*batches) if batches else b""
    (folder / f"open-{number}").write_bytes(content + b"\0" * 4096)


def snapshot(folder: Path, term: int, index: int) -> None:
    """A snapshot and its description."""
    name = f"snapshot-{term}-{index}-123456"
    (folder / name).write_bytes(b"")
    (folder / f"{name}.meta").write_bytes(b"")
