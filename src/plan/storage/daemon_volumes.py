"""Volumes on which each member keeps LXD's images and backups, instead of on the root disk.

A member has its own, made and named by the charm, and loses nothing with it: images are fetched
again, and backups are files on their way to whoever exports them.
"""

from __future__ import annotations

from collections.abc import Mapping

import backends
from options.options import Options
from state.cluster import ClusterView, Member
from state.facts import Folder
from state.lxd_objects import OWN_VOLUMES
from steps.plan import Step
from steps.storage import DropVolume, GatherVolume, KeepOnVolume, RestoreFolder
from values import lxd_urls
from values.status import Status, blocked, names, waiting

_IMAGES, _BACKUPS = "storage.images_volume", "storage.backups_volume"
_VOLUMES = {key: f"{OWN_VOLUMES}{key[8:].partition('_')[0]}" for key in (_IMAGES, _BACKUPS)}
"""By LXD's key, which each server has for itself: the volume's name."""

_WITHOUT_LINKS = "daemon_storage_per_project"
"""The extension with which LXD's folder is no link to a volume any more. See
`host.daemon_folders`."""


def due(options: Options, lxd: ClusterView, folders: Mapping[str, Folder]) -> list[Step]:
    """What brings this member's volumes to what the options say, where their pools are there.

    LXD sets a key first and moves then. So where its images are is looked at, not read in its
    configuration; a move that was cut short is undone, and made anew.
    """
    steps: list[Step] = []
    for key, option in _asked(options).items():
        folder = _place(key, folders.get(_kind(key), Folder()), lxd)
        has = lxd.server.config.get(key, "")
        if _is_ours(key, has, folder) and (folder.cut_short or folder.volume != has):
            steps.append(RestoreFolder(key, _kind(key)))
            continue
        for volume in map(_split, _unused(key, lxd)):
            steps += [GatherVolume(_kind(key), *volume), DropVolume(*volume)]
        steps += _moves(key, option, has, lxd)
    return steps


def _place(key: str, folder: Folder, lxd: ClusterView) -> Folder:
    """Where LXD has them. Without links its configuration says it; the folder is empty then."""
    if _WITHOUT_LINKS not in lxd.server.extensions:
        return folder
    has = lxd.server.config.get(key, "")
    return Folder(has, cut_short=bool(has) and folder.filled)


def _moves(key: str, option: str, has: str, lxd: ClusterView) -> list[Step]:
    ours = has.partition("/")[2] == _VOLUMES[key]
    if not option:
        return [KeepOnVolume(key, "", ""), DropVolume(*_split(has))] if ours else []
    if has == f"{option}/{_VOLUMES[key]}" or option not in _usable(lxd):
        return []
    old = [DropVolume(*_split(has))] if ours else []
    return [KeepOnVolume(key, option, _VOLUMES[key]), *old]


def _is_ours(key: str, has: str, folder: Folder) -> bool:
    """Whether the move is the charm's: not one to or from a volume of the operator's."""
    volumes = [volume for volume in (has, folder.volume) if volume]
    return all(_split(volume)[1] == _VOLUMES[key] for volume in volumes)


def _unused(key: str, lxd: ClusterView) -> list[str]:
    """The charm's volumes of this member that LXD does not use, as a move leaves them behind.

    LXD moves only to a volume that is empty, and deletes no pool that has one.
    """
    found: list[str] = []
    for pool in lxd.pools or ():
        if pool.name in lxd.unavailable:
            continue  # What is on it is looked at when it is back.
        for user in pool.used_by:
            named = lxd_urls.read(user)
            if named.name == _VOLUMES[key] and named.member == lxd.server.name:
                found.append(f"{pool.name}/{named.name}")
    return sorted(volume for volume in found if volume != lxd.server.config.get(key, ""))


def problem(options: Options, lxd: ClusterView) -> Status | None:
    """Why an option cannot be heeded."""
    usable = _usable(lxd)
    for key, option in _asked(options).items():
        if option in {pool.name for pool in options.more_pools} - set(usable):
            return waiting(f"for the pool {option}")
        if option and option not in usable:
            name = key.replace(".", "-").replace("_", "-")
            return blocked(f"{name}={option}: use one of {names(usable)}")
    return None


def given_up(lxd: ClusterView, member: Member) -> list[Step]:
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


def _kind(key: str) -> str:
    return key.partition(".")[2].partition("_")[0]


def _usable(lxd: ClusterView) -> list[str]:
    """The pools that each member has a part of its own in."""
    shared = {b.driver for b in backends.BACKENDS.values() if b.on_ceph}
    there = [p for p in lxd.pools or () if not p.half_made and p.name not in lxd.unavailable]
    return [p.name for p in there if p.driver not in shared]


def _split(value: str) -> tuple[str, str]:
    pool, _, name = value.partition("/")
    return pool, name
