# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The ways in which LXD fails to answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from values.status import StatusText


class UnresponsiveReason(Enum):
    """How LXD fails to answer. Each kind needs another reaction of the operator."""

    STOPPED = "its daemon is not running"
    HALF_JOINED = "its join was interrupted"
    RECOVERY_INTERRUPTED = "its recovery was interrupted"
    STARTING = "its daemon is starting, or waits for its database"
    OTHER_VERSIONS = "its daemon waits until all members have its version"
    DAMAGED = "its daemon ends: its copy of the database is damaged"
    UNMOUNTABLE = "its daemon ends: a volume for its own use, or a pool, is gone"
    HUNG = "its daemon hangs"
    SOCKET_BLOCKED = "its daemon answers other members, but nothing on its socket"
    NO_DATABASE = "its database does not answer"
    REFUSED = "it refuses a request"
    """LXD and its database answer. But LXD refuses what the charm needs."""


WITHOUT_DATABASE = frozenset({UnresponsiveReason.NO_DATABASE, UnresponsiveReason.STARTING})
"""A daemon that starts while its database has no quorum does not finish its start."""


_BEFORE_DATABASE = ("is more recent than expected", "version is behind, please upgrade")
"""LXD's errors about a database of a later release: schema.go, and open.go up to 5.0."""


@dataclass(frozen=True)
class Unmountable:
    """A volume of LXD's, or a pool, that its daemon needs for its start."""

    kind: str
    """`images` or `backups`, empty for a pool."""
    volume: str
    """POOL/VOLUME, empty if LXD does not say."""
    pool: str = ""
    """A pool that a newer LXD changes when it starts for the first time."""
    without_zfs: bool = False
    """Whether it is a pool on zfs, for which the snap has no tools."""


@dataclass(frozen=True)
class Unresponsive:
    """LXD is installed and does not answer, with the reason."""

    message: str
    reason: UnresponsiveReason = UnresponsiveReason.HUNG
    not_listening: Mapping[str, str] = field(default_factory=dict[str, str])
    """Like that of an LXD that answers. A missing listener is reported only if the daemon runs."""
    unmountable: Unmountable | None = None
    """What prevents the start of its daemon."""
    expired: bool = False
    """Whether it rejects the other members, because the cluster's certificate has expired."""

    cause: str = ""
    """LXD's own error with which its daemon ended when it started, empty if it did not say one."""

    @property
    def is_before_database(self) -> bool:
        """Whether a later LXD than this one has opened the database before."""
        return any(text in self.cause for text in _BEFORE_DATABASE)

    def __str__(self) -> StatusText:
        verb = "refuses" if self.reason is UnresponsiveReason.REFUSED else "does not answer:"
        return f"LXD {verb} {self.message}"
