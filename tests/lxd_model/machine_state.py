# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine, and what LXD has on it besides its database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from state.facts import Folder
from tests.lxd_model import networks, pools
from tests.lxd_model.things import Thing

if TYPE_CHECKING:
    from values.interface import Interface


@dataclass(eq=False)
class MachineState:
    """Everything is as on a new machine at first."""

    machine: str
    hostname: str
    address: str
    addresses: set[str] = field(init=False, default_factory=set[str])
    """More addresses of the machine, in other networks."""
    powered: bool = field(init=False, default=True)
    destroyed: bool = field(init=False, default=False)
    firewall: OSError | None = field(init=False, default=None)
    """The result for others that connect to LXD's port."""
    ahead: float = field(init=False, default=0.0)
    """Seconds by which its clock is ahead of the others'."""
    no_ipv6: bool = field(init=False, default=False)
    """Whether its kernel has no IPv6."""
    dns_taken: bool = field(init=False, default=False)
    """Whether another program has port 53: then no network's dnsmasq can start."""
    interfaces: dict[str, Interface] = field(init=False)
    """The interfaces of the machine's network, by name."""
    left: set[str] = field(init=False, default_factory=set[str])
    """Bridges of an LXD whose folder was emptied by hand. The next boot removes them."""
    unfinished: set[str] = field(init=False, default_factory=set[str])
    """Bridges whose making this member has not noted. The next boot removes them."""
    devices: dict[str, str] = field(init=False, default_factory=pools.of_machine)
    """The content of its block devices other than LXD's disk, by path."""
    drivers: frozenset[str] = field(init=False, default=frozenset(pools.DRIVERS))
    """The storage drivers that LXD can use here."""
    unmounted: set[str] = field(init=False, default_factory=set[str])
    """Pools that LXD cannot mount here, although it made its part of them."""
    full: set[str] = field(init=False, default_factory=set[str])
    """Pools without space here."""
    pool_folders: set[str] = field(init=False, default_factory=set[str])
    """Empty folders of pools whose making this member has not noted."""
    folders: dict[str, Folder] = field(init=False, default_factory=dict[str, Folder])
    """The places of LXD's images and backups, by kind; by default its folder."""
    disk: dict[str, Thing] = field(init=False, default_factory=dict[str, Thing])
    """The objects on LXD's disk: instances, custom volumes, buckets and images, by their name."""
    processes: set[str] = field(init=False, default_factory=set[str])
    """The instances that run here."""

    def __post_init__(self) -> None:
        self.interfaces = networks.of_machine(self.machine)

    def all_interfaces(self) -> tuple[Interface, ...]:
        """The machine's, and bridges of networks that LXD did not finish here."""
        bridges = (networks.unfinished(name) for name in sorted(self.unfinished))
        return (*self.interfaces.values(), *bridges)
