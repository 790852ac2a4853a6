# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Notes about pools whose deletion has begun.

When the charm deletes a pool and a member does not answer, LXD keeps the pool, and its record that
the other members have their parts, although these have deleted them. A request to create the pool
then creates nothing on them (seen on 5.21.7; storagePoolCreateLocal is the same in 5.0, 5.21 and
6.9). So a deletion that has begun must end before anything else is done to the pool.
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
    """The note that the charm writes before it requests the deletion of a pool from LXD."""
    return {note(pool): _BEGUN}


def ended(pool: str) -> Mapping[str, str]:
    """The note that the charm writes once the pool is gone."""
    return {note(pool): ""}


def outdated(pools: Iterable[Pool], notes: Mapping[str, str]) -> list[WriteNotes]:
    """Removes the notes of pools that are gone: one of such a name may be made again."""
    current = {note(pool.name) for pool in pools}
    over = {key: "" for key in sorted(notes) if key.startswith(_PREFIX) and key not in current}
    return [WriteNotes(over)] if over else []


def marked(pools: Iterable[Pool], notes: Mapping[str, str]) -> tuple[Pool, ...]:
    """The pools, with a mark on those whose deletion has begun.

    A pool in a Ceph has only one part, which no member deletes alone.
    """
    return tuple(
        replace(pool, deleting=note(pool.name) in notes and not backends.on_ceph(pool.driver))
        for pool in pools
    )
