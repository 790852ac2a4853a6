"""The action backup-database: copies LXD's database."""

from __future__ import annotations

from actions.refusal import ActionRefused
from ports.world import World


def backup_database(world: World) -> str:
    """Copies LXD's database; returns the path of the copy. Raises ActionRefused, OSError."""
    try:
        return world.database.backup(world.clock())
    except FileNotFoundError as error:
        raise ActionRefused("LXD has no database on this machine yet: see juju status") from error
