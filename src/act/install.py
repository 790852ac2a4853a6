# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for LXD's snap, and for the database that another LXD changes."""

from __future__ import annotations

import logging

from act.handlers import Handlers
from ports.ports import Ports
from state.view import RunHistory
from steps.install import (
    BackupDatabase,
    InstallSnap,
    InstallSnapFile,
    InstallSnapVersion,
    RemoveSnap,
    StartAgain,
)

logger = logging.getLogger(__name__)


def _install_snap(step: InstallSnap, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.snap.install(step.channel, step.revision)
    return history


def _install_snap_file(
    step: InstallSnapFile, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.snap.install_file(step.path)
    return history


def _install_snap_version(
    step: InstallSnapVersion, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.snap.install_version(step.channel, step.version)
    return history


def _remove_snap(step: RemoveSnap, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.snap.remove()
    return history


def _backup_database(
    step: BackupDatabase, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    logger.info("LXD's database is copied to %s", ports.database.backup_before(step.before))
    return history


def _start_again(step: StartAgain, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.database.end_recovery()
    return history


HANDLERS: Handlers = {
    InstallSnap: _install_snap,
    InstallSnapFile: _install_snap_file,
    InstallSnapVersion: _install_snap_version,
    RemoveSnap: _remove_snap,
    BackupDatabase: _backup_database,
    StartAgain: _start_again,
}
