"""The shape of a network mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from values.interface import Interface
from values.wanted_network import WantedNetwork

LONGEST_WITH_TUNNEL = 11
"""A bridge's name with so many letters leaves room for that of its tunnel."""

MARK = "user.lxd-cluster.mode"
"""LXD's key of a network: the mode that it was made in. Several modes are of one type."""


@dataclass(frozen=True)
class Site:
    """What a mode may have to know of the cluster and of the machine that makes the network."""

    fingerprint: str
    subnet: str = ""
    """Of the binding `network`, as a CIDR."""
    version: int = 4
    """Of IP, by which the members reach one another."""
    taken: tuple[str, ...] = ()
    """Subnets of the machine, as CIDRs."""
    parent: Interface | None = None
    """What the network is on there."""


def _no_config(wanted: WantedNetwork) -> dict[str, str]:
    del wanted
    return {}


def _no_nic(wanted: WantedNetwork, parent: str) -> dict[str, str]:
    del wanted, parent
    return {}


def on_network(wanted: WantedNetwork, parent: str) -> dict[str, str]:
    """The nic of an instance on a network that LXD manages."""
    del parent
    return {"network": wanted.name}


def _as_asked(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    del wanted, site
    return keys


def _any(wanted: WantedNetwork, interface: Interface) -> str:
    del wanted, interface
    return ""


@dataclass(frozen=True)
class Mode:
    """One row of the table. `type` is LXD's network type, empty where LXD manages none.

    `words` are those of a network in the option `networks` that mean something for it. `config`
    makes LXD's keys that all members share, an empty one for what shall not be set. `resolve`
    decides, when the network is made, what is `auto` and LXD would not. `nic` makes an instance's
    device, empty where instances cannot be on it.
    `needs_parent` says whether it is on an interface of each machine, whether one was named or not,
    and `unfit` why an interface cannot be that, empty if it can: the next one of the list is asked.
    `unready` says the same of the one that is meant, for whose sake no other is taken.
    With `one_name` it has the same name everywhere: LXD keeps it where all members share it,
    `shared_parent` is a network's key.
    `chosen` are keys that somebody chooses when the network is made, and that stay then: `resolve`
    or LXD. Given by an option and taken back, they are chosen anew.
    `needs` says what each machine needs for it beside LXD: see
    `host.capabilities`.
    `on_members` says that LXD wants to be told of each member first, not of the cluster alone.
    `longest` is how many characters its name may have: a tunnel's or a fan's interface is called
    after it, and the kernel takes 15 for each.
    """

    name: str
    type: str = ""
    words: frozenset[str] = frozenset()
    config: Callable[[WantedNetwork], dict[str, str]] = _no_config
    resolve: Callable[[dict[str, str], WantedNetwork, Site], dict[str, str]] = _as_asked
    nic: Callable[[WantedNetwork, str], dict[str, str]] = _no_nic
    needs_parent: bool = False
    unfit: Callable[[WantedNetwork, Interface], str] = _any
    unready: Callable[[WantedNetwork, Interface], str] = _any
    one_name: bool = False
    shared_parent: str = ""
    chosen: frozenset[str] = frozenset()
    needs: str = ""
    on_members: bool = True
    longest: int = 15

    def on_parent(self, wanted: WantedNetwork) -> bool:
        """Whether each machine has to say which interface it is on."""
        return self.needs_parent or ("parent" in self.words and bool(wanted.parents))

    @property
    def own_parent(self) -> bool:
        """Whether LXD keeps an interface of its own for each member."""
        return bool(self.type) and self.needs_parent and not self.one_name

    def own(self, parent: str) -> dict[str, str]:
        """LXD's keys that each member has for itself."""
        return {"parent": parent} if self.own_parent and parent else {}


def other_name(name: str, mode: str) -> str:
    """What a network is called whose name another mode has.

    No hyphen goes between: LXD deletes what begins with a bridge's name and one.
    """
    return name[: LONGEST_WITH_TUNNEL - len(mode)] + mode


def drift(wanted: Mapping[str, str], actual: Mapping[str, str]) -> dict[str, str]:
    """The keys of `wanted` that `actual` does not fulfil.

    `auto` was resolved when it was first applied: any address fulfils it.
    """
    return {key: value for key, value in wanted.items() if not _fulfils(value, actual.get(key, ""))}


def _fulfils(wanted: str, actual: str) -> bool:
    if wanted == "auto":
        return actual not in ("", "none")
    return wanted == actual
