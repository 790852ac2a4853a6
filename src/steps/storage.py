"""The steps that concern storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from state.facts import Ceph


@dataclass(frozen=True)
class WriteCeph:
    """This machine has the configuration and the key of the Ceph that it is integrated with."""

    ceph: Ceph = field(repr=False)

    def __str__(self) -> str:
        return "write down how to reach Ceph"


@dataclass(frozen=True)
class CreatePool:
    """A storage pool; each of `members` has these keys of its own, outside a cluster none has."""

    name: str
    driver: str
    config: Mapping[str, str]
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def __str__(self) -> str:
        where = f" on {', '.join(sorted(self.members))}" if self.members else ""
        return f"create the {self.driver} pool {self.name}{where}"


@dataclass(frozen=True)
class UpdatePool:
    """These keys of a pool have these values on every member."""

    name: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        changes = ", ".join(f"{k}={v}" for k, v in sorted(self.values.items()))
        return f"set {changes} on the pool {self.name}"


@dataclass(frozen=True)
class PinRootDisks:
    """Instances with their root disk on `pool` by the default profile say so themselves."""

    pool: str

    def __str__(self) -> str:
        return f"let what is on the pool {self.pool} stay there"


@dataclass(frozen=True)
class KeepOnVolume:
    """LXD here keeps what `key` says on its own volume `name`, or in its folder without a pool."""

    key: str
    pool: str
    name: str

    def __str__(self) -> str:
        what = self.key.partition(".")[2].partition("_")[0]
        return f"keep LXD's {what} on {f'the pool {self.pool}' if self.pool else 'the root disk'}"


@dataclass(frozen=True)
class RestoreFolder:
    """A move of LXD's images or backups that was cut short is undone: they are on the root disk."""

    key: str
    kind: str

    def __str__(self) -> str:
        return f"undo a move of LXD's {self.kind} that was cut short"


@dataclass(frozen=True)
class StartWithoutVolume:
    """LXD has its images or backups on the root disk, as its volume cannot be mounted, and runs."""

    kind: str

    def __str__(self) -> str:
        return f"start LXD without the volume that its {self.kind} were on"


@dataclass(frozen=True)
class GatherVolume:
    """What a move that was cut short left on a volume is where LXD has its images or backups."""

    kind: str
    pool: str
    name: str

    def __str__(self) -> str:
        return f"gather LXD's {self.kind} that are left on the pool {self.pool}"


@dataclass(frozen=True)
class DropVolume:
    """This member has no such volume for LXD's own use any more."""

    pool: str
    name: str

    def __str__(self) -> str:
        return f"delete the volume {self.name} from the pool {self.pool}"
