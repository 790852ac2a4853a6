# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A storage pool from the operator's options, and the parser of the option `storage-pools`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from values import yaml_maps
from values.wanted_pool import SIZE, VOLUME_SIZE, WantedPool, in_bytes
from values.yaml_maps import text, words

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DEVICE = re.compile(r"/dev/[\w./:*?!@%+=^~\[\]-]+")
_OURS = (
    *("source", "size", "volatile.", "user.lxd-cluster."),
    *("ceph.cluster_name", "ceph.user.name", "ceph.osd.pool_name"),
    *("cephfs.cluster_name", "cephfs.user.name", "cephfs.path"),
    *("zfs.pool_name", "lvm.vg_name", "lvm.thinpool_name"),
)
"""LXD's keys of a pool that follow from other keys of the option, and those that each member has
for itself (NodeSpecificStorageConfig of 5.0 to 6.9): LXD refuses them for all members.
"""
_OF_FILES = "cephfs"
_WORDS = ("backend", "size", "devices", "osd-pool", "config")


def name(value: str) -> str:
    """A pool's name. Raises ValueError with what is allowed, like all parsers here."""
    # LXD accepts longer names, but a backend's name may be added to it.
    if not _NAME.fullmatch(value) or len(value) > 50:
        raise ValueError("use letters, digits, '.', '_' and '-', 50 at most")
    return value


def size(value: str) -> str:
    """A size in LXD's format, or empty."""
    if value and not SIZE.fullmatch(value):
        raise ValueError("use a number and a unit, such as 100GiB")
    return value


def devices(value: str) -> str:
    """Paths and globs of block devices, separated by spaces or commas."""
    if not all(_DEVICE.fullmatch(word) for word in words(value)):
        raise ValueError("use paths or globs that begin with /dev/")
    return value


def in_ceph(value: str) -> str:
    """The name of an OSD pool or a file system in Ceph, or empty."""
    if value and not _NAME.fullmatch(value):
        raise ValueError("use letters, digits, '.', '_' and '-'")
    return value


def parse(text: str, backends: Mapping[str, object]) -> tuple[WantedPool, ...]:
    """The pools of a YAML map of name to backend, or to backend, size, devices and config.

    Raises ValueError.
    """
    pools = yaml_maps.mapping(text, "use a YAML map such as {fast: zfs}")
    return tuple(_pool(name(str(key)), pools[key], backends) for key in pools)


def _pool(pool: str, value: Any, backends: Mapping[str, object]) -> WantedPool:
    fields = yaml_maps.fields(value, "backend")
    for word in fields:
        if word not in _WORDS:
            raise ValueError(f"{pool}: use only {', '.join(_WORDS)}")
    backend = fields.get("backend")
    if backend == _OF_FILES and "osd-pool" in fields:
        raise ValueError(f"{pool}: {_OF_FILES} has no osd-pool; set cephfs-name")
    if not isinstance(backend, str) or backend not in backends:
        raise ValueError(f"{pool}: backend is one of {', '.join(sorted(backends))}")
    try:
        wanted = WantedPool(
            name=pool,
            backend=backend,
            size=size(text(fields.get("size"))),
            devices=words(devices(text(fields.get("devices")))),
            in_ceph=in_ceph(text(fields.get("osd-pool"))),
            config=yaml_maps.keys(fields.get("config"), _OURS),
        )
        if wanted.size and in_bytes(wanted.volume_size) > in_bytes(wanted.size):
            raise ValueError(f"{VOLUME_SIZE}={wanted.volume_size} is more than size={wanted.size}")
    except ValueError as error:
        raise ValueError(f"{pool}: {error}") from error
    return wanted
