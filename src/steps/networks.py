# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for networks and the default profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modes.mode import MARK
from state.facts import OverlayDhcp, Ovn
from steps.plan import Step
from values.printable import changes


@dataclass(frozen=True)
class WriteOvn(Step):
    """This machine has the files that open OVN's northbound database."""

    ovn: Ovn = field(repr=False)

    def __str__(self) -> str:
        return "write the files for OVN's database"


@dataclass(frozen=True)
class PinNics(Step):
    """Instances whose `eth0` is the default profile's, `nic`, have it as their own."""

    nic: Mapping[str, str]

    def __str__(self) -> str:
        place = self.nic.get("network") or self.nic.get("parent") or "its network"
        return f"keep instances on {place}"


@dataclass(frozen=True)
class CreateNetwork(Step):
    """A managed network exists; each of `members` has these own keys."""

    name: str
    type: str
    config: Mapping[str, str]
    members: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return f"create the {self.config.get(MARK) or self.type} network {self.name}"


@dataclass(frozen=True)
class RemoveLeftBridge(Step):
    """This machine has no bridge of a network that LXD did not finish, and nothing beside it."""

    name: str
    beside: tuple[str, ...] = ()
    """The interfaces that LXD made for it in addition."""

    def __str__(self) -> str:
        return f"remove the bridge {self.name} of an unfinished network"


@dataclass(frozen=True)
class RunOverlayDhcp(Step):
    """This member gives its instances addresses on a network over all members."""

    overlay: OverlayDhcp

    def __str__(self) -> str:
        overlay = self.overlay
        if not overlay.gateway:
            return f"connect this member to the others on the network {overlay.network}"
        return f"give out {overlay.first} to {overlay.last} on the network {overlay.network}"


@dataclass(frozen=True)
class EndOverlayDhcp(Step):
    """This machine no longer gives out addresses on a network."""

    network: str

    def __str__(self) -> str:
        return f"stop giving out addresses on the network {self.network}"


@dataclass(frozen=True)
class UpdateNetwork(Step):
    """These keys of a network have these values on every member; some members have their own."""

    name: str
    values: Mapping[str, str]
    members: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def __str__(self) -> str:
        done = [changes(self.values)] if self.values else []
        done += [f"{changes(keys)} on {member}" for member, keys in sorted(self.members.items())]
        return f"{' and '.join(done)} on the network {self.name}"


@dataclass(frozen=True)
class SetOwnParent(Step):
    """A network has this interface on this member."""

    name: str
    member: str
    parent: str

    def __str__(self) -> str:
        return f"set parent on {self.member} on the network {self.name}"


@dataclass(frozen=True)
class SetDefaultProfile(Step):
    """The default profile has its root disk on `pool`, and this nic or none. None keeps it."""

    pool: str
    nic: Mapping[str, str] | None

    def __str__(self) -> str:
        text = f"let the default profile use the pool {self.pool}"
        if self.nic is None:
            return text
        return f"{text}, network {self.nic.get('network') or self.nic.get('parent') or 'none'}"
