# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action backup-database: copies LXD's database."""

from __future__ import annotations

from actions.refusal import ActionRefused
from ports.ports import Ports


def backup_database(ports: Ports) -> str:
    """Copies LXD's database; returns the path of the copy. Raises ActionRefused, OSError."""
    try:
        return ports.database.backup(ports.clock())
    except FileNotFoundError as error:
        raise ActionRefused("LXD has no database on this machine yet: see juju status") from error
