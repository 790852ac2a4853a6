# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for members that leave or are removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steps.plan import Step
from values.status import count


@dataclass(frozen=True)
class CloseMember(Step):
    """LXD places no new instance on this member by itself."""

    name: str

    def __str__(self) -> str:
        return f"let LXD place nothing new on {self.name}"


@dataclass(frozen=True)
class OpenMember(Step):
    """LXD places new instances on this member again: its earlier unit has closed it to leave."""

    name: str

    def __str__(self) -> str:
        return f"let LXD place new instances on {self.name} again"


@dataclass(frozen=True)
class AwaitEvacuation(Step):
    """LXD no longer evacuates or restores this member, as somebody told it to."""

    name: str

    def __str__(self) -> str:
        return f"wait until LXD has evacuated or restored {self.name}"


@dataclass(frozen=True)
class MoveInstance(Step):
    """An instance is on `target`, and runs there if `ran`; or it is in its old place and state.

    `stops` is the number of seconds for its shutdown, None if it needs none: it is stopped, or LXD
    moves it `live`. `left` are the instances to move after it.
    """

    project: str
    name: str
    source: str
    target: str
    ran: bool
    stops: int | None = None
    live: bool = False
    group: str = ""
    """The cluster group that it stays in, empty for none."""
    anywhere: bool = True
    """Whether every member that LXD may choose for the group can take it. Else it goes to `target`,
    and gets the group again."""
    left: int = 0

    @property
    def lxd_chooses(self) -> bool:
        """Whether LXD chooses the member, among those of the cluster group."""
        return bool(self.group) and self.anywhere

    def __str__(self) -> str:
        left = f" ({self.left} left)" if self.left else ""
        return f"move {self.project}/{self.name} to {self.target}{left}"


@dataclass(frozen=True)
class MoveOffDead(Step):
    """An instance of a dead member, on shared storage, is listed on `target`."""

    project: str
    name: str
    source: str
    target: str
    first: str = ""
    """The member that has it until LXD no longer starts it by itself; empty for the target."""

    def __str__(self) -> str:
        return f"move {self.project}/{self.name} off the dead {self.source} to {self.target}"


@dataclass(frozen=True)
class KeepStopped(Step):
    """LXD does not start an instance by itself: it may still run on a dead machine."""

    project: str
    name: str

    def __str__(self) -> str:
        return f"keep {self.project}/{self.name} stopped"


@dataclass(frozen=True)
class RestoreAutostart(Step):
    """An instance that runs again has its own `boot.autostart` of before, or none."""

    project: str
    name: str

    def __str__(self) -> str:
        return f"give {self.project}/{self.name} its boot.autostart back"


@dataclass(frozen=True)
class NoteUnmoved(Step):
    """The record says which instances no member took, and why, for the leader to show."""

    member: str
    reasons: Mapping[str, str]

    def __str__(self) -> str:
        return (
            f"note that {count(len(self.reasons), 'instance')} could not be moved off {self.member}"
        )


@dataclass(frozen=True)
class StartInstance(Step):
    """An instance that this unit stopped, to move it, runs where it is now, if possible."""

    project: str
    name: str
    member: str
    """The leaving member."""
    restorable: str = ""
    """The member whose evacuation may be ended for it: that of the unit itself."""

    def __str__(self) -> str:
        return f"start {self.project}/{self.name}, which ran before"


@dataclass(frozen=True)
class CopyImages(Step):
    """Each image is on at least two members: LXD has copied the images of this member alone."""

    def __str__(self) -> str:
        return "let LXD copy images that only one member has"


@dataclass(frozen=True)
class LeaveCluster(Step):
    """This member, which holds nothing, is no longer a member, and its LXD is empty."""

    name: str
    address: str
    """Its address: an operator may give its name to another member at any moment."""

    def __str__(self) -> str:
        return f"take {self.name} out of the cluster"


@dataclass(frozen=True)
class AwaitLeave(Step):
    """Another leaving member is no longer a member."""

    name: str

    def __str__(self) -> str:
        return f"wait until {self.name} has left"


@dataclass(frozen=True)
class AwaitRoles(Step):
    """LXD has decided which of the last two members has the database."""

    def __str__(self) -> str:
        return "wait until LXD has decided which members have its database"


@dataclass(frozen=True)
class AbandonMember(Step):
    """The cluster has forgotten this member and what is left on it, as the operator wants."""

    name: str
    left: tuple[str, ...]
    address: str
    """Its address: an operator may give its name to another member at any moment."""

    def __str__(self) -> str:
        return f"abandon {self.name} with {count(len(self.left), 'thing')} left on it"


@dataclass(frozen=True)
class RemoveMember(Step):
    """A dead member is no longer in the cluster, and the record has what it held."""

    name: str
    address: str
    """Its address: an operator may give its name to another member at any moment."""

    def __str__(self) -> str:
        return f"remove the dead member {self.name} from the cluster"
