# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for LXD's snap."""

from __future__ import annotations

from dataclasses import dataclass

from steps.plan import Step


@dataclass(frozen=True)
class InstallSnap(Step):
    """LXD comes from the store, with held refreshes. An empty revision: the channel's own."""

    channel: str
    revision: str = ""

    def __str__(self) -> str:
        revision = f" at revision {self.revision}" if self.revision else ""
        return f"install the LXD snap from {self.channel}{revision}"


@dataclass(frozen=True)
class InstallSnapFile(Step):
    """LXD is the attached resource, whatever was installed before."""

    path: str

    def __str__(self) -> str:
        return "install the LXD snap from the resource lxd-snap"


@dataclass(frozen=True)
class InstallSnapVersion(Step):
    """LXD comes from the store in the cluster's version, in this machine's revision of it.

    Revisions differ between architectures.
    """

    channel: str
    version: str

    def __str__(self) -> str:
        return f"install LXD {self.version} from {self.channel}"


@dataclass(frozen=True)
class RemoveSnap(Step):
    """LXD, which holds nothing, is removed with its folder: an older one can be installed."""

    def __str__(self) -> str:
        return "remove the LXD snap, which is newer and holds nothing"


@dataclass(frozen=True)
class StartAgain(Step):
    """LXD's daemon runs, after an interrupted recovery of its database had stopped it."""

    def __str__(self) -> str:
        return "start LXD again after an interrupted recovery"


@dataclass(frozen=True)
class BackupDatabase(Step):
    """There is a copy of LXD's database from before another LXD changes it for good."""

    before: str

    def __str__(self) -> str:
        return f"copy LXD's database before LXD {self.before} changes it"
