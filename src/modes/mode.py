# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The type of a network mode."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from values.interface import Interface
from values.wanted_network import WantedNetwork

LONGEST_WITH_TUNNEL = 11
"""The maximum length of a bridge's name that leaves room for the name of its tunnel."""

MARK = "user.lxd-cluster.mode"
"""LXD's key of a network: the mode in which the charm made it. Several modes have one type."""

NAMED = "user.lxd-cluster.name"
"""LXD's key of a network: its name in the option, if another network had that name at its creation.

Several names may have the same other name, see `other_name`.
"""


AUTO = "auto"
"""The value of an option that lets the charm or LXD choose, once."""


@dataclass(frozen=True)
class Site:
    """Facts about the cluster and the machine that makes the network, which a mode may need."""

    fingerprint: str
    subnet: str = ""
    """The subnet of the binding `network`, as a CIDR."""
    version: int = 4
    """The version of IP between the members."""
    taken: tuple[str, ...] = ()
    """Subnets and addresses of the machines and of LXD's networks."""
    parent: Interface | None = None
    """The network's parent interface there."""


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


def _unchanged(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    del wanted, site
    return keys


def _any(wanted: WantedNetwork, interface: Interface) -> str:
    del wanted, interface
    return ""


@dataclass(frozen=True)
class Mode:
    """One row of the table. `type` is LXD's network type, empty if LXD manages no network.

    `words` are the keys of a network in the option `networks` that count for it, `word_of` gives
    the word of a key of LXD: a mode may lack the word, and its key is free then. `config` makes
    LXD's keys that all members share, an empty one for a key that must not be set. `resolve`
    decides, when the network is made, what is `auto` and LXD would not decide. `nic` makes an
    instance's device, empty if instances cannot be on it. `needs_parent` says whether it needs a
    parent interface on each machine, named or not. `unfit` says why an interface cannot be the
    parent, empty if it can: then the next one of the list is tried. `unready` says the same about
    the intended interface, which no other replaces. With `one_name` the interface has the same name
    everywhere: LXD keeps it in the shared configuration, `shared_parent` is a network's key.
    `chosen` are keys that `resolve` or LXD choose when the network is made, and that stay then. If
    an option gave them and does so no longer, they are chosen again. `needs` says what each machine
    needs for it beside LXD: see `host.capabilities`. `on_members` says that LXD must define it on
    each member first, not only on the cluster. `longest` is the maximum length of its name: the
    name of a tunnel's or a fan's interface contains it, and the kernel allows 15 characters for
    each.
    """

    name: str
    type: str = ""
    words: frozenset[str] = frozenset()
    word_of: Mapping[str, str] = field(default_factory=dict[str, str])
    config: Callable[[WantedNetwork], dict[str, str]] = _no_config
    resolve: Callable[[dict[str, str], WantedNetwork, Site], dict[str, str]] = _unchanged
    nic: Callable[[WantedNetwork, str], dict[str, str]] = _no_nic
    needs_parent: bool = False
    unfit: Callable[[WantedNetwork, Interface], str] = _any
    unready: Callable[[WantedNetwork, Interface], str] = _any
    off_subnet: Callable[[Iterable[Interface], str, WantedNetwork], str] | None = None
    """Why a machine with these interfaces has no place on the subnet of the binding `network` for a
    network, empty if it has one. None for a mode that needs no such subnet.
    """
    exclusive: bool = False
    """Whether its interface may not be used by another network."""
    fixed_in_use: frozenset[str] = frozenset()
    """Keys that LXD refuses to change while anything is on the network."""
    ranges_in: Literal["", "subnet", "gateway"] = ""
    """What the key `ranges` must be in: the network's own subnet, or that of its gateway."""
    one_name: bool = False
    shared_parent: str = ""
    chosen: frozenset[str] = frozenset()
    needs: str = ""
    on_members: bool = True
    longest: int = 15
    narrowest: int = 32
    """The maximum prefix length of its IPv4 subnet."""
    prefixes: tuple[int, ...] = ()
    """The only prefix lengths of its IPv4 subnet, empty if there is no such limit."""
    takes: frozenset[str] = frozenset()
    """The keys that LXD takes for it: see `modes.lxd_keys`."""
    own_keys: str = ""
    """The beginning of keys that no other mode of LXD's type has, empty if there are none."""

    @property
    def on_binding(self) -> bool:
        """Whether it may need the interface or the subnet of the binding `network`."""
        return self.needs_parent or self.one_name or self.off_subnet is not None

    def on_parent(self, wanted: WantedNetwork) -> bool:
        """Whether each machine must name its parent interface."""
        return self.needs_parent or ("parent" in self.words and bool(wanted.parents))

    @property
    def own_parent(self) -> bool:
        """Whether LXD keeps a separate interface for each member."""
        return bool(self.type) and self.needs_parent and not self.one_name

    def own(self, parent: str) -> dict[str, str]:
        """LXD's own keys of each member."""
        return {"parent": parent} if self.own_parent and parent else {}


def other_name(name: str, mode: str) -> str:
    """The name of a network if another mode has its name.

    It has no hyphen: LXD deletes interfaces whose names begin with a bridge's name and a hyphen.
    """
    return name[: LONGEST_WITH_TUNNEL - len(mode)] + mode


def drift(wanted: Mapping[str, str], actual: Mapping[str, str]) -> dict[str, str]:
    """The keys of `wanted` that `actual` does not fulfil.

    `auto` was resolved when it was first applied: any address fulfils it.
    """
    return {key: value for key, value in wanted.items() if not _fulfils(value, actual.get(key, ""))}


def _fulfils(wanted: str, actual: str) -> bool:
    if wanted == AUTO:
        return actual not in ("", "none")
    return wanted == actual
