# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Objects on members that would be missed: instances, volumes, buckets, images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Instance:
    """An instance and its location. `evacuate` is its `cluster.evacuate`, `auto` if not set."""

    project: str
    name: str
    location: str
    evacuate: str = "auto"
    running: bool = False
    """Whether it must be stopped before a move: it runs, or is frozen."""
    unknown: bool = False
    """LXD cannot say whether it runs: its status is ERROR. The same is true on a dead member."""
    type: str = "container"
    ephemeral: bool = False
    """LXD deletes it when it stops."""
    architecture: str = ""
    group: str = ""
    """The cluster group that it was placed in."""
    placement: str = ""
    """Its placement group, in its own project. With one the cluster group does not count."""
    stateful: bool = False
    """Its `migration.stateful`."""
    stopped_by_lxd: bool = False
    """It does not run now, but ran when LXD stopped it: for an evacuation, or with its daemon."""
    starts: bool = True
    """Whether LXD starts it with its daemon if it ran last: no `boot.autostart` forbids it."""
    autostart: bool = False
    """Its `boot.autostart`: LXD starts it whenever its daemon starts."""
    protected: bool = False
    """Its `security.protection.start`: LXD refuses to start it."""
    undeletable: bool = False
    """Its `security.protection.delete`: LXD refuses to delete it."""
    kept_stopped: bool = False
    """The charm has turned its `boot.autostart` off, and noted its own value."""
    shutdown: int = 30
    """Seconds for its shutdown, before it is stopped hard."""
    devices: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """Its own and those of its profiles."""

    @property
    def live(self) -> bool:
        """Whether LXD moves it while it runs."""
        wanted = self.evacuate in ("auto", "live-migrate") and self.stateful
        return self.running and self.type == "virtual-machine" and wanted

    def __str__(self) -> str:
        return f"{self.project}/{self.name}"


AUTOSTART_BEFORE = "user.lxd-cluster.autostart"
"""LXD's key of an instance that the charm keeps stopped: its own `boot.autostart` before that."""

DEFAULT_PROJECT = "default"
DAEMON_FOLDERS = ("images", "backups")
"""What LXD can keep on a volume instead of in its own folder."""


def daemon_volume(kind: str) -> str:
    """The name of the charm's volume for one of `DAEMON_FOLDERS`."""
    return f"lxd-cluster-{kind}"


OWN_VOLUMES = frozenset(map(daemon_volume, DAEMON_FOLDERS))
"""The volumes that the charm made for LXD's own use."""


def _is_own(project: str, volume: str) -> bool:
    return project == DEFAULT_PROJECT and volume in OWN_VOLUMES


@dataclass(frozen=True)
class Volume:
    """A custom storage volume that is on one member only."""

    project: str
    pool: str
    name: str
    location: str

    @property
    def cache(self) -> bool:
        """Whether the charm made it for LXD's images or backups. Nobody misses those."""
        return _is_own(self.project, self.name)

    def __str__(self) -> str:
        return f"volume {self.project}/{self.pool}/{self.name}"


@dataclass(frozen=True)
class Bucket:
    """A storage bucket that is on one member only. LXD does not count it and cannot move it."""

    project: str
    pool: str
    name: str
    location: str

    def __str__(self) -> str:
        return f"bucket {self.project}/{self.pool}/{self.name}"


@dataclass(frozen=True)
class Image:
    """An image. LXD does not say which members have a copy."""

    project: str
    fingerprint: str
    alias: str = ""
    cached: bool = False
    """LXD downloaded it by itself, to make an instance."""

    def __str__(self) -> str:
        return f"image {self.project}/{self.alias or self.fingerprint[:12]}"
