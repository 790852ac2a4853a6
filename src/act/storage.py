# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for pools."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial

import backends
import deadlines
from act import join_guard
from act.handlers import Handlers
from host import ceph_files
from host.daemon_folders import NotMountedError
from lxd.errors import LxdError, LxdLate, LxdUnreachable
from ports.ports import Ports
from records import pool_deletions
from state.cluster import Pool
from state.view import RunHistory
from steps.storage import (
    CreatePool,
    DropVolume,
    GatherVolume,
    GiveUp,
    KeepOnVolume,
    PinRootDisks,
    RemoveLeftFolder,
    RestoreFolder,
    StartWithoutVolume,
    UpdatePool,
    WriteCeph,
)
from values import transient_errors

logger = logging.getLogger(__name__)
_IN_USE = "storage pool is currently in use"
"""How LXD refuses to delete a pool that something uses (storagePoolDelete, 5.0 to 6.9)."""


def create_pool(step: CreatePool, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The pool exists on all members, or everything is as before the try.

    Raises LxdUnreachable if LXD may still make it: the next run finishes it then.
    """
    ready = partial(join_guard.require_no_join, step.members, ports)
    ready()
    ports.lxd.pools.await_changes(step.name)
    if _finish(step, ports):
        return history
    _remove_half_made_pool(step.name, ports)
    try:
        ports.lxd.pools.create(step.name, step.driver, step.config, step.members, ready)
    except LxdError:
        with suppress(LxdError, LxdUnreachable):
            _remove_half_made_pool(step.name, ports)
        raise
    except LxdUnreachable:
        with suppress(LxdError, LxdUnreachable):
            defined = any(p.name == step.name and p.defined for p in ports.lxd.pools.list())
            if step.members and defined:
                _remove_half_made_pool(step.name, ports)
        raise
    return history


def _remove_half_made_pool(name: str, ports: Ports) -> None:
    ports.lxd.pools.await_changes(name)
    pool = _pool(name, ports)
    if pool is not None and pool.half_made:
        delete_pool(pool, ports)
    else:
        # A run that was interrupted after the pool was gone has left this note.
        ports.lxd.notes.write(pool_deletions.ended(name))


def delete_pool(pool: Pool, ports: Ports) -> None:
    """The pool is gone from all members, or noted as one whose deletion began.

    Raises LxdError, LxdUnreachable.
    """
    if not backends.on_ceph(pool.driver):
        ports.lxd.notes.write(pool_deletions.begun(pool.name))
    try:
        ports.lxd.pools.delete(pool.name)
    except LxdError as error:
        if _IN_USE in str(error):
            # LXD checks that before it deletes anything.
            ports.lxd.notes.write(pool_deletions.ended(pool.name))
        raise
    ports.lxd.notes.write(pool_deletions.ended(pool.name))


def _pools(ports: Ports) -> tuple[Pool, ...]:
    return pool_deletions.marked(ports.lxd.pools.list(), ports.lxd.notes.read())


def _pool(name: str, ports: Ports) -> Pool | None:
    return next((pool for pool in _pools(ports) if pool.name == name), None)


def _finish(step: CreatePool, ports: Ports) -> bool:
    """Makes a pool that only some members have on the others, too. Returns whether all have it.

    Any member may do that, by any request. In a Ceph this is the only way: LXD cannot remove a pool
    that it made there on some members only.
    """
    pool = _pool(step.name, ports)
    if pool is None or not _may_finish(pool, step):
        return False
    try:
        if not _keeps_sources(step, ports):
            return False
        ports.lxd.pools.finish(step.name)
    except LxdError as error:
        logger.info("could not finish the pool %s: %s", step.name, error)
    pool = _pool(step.name, ports)
    return pool is not None and not pool.half_made


def _may_finish(pool: Pool, step: CreatePool) -> bool:
    if pool.deleting or pool.driver != step.driver:
        return False
    # Outside a cluster LXD may still make one that is only defined, and this waits for it.
    return pool.errored or (pool.defined and not step.members)


def _keeps_sources(step: CreatePool, ports: Ports) -> bool:
    """Whether LXD would use the devices that the members offer now.

    It uses those that it kept, and 5.0 formats them without a look.
    """
    kept = ports.lxd.pools.unmade_sources(step.name, step.members)
    return not backends.is_local(step.driver) or kept == {m: _source(step, m) for m in kept}


def _source(step: CreatePool, member: str) -> str:
    return step.members[member].get("source", "")


def remove_left_folder(
    step: RemoveLeftFolder, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """The folder is gone, unless LXD has begun to make its pool since the plan."""
    if all(pool.name != step.pool for pool in ports.lxd.pools.list()):
        ports.machine.remove_pool_folder(step.pool, ports.lxd.server.process())
    return history


def update_pool(step: UpdatePool, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """These keys are set on all members."""
    ports.lxd.pools.update(step.name, step.values)
    return history


def pin_root_disks(step: PinRootDisks, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Instances have their own root disk on the pool, not the default profile's."""
    ports.lxd.pools.pin_root_disks(step.pool)
    return history


def keep_on_volume(step: KeepOnVolume, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD here uses its own volume, or none. A volume that it has moved everything from is noted.

    After a crash only the note shows that: LXD mounts a volume of zfs or lvm only while it uses it.
    """
    if step.pool:
        ports.machine.forget_moved_off(f"{step.pool}/{step.name}")
    ports.lxd.volumes.keep_on(step.key, step.pool, step.name)
    if step.leaves:
        ports.machine.note_moved_off(step.leaves)
    return history


def drop_volume(step: DropVolume, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """A volume that LXD used here is gone, unless the charm cannot see what is on it."""
    volume = f"{step.pool}/{step.name}"
    if volume not in history.unmounted:
        ports.lxd.volumes.drop(step.pool, step.name)
        ports.machine.forget_moved_off(volume)
    return history


def give_up(step: GiveUp, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """A volume that LXD used here is gone, or the history has the reason why LXD keeps it."""
    if step.volume in history.kept:
        return history
    try:
        if isinstance(step.step, KeepOnVolume):
            return keep_on_volume(step.step, unit, ports, history)
        return drop_volume(step.step, unit, ports, history)
    except (LxdError, LxdLate) as error:
        if transient_errors.passes(str(error)):
            raise
        logger.warning("%s: LXD keeps it: %s", step.volume, error)
        return replace(history, kept={**history.kept, step.volume: str(error)})


def restore_folder(step: RestoreFolder, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD's images or backups are in its folder, and its configuration says so."""
    ports.machine.restore_folder(step.kind, ports.lxd.server.process())
    # LXD finds a folder and moves nothing.
    ports.lxd.volumes.keep_on(step.key, "", "")
    return history


def gather_volume(step: GatherVolume, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """No image or backup of LXD is only on the volume; or the charm cannot see what is on it."""
    volume = f"{step.pool}/{step.name}"
    try:
        ports.machine.gather(step.kind, volume, ports.lxd.server.process(), mounts=step.mounts)
    except NotMountedError as error:
        logger.warning("%s", error)
        return replace(history, unmounted=history.unmounted | {volume})
    return history


def start_without_volume(
    step: StartWithoutVolume, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """LXD's daemon starts. If the volume comes back, its content is still on it."""
    ports.machine.end_volume(step.kind)
    ports.snap.start()
    ports.lxd.server.await_start(deadlines.START)
    return history


def write_ceph(step: WriteCeph, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This machine has the files that open the Ceph."""
    ports.machine.write_privately(ceph_files.files(step.ceph))
    return history


HANDLERS: Handlers = {
    WriteCeph: write_ceph,
    CreatePool: create_pool,
    RemoveLeftFolder: remove_left_folder,
    UpdatePool: update_pool,
    PinRootDisks: pin_root_disks,
    KeepOnVolume: keep_on_volume,
    DropVolume: drop_volume,
    GatherVolume: gather_volume,
    GiveUp: give_up,
    StartWithoutVolume: start_without_volume,
    RestoreFolder: restore_folder,
}
