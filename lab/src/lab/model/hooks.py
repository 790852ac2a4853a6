# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A hook: its kind, and the data for its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

HookKind: TypeAlias = Literal[
    "install",
    "start",
    "stop",
    "remove",
    "config-changed",
    "upgrade-charm",
    "update-status",
    "leader-elected",
    "relation-created",
    "relation-joined",
    "relation-changed",
    "relation-departed",
    "relation-broken",
    "storage-attached",
    "storage-detaching",
    "secret-changed",
    "secret-remove",
    "action",
    "exec",
]
HookOutcome: TypeAlias = Literal["committed", "failed", "killed", "skipped"]


@dataclass(frozen=True, slots=True)
class HookRun:
    """One hook (action, command) that is due on a unit, with its data.

    `name` is the hook's (`cluster-relation-joined`, `install`), the action's, or empty for a
    command.
    """

    unit: str
    kind: HookKind
    name: str
    charm: str
    """URL of the charm that it runs; for `install` and `upgrade-charm` the charm to put on the
    machine.
    """
    charm_version: int = 0
    relation_id: int | None = None
    endpoint: str = ""
    remote_app: str = ""
    remote_unit: str = ""
    departing_unit: str = ""
    change_version: int = 0
    """Version of the remote's data that this hook reports."""
    storage_id: str = ""
    secret_uri: str = ""
    secret_revision: int = 0
    task_id: str = ""
