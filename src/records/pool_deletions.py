# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Notes of deletions of pools that began.

Where a member does not answer, LXD keeps a pool that it is told to delete, and its word that the
other members have it, though these have deleted their part. Told to create the pool then, it
creates nothing on them (seen on 5.21.7; storagePoolCreateLocal of 5.0, 5.21 and 6.9 alike). So a
deletion that began has to come to its end before anything else is done to the pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import backends
from state.cluster import Pool
from steps.server import WriteNotes

_PREFIX = "deleting."
_BEGUN = "yes"


def note(pool: str) -> str:
    """The name of the note for a pool."""
    return f"{_PREFIX}{pool}"


def begun(pool: str) -> Mapping[str, str]:
    """What is noted before LXD is told to delete a pool."""
    return {note(pool): _BEGUN}


def ended(pool: str) -> Mapping[str, str]:
    """What is noted once the pool is gone."""
    return {note(pool): ""}


def outdated(pools: Iterable[Pool], notes: Mapping[str, str]) -> list[WriteNotes]:
    """Removes the notes of pools that are gone: one of such a name may be made again."""
    current = {note(pool.name) for pool in pools}
    over = {key: "" for key in sorted(notes) if key.startswith(_PREFIX) and key not in current}
    return [WriteNotes(over)] if over else []


def marked(pools: Iterable[Pool], notes: Mapping[str, str]) -> tuple[Pool, ...]:
    """The pools. Those whose deletion began are marked.

    A pool in a Ceph has only one part, which no member deletes alone.
    """
    return tuple(
        replace(pool, deleting=note(pool.name) in notes and not backends.on_ceph(pool.driver))
        for pool in pools
    )
