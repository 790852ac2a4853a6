# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Versions of LXD as text: their important part, and comparisons."""

from __future__ import annotations

import re
from functools import lru_cache

UNKNOWN = "unknown"
"""The version of a file without one."""
_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})+")
_BUCKETS_END = (6, 8)
"""From this version on LXD does not start while a bucket is on a member's own disks."""

_ADMIN_BEGINS = (6, 8)
"""From this version on LXD asks a Ceph as its default user before it mounts a file system."""

_NEWER_ZFS_BEGINS, _LEAST_ZFS = (6, 7), (2, 2)
"""From this version on LXD needs a kernel with this zfs (its release notes)."""

_MOVES_VOLUMES_BEGINS = (5, 13)
"""Before this version LXD copied an instance to move it, and then deleted the first one."""

_GROUPS_BEGIN = (5, 21, 4), (6, 4)
"""From these versions on LXD looks whether the cluster groups that a project names exist."""


def number(version: str) -> str:
    """The number in a version: 5.21.7 of 5.21.7-1f23abc. Empty for a build between releases."""
    match = _NUMBER.match(version)
    return match[0] if match else ""


def shown(version: str) -> str:
    """A version in the form for an operator."""
    return number(version) or version


@lru_cache
def ordered(version: str) -> tuple[int, ...]:
    """A version in a form for comparisons; empty for one that is not a release."""
    return tuple(int(part) for part in number(version).split(".") if part)


def same(first: str, second: str) -> bool:
    """Whether two versions are the same. Versions that are not releases never are."""
    return bool(number(first)) and ordered(first) == ordered(second)


def changes_database(before: str, after: str) -> bool:
    """Whether an LXD may change another's database for good: releases of one series do not."""
    return not number(after) or ordered(before)[:2] != ordered(after)[:2]


def ends_buckets(before: str, after: str) -> bool:
    """Whether buckets on members' own disks prevent the later LXD from starting."""
    return ordered(before) < _BUCKETS_END <= ordered(after)


def asks_ceph_as_admin(version: str) -> bool:
    """Whether an LXD needs the key of Ceph's default user for a pool of cephfs."""
    return ordered(version) >= _ADMIN_BEGINS


def needs_groups(version: str) -> bool:
    """Whether a joining LXD refuses projects that name a cluster group.

    It makes them before it knows the cluster's groups (projectValidateConfig in api_project.go).
    """
    begins = next((first for first in _GROUPS_BEGIN if ordered(version)[:1] == first[:1]), None)
    return begins is None or ordered(version) >= begins


def copies_to_move(version: str) -> bool:
    """Whether LXD moves an instance on a local pool as a copy, and deletes the first one at last.

    If it may not delete that one, both stay (instancePostClusteringMigrate in instance_post.go).
    """
    return ordered(version) < _MOVES_VOLUMES_BEGINS


def ends_zfs(version: str, zfs: str) -> bool:
    """Whether an LXD is too new for the kernel's zfs: its snap has no tools for that."""
    return ordered(version) >= _NEWER_ZFS_BEGINS and ordered(zfs) < _LEAST_ZFS
