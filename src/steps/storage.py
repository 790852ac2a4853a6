# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from state.facts import Ceph
from steps.plan import Step
from values.printable import changes


@dataclass(frozen=True)
class WriteCeph(Step):
    """This machine has the configuration and the key of the application's Ceph."""

    ceph: Ceph = field(repr=False)

    def __str__(self) -> str:
        return "write the files for Ceph"


@dataclass(frozen=True)
class CreatePool(Step):
    """A storage pool exists; each of `members` has these own keys, outside a cluster none has."""

    name: str
    driver: str
    config: Mapping[str, str]
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def __str__(self) -> str:
        place = f" on {', '.join(sorted(self.members))}" if self.members else ""
        return f"create the {self.driver} pool {self.name}{place}"


@dataclass(frozen=True)
class RemoveLeftFolder(Step):
    """This machine has no folder of a pool that LXD did not finish."""

    pool: str

    def __str__(self) -> str:
        return f"remove the empty folder of the unfinished pool {self.pool}"


@dataclass(frozen=True)
class UpdatePool(Step):
    """These keys of a pool have these values on every member."""

    name: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        return f"{changes(self.values)} on the pool {self.name}"


@dataclass(frozen=True)
class PinRootDisks(Step):
    """Instances with their root disk on `pool` by the default profile have it as their own."""

    pool: str

    def __str__(self) -> str:
        return f"keep instances on the pool {self.pool}"


@dataclass(frozen=True)
class KeepOnVolume(Step):
    """LXD here keeps the files of `key` on its volume `name`; without a pool, in its folder."""

    key: str
    pool: str
    name: str
    leaves: str = ""
    """The charm's volume that they are moved off, as POOL/VOLUME."""

    def __str__(self) -> str:
        files = self.key.partition(".")[2].partition("_")[0]
        return f"keep LXD's {files} on {f'the pool {self.pool}' if self.pool else 'the root disk'}"


@dataclass(frozen=True)
class RestoreFolder(Step):
    """An interrupted move of LXD's images or backups is undone: they are on the root disk."""

    key: str
    kind: str

    def __str__(self) -> str:
        return f"undo an interrupted move of LXD's {self.kind}"


@dataclass(frozen=True)
class StartWithoutVolume(Step):
    """LXD has its images or backups on the root disk, because their volume is missing, and runs."""

    kind: str

    def __str__(self) -> str:
        return f"start LXD without the volume that its {self.kind} were on"


@dataclass(frozen=True)
class GatherVolume(Step):
    """What an interrupted move left on a volume is where LXD has its images or backups."""

    kind: str
    pool: str
    name: str
    mounts: bool = False
    """Whether the pool's driver mounts each volume: LXD mounts only those that it uses."""

    def __str__(self) -> str:
        return f"gather LXD's {self.kind} that are left on the pool {self.pool}"


@dataclass(frozen=True)
class DropVolume(Step):
    """This member no longer has this volume for LXD's own use."""

    pool: str
    name: str

    def __str__(self) -> str:
        return f"delete the volume {self.name} from the pool {self.pool}"


@dataclass(frozen=True)
class GiveUp(Step):
    """A step for a volume of LXD's own use is done, or known as refused: the volume may stay."""

    step: KeepOnVolume | DropVolume

    @property
    def volume(self) -> str:
        """The volume as POOL/VOLUME."""
        if isinstance(self.step, KeepOnVolume):
            return self.step.leaves
        return f"{self.step.pool}/{self.step.name}"

    def __str__(self) -> str:
        return f"{self.step}, or leave it"
