"""The steps for pools."""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial

import deadlines
from act import join_guard
from lxd.errors import LxdError, LxdUnreachable
from ports.world import World
from state.view import Events
from steps.storage import (
    CreatePool,
    DropVolume,
    GatherVolume,
    KeepOnVolume,
    KeepRoots,
    RestoreFolder,
    StartWithoutVolume,
    UpdatePool,
)

logger = logging.getLogger(__name__)


def create_pool(step: CreatePool, unit: str, world: World, events: Events) -> Events:
    """The pool exists on all members, or everything is as before the try."""
    ready = partial(join_guard.nobody_joins, step.members, world)
    # Left by an interrupted run.
    ready()
    world.lxd.pools.await_changes(step.name)
    if _finished(step, world):
        return events
    _remove_half_made_pool(step.name, world)
    try:
        world.lxd.pools.create(step.name, step.driver, step.config, step.members, ready)
    except (LxdError, LxdUnreachable):
        with suppress(LxdError, LxdUnreachable):
            _remove_half_made_pool(step.name, world)
        raise
    return events


def _remove_half_made_pool(name: str, world: World) -> None:
    world.lxd.pools.await_changes(name)
    if any(p.name == name and p.half_made for p in world.lxd.pools.list()):
        world.lxd.pools.delete(name)


def _finished(step: CreatePool, world: World) -> bool:
    """Whether a pool that some members had made could be made on the others.

    In a Ceph this is the only way: LXD cannot remove a pool that it made there on some members
    only.
    """
    there = next((p for p in world.lxd.pools.list() if p.name == step.name), None)
    if there is None or not there.errored or there.driver != step.driver:
        return False
    try:
        world.lxd.pools.finish(step.name)
    except LxdError as error:
        logger.info("the pool %s is made anew: %s", step.name, error)
        return False
    return True


def update_pool(step: UpdatePool, unit: str, world: World, events: Events) -> Events:
    """These keys are set on all members."""
    world.lxd.pools.update(step.name, step.values)
    return events


def keep_roots(step: KeepRoots, unit: str, world: World, events: Events) -> Events:
    """Instances define themselves that they are on the pool."""
    world.lxd.pools.keep_roots(step.pool)
    return events


def keep_on_volume(step: KeepOnVolume, unit: str, world: World, events: Events) -> Events:
    """LXD here uses its own volume, or none."""
    world.lxd.volumes.keep_on(step.key, step.pool, step.name)
    return events


def drop_volume(step: DropVolume, unit: str, world: World, events: Events) -> Events:
    """A volume that LXD used here is gone."""
    world.lxd.volumes.drop(step.pool, step.name)
    return events


def restore_folder(step: RestoreFolder, unit: str, world: World, events: Events) -> Events:
    """LXD's images or backups are in its folder, and its configuration says so."""
    world.machine.restore_folder(step.kind, world.lxd.server.process())
    # LXD finds a folder and moves nothing.
    world.lxd.volumes.keep_on(step.key, "", "")
    return events


def gather_volume(step: GatherVolume, unit: str, world: World, events: Events) -> Events:
    """No image or backup of LXD is on the volume only."""
    volume = f"{step.pool}/{step.name}"
    world.machine.gather(step.kind, volume, world.lxd.server.process())
    return events


def start_without_volume(
    step: StartWithoutVolume, unit: str, world: World, events: Events
) -> Events:
    """LXD's daemon starts. If the volume comes back, its content is still on it."""
    world.machine.end_volume(step.kind)
    world.snap.start()
    world.lxd.server.await_start(deadlines.START)
    return events
