"""Volumes on which each member keeps LXD's images and backups, instead of on the root disk.

A member has its own, made and named by the charm, and loses nothing with it: images are fetched
again, and backups are files on their way to whoever exports them.
"""

from __future__ import annotations

import storage
from holdings import OWN_VOLUMES
from options import Options
from status import Status, blocked, names, waiting
from steps import DropVolume, KeepOnVolume, Step
from view import Lxd, Member

_IMAGES, _BACKUPS = "storage.images_volume", "storage.backups_volume"
_VOLUMES = {key: f"{OWN_VOLUMES}{key[8:].partition('_')[0]}" for key in (_IMAGES, _BACKUPS)}
"""By LXD's key, which each server has for itself: the volume's name."""


def due(options: Options, lxd: Lxd) -> list[Step]:
    """What brings this member's volumes to what the options say, where their pools are there."""
    steps: list[Step] = []
    for key, option in _asked(options).items():
        has = lxd.server.config.get(key, "")
        if not option and has.partition("/")[2] == _VOLUMES[key]:
            steps += [KeepOnVolume(key, "", ""), DropVolume(*_split(has))]
        if not option or has == f"{option}/{_VOLUMES[key]}" or option not in _usable(lxd):
            continue
        steps.append(KeepOnVolume(key, option, _VOLUMES[key]))
        if has.partition("/")[2] == _VOLUMES[key]:
            steps.append(DropVolume(*_split(has)))
    return steps


def problem(options: Options, lxd: Lxd) -> Status | None:
    """Why an option cannot be heeded."""
    usable = _usable(lxd)
    for key, option in _asked(options).items():
        if option in {pool.name for pool in options.more_pools} - set(usable):
            return waiting(f"for the pool {option}")
        if option and option not in usable:
            name = key.replace(".", "-").replace("_", "-")
            return blocked(f"{name}={option}: use one of {names(usable)}")
    return None


def given_up(lxd: Lxd, member: Member) -> list[Step]:
    """What rids a member that leaves of its volumes: LXD would keep it for their sake."""
    config = lxd.server.config
    steps: list[Step] = [
        KeepOnVolume(key, "", "")
        for key, name in _VOLUMES.items()
        if config.get(key, "").partition("/")[2] == name
    ]
    here = [v for v in lxd.volumes or () if v.cache and v.location == member.name]
    return [*steps, *(DropVolume(v.pool, v.name) for v in here)]


def _asked(options: Options) -> dict[str, str]:
    return {_IMAGES: options.storage_images_volume, _BACKUPS: options.storage_backups_volume}


def _usable(lxd: Lxd) -> list[str]:
    """The pools that each member has a part of its own in."""
    shared = {b.driver for b in storage.BACKENDS.values() if b.on_ceph}
    return [p.name for p in lxd.pools or () if not p.half_made and p.driver not in shared]


def _split(value: str) -> tuple[str, str]:
    pool, _, name = value.partition("/")
    return pool, name
