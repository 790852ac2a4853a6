# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Volumes for LXD's images and backups on each member, instead of the root disk.

Each member has its own volumes, made and named by the charm. Nothing is lost with them: LXD
downloads images again, and backups are temporary files of exports.
"""

from __future__ import annotations

import backends
from options.options import ABANDON, Options
from state.cluster import ClusterView, Member
from state.facts import Folder
from state.lxd_objects import Volume, daemon_volume
from state.view import View
from steps.plan import Step
from steps.storage import DropVolume, GatherVolume, GiveUp, KeepOnVolume, RestoreFolder
from values import lxd_urls
from values.status import Status, StatusText, blocked, names, waiting

_IMAGES, _BACKUPS = "storage.images_volume", "storage.backups_volume"
_VOLUMES = {key: daemon_volume(key[8:].partition("_")[0]) for key in (_IMAGES, _BACKUPS)}
"""By LXD's key, which each server sets for itself: the volume's name."""

_WITHOUT_LINKS = "daemon_storage_per_project"
"""With this extension LXD's folder is not a link to a volume any more. See `host.daemon_folders`.
"""


def due(view: View, lxd: ClusterView) -> list[list[Step]]:
    """By option: steps that set this member's volume for images or backups, if its pool exists.

    LXD first sets a key and then moves the files. So the charm checks where the files are, and does
    not trust the key. It undoes an interrupted move and starts it again. Volumes with unknown
    content stay as they are, unless LXD is known to have moved the content.
    """
    return [_due(key, option, view, lxd) for key, option in _wanted_volumes(view.options).items()]


def _due(key: str, option: str, view: View, lxd: ClusterView) -> list[Step]:
    folder = _place(key, view.folders.get(_kind(key), Folder()), lxd)
    current = lxd.server.config.get(key, "")
    if _is_ours(key, current, folder) and (folder.cut_short or folder.volume != current):
        return [RestoreFolder(key, _kind(key))]
    if unused := _unused(key, lxd):
        return [step for volume in unused for step in _gathered(key, volume, view, lxd)]
    return [*_moves(key, option, current, lxd)]


def _gathered(key: str, volume: str, view: View, lxd: ClusterView) -> list[Step]:
    """Steps that delete an unused volume once its content is with the rest."""
    pool, name = _split(volume)
    if volume in view.moved_off:
        return [DropVolume(pool, name)]
    if volume in unreadable(view, lxd):
        return []
    gather = GatherVolume(_kind(key), pool, name, mounts=_mounts(pool, lxd))
    return [gather, DropVolume(pool, name)]


def unreadable(view: View, lxd: ClusterView) -> frozenset[str]:
    """Unused volumes of this member, as POOL/VOLUME, whose content the charm cannot read."""
    unmounted = mounted_if_used(lxd) - view.mounted - view.moved_off
    return view.history.unmounted | unmounted


def mounted_if_used(lxd: ClusterView) -> frozenset[str]:
    """Unused volumes of this member in pools whose driver mounts each volume."""
    unused = (volume for key in _VOLUMES for volume in _unused(key, lxd))
    return frozenset(volume for volume in unused if _mounts(_split(volume)[0], lxd))


def _mounts(pool: str, lxd: ClusterView) -> bool:
    driver = next((p.driver for p in lxd.pools or () if p.name == pool), "")
    return backends.mounts_volumes(driver)


def _place(key: str, folder: Folder, lxd: ClusterView) -> Folder:
    """The place of LXD's files. Without links the configuration says it; the folder is empty."""
    if _WITHOUT_LINKS not in lxd.server.extensions:
        return folder
    current = lxd.server.config.get(key, "")
    return Folder(current, cut_short=bool(current) and folder.filled)


def _moves(key: str, option: str, current: str, lxd: ClusterView) -> list[Step]:
    is_own = current.partition("/")[2] == _VOLUMES[key]
    if not option:
        if not is_own:
            return []
        return [KeepOnVolume(key, "", "", leaves=current), DropVolume(*_split(current))]
    if current == f"{option}/{_VOLUMES[key]}" or option not in _usable(lxd):
        return []
    drops = [DropVolume(*_split(current))] if is_own else []
    leaves = current if is_own else ""
    return [KeepOnVolume(key, option, _VOLUMES[key], leaves=leaves), *drops]


def _is_ours(key: str, current: str, folder: Folder) -> bool:
    """Whether the move is the charm's: not to or from an operator's volume."""
    volumes = [volume for volume in (current, folder.volume) if volume]
    return all(_split(volume)[1] == _VOLUMES[key] for volume in volumes)


def _unused(key: str, lxd: ClusterView) -> list[str]:
    """This member's unused volumes of the charm, which a move leaves behind.

    LXD moves only to an empty volume, and does not delete a pool that has one.
    """
    volumes: list[str] = []
    for pool in lxd.pools or ():
        if pool.name in lxd.unavailable:
            continue  # The charm looks at its content when it is back.
        for user in pool.used_by:
            used_by = lxd_urls.read(user)
            if used_by.name == _VOLUMES[key] and used_by.member == lxd.server.name:
                volumes.append(f"{pool.name}/{used_by.name}")
    return sorted(volume for volume in volumes if volume != lxd.server.config.get(key, ""))


def not_mounted(volume: str) -> StatusText:
    """The message about a volume that may have the only copy of something."""
    return f"{volume} is unmounted: export and delete it"


def problem(view: View, lxd: ClusterView) -> Status | None:
    """Why the charm cannot follow an option, or delete a volume that LXD does not use."""
    options = view.options
    if volumes := unreadable(view, lxd):
        return blocked(not_mounted(min(volumes)))
    usable = _usable(lxd)
    for key, option in _wanted_volumes(options).items():
        if option in {pool.name for pool in options.more_pools} - set(usable):
            return waiting(f"for the pool {option}")
        if option and option not in usable:
            name = key.replace(".", "-").replace("_", "-")
            return blocked(f"{name}={option}: use one of {names(usable)}")
    return None


def removal(view: View, lxd: ClusterView, member: Member) -> list[Step]:
    """Steps that remove a leaving member's volumes: LXD would refuse to remove it with them.

    The content of a volume that LXD does not use is copied first, unless the operator gives it up.
    Then a volume that LXD keeps is left behind.
    """
    moves = _moves_off_volumes(lxd)
    own = [v for v in lxd.volumes or () if v.cache and v.location == member.name]
    if view.options.on_remove == ABANDON:
        drops = [DropVolume(volume.pool, volume.name) for volume in own]
        return _unless_kept([GiveUp(step) for step in (*moves, *drops)], view)
    return [*moves, *(step for volume in own for step in _dropped(volume, view, lxd))]


def _unless_kept(steps: list[GiveUp], view: View) -> list[Step]:
    """The steps for volumes that LXD has not refused to delete in this run."""
    return [step for step in steps if step.volume not in view.history.kept]


def _moves_off_volumes(lxd: ClusterView) -> list[KeepOnVolume]:
    """Steps after which LXD uses none of the charm's volumes here."""
    config = lxd.server.config
    used = {key: config.get(key, "") for key in _VOLUMES}
    return [
        KeepOnVolume(key, "", "", leaves=volume)
        for key, volume in used.items()
        if _split(volume)[1] == _VOLUMES[key]
    ]


def _dropped(volume: Volume, view: View, lxd: ClusterView) -> list[Step]:
    """Steps that delete a volume for LXD's own use. A used one is empty by then."""
    keys = {name: key for key, name in _VOLUMES.items()}
    place, key = f"{volume.pool}/{volume.name}", keys.get(volume.name, "")
    if key and lxd.server.config.get(key) != place:
        return _gathered(key, place, view, lxd)
    return [DropVolume(volume.pool, volume.name)]


def left(view: View) -> tuple[str, ...]:
    """The volumes that LXD keeps on a member, with its reasons."""
    return tuple(f"volume {volume}: {why}" for volume, why in sorted(view.history.kept.items()))


def _wanted_volumes(options: Options) -> dict[str, str]:
    return {_IMAGES: options.storage_images_volume, _BACKUPS: options.storage_backups_volume}


def _kind(key: str) -> str:
    return key.partition(".")[2].partition("_")[0]


def _usable(lxd: ClusterView) -> list[str]:
    """The pools where each member has its own part."""
    shared = {b.driver for b in backends.BACKENDS.values() if b.remote}
    pools = [p for p in lxd.pools or () if not p.half_made and p.name not in lxd.unavailable]
    return [p.name for p in pools if p.driver not in shared]


def _split(value: str) -> tuple[str, str]:
    pool, _, name = value.partition("/")
    return pool, name
