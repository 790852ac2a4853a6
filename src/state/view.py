"""What a unit sees: the facts that a plan is made from, as plain values.

Nothing here does I/O. `observe.view` fills these in, `plan` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from options.options import Options
from state.cluster import ClusterView
from state.facts import (
    Bound,
    Ceph,
    DatabaseCopy,
    Device,
    Failures,
    Folder,
    Forming,
    Ovn,
    Proxies,
    Resource,
    SnapFacts,
)
from state.peers import VERSION, AppData, Token, UnitData
from state.unresponsive import Unresponsive
from values.interface import Interface
from values.wanted_pool import WantedPool, named_in_ceph

RESET = "reset"
"""What is noted while LXD is reset: one that was cut short is begun again."""


@dataclass(frozen=True)
class Units:
    """What Juju knows of the application's units, whatever the peer relation says.

    Juju can lose a `relation-departed` (LP 1947416): a unit that is not in `in_juju` is gone.
    """

    in_juju: frozenset[str]
    leaving: frozenset[str] = frozenset()

    @property
    def staying(self) -> frozenset[str]:
        """The units that the operator wants."""
        return self.in_juju - self.leaving


@dataclass(frozen=True)
class Peers:
    """The peer relation as this unit reads it: what was committed when the hook began."""

    app: AppData
    own: UnitData
    others: Mapping[str, UnitData]

    @property
    def newer(self) -> bool:
        """Whether somebody wrote what this charm does not understand."""
        return max(self.app.version, self.own.version) > VERSION or bool(self.newer_units)

    @property
    def newer_units(self) -> tuple[str, ...]:
        """Other units that did."""
        return tuple(sorted(u for u, d in self.others.items() if d.version > VERSION))

    @property
    def unsure(self) -> tuple[str, ...]:
        """Other units that were joining when their LXD stopped answering, and may be members."""
        return tuple(sorted(u for u, d in self.others.items() if d.unsure))

    def data(self, unit: str, me: str) -> UnitData | None:
        """What `unit` published, None when it is not there."""
        return self.own if unit == me else self.others.get(unit)


EVERY_MEMBER = "*"
"""In the place of a member's name, which has letters."""


@dataclass(frozen=True)
class RunHistory:
    """What happened earlier in this same run and no look can find out."""

    made: Token | None = None
    join_failure: str = ""
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By instance, by member that should take it: why it could not be moved there. Under
    `EVERY_MEMBER` why it cannot be moved anywhere in this run."""
    noted: frozenset[str] = frozenset()
    """Instances that no member took, and that this run has put on record."""
    copied: bool = False
    """LXD was told to copy the images that one member alone has."""
    only_copies: tuple[str, ...] = ()
    """Fingerprints of images for whose sake LXD kept this member."""
    started: frozenset[str] = frozenset()
    """Those that were started again, or could not be."""
    withdrawn: bool | None = None
    """Whether the token that is still published was cancelled: False if it was used before."""
    granted: str = ""
    """The unit that this member has just given the join lock to."""
    awaited: bool = False
    """Whoever used it was waited for."""
    restarted: bool = False
    """LXD's daemon here was started anew."""
    roles_awaited: bool = False
    """LXD was given time to decide which of its last two members votes."""


@dataclass(frozen=True)
class View:
    """Everything a plan may depend on."""

    unit: str
    leader: bool
    now: float
    options: Options
    resource: Resource | None
    hostname: str
    cluster_address: str
    https_address: str
    zone: str
    public_key: str
    snap: SnapFacts
    lxd: ClusterView | Unresponsive | None
    peers: Peers | None
    unbound: Mapping[str, str] = field(default_factory=dict[str, str])
    """By binding of which Juju cannot say anything: why."""
    units: Units | None = None
    """None where nobody asked Juju: leaders do, leavers, and who sees a unit without a place."""
    leaving: bool = False
    tells: bool = False
    """Whether what a unit that leaves writes reaches the others."""
    forming: Forming | None = None
    holds_data: bool = False
    """Whether an unresponsive LXD has instances or volumes. Looked at after a failed join and to
    leave."""
    failures: Failures | None = None
    noted_identity: str = ""
    """The cluster that this machine's LXD was in when it was last looked at."""
    noted_units: Mapping[str, str] = field(default_factory=dict[str, str])
    """By address: the units whose members had the database when LXD last answered here."""
    unresponsive_since: float | None = None
    """When LXD was first seen unresponsive, in seconds since the epoch. None while it answers."""
    database: DatabaseCopy | None = None
    """Looked at where the database of a member, or the LXD of a leaver that is none, is down."""
    folders: Mapping[str, Folder] = field(default_factory=dict[str, Folder])
    """By kind, `images` and `backups`: where LXD has them here. Of a member."""
    arch: str = ""
    """The machine's architecture, as its kernel calls it."""
    given_devices: tuple[str, ...] = ()
    """Block devices that Juju gave this unit, for the default pool."""
    devices: Mapping[tuple[str, ...], tuple[Device, ...]] = field(
        default_factory=dict[tuple[str, ...], tuple[Device, ...]]
    )
    """Those that are there, by paths and globs. Empty where this run has no use for them."""
    room: int | None = None
    """Bytes that are free where LXD makes the files of its pools. Looked at with the devices."""
    ceph: Ceph | None = None
    """None without the relation."""
    ovn: Ovn | None = None
    """None where no network is OVN's."""
    missing_capabilities: Mapping[str, str] = field(default_factory=dict[str, str])
    """By what a network needs of each machine beside LXD: what is missing here."""
    bound: Bound = field(default_factory=Bound)
    proxies: Proxies = field(default_factory=Proxies)
    overlays: Mapping[str, str] = field(default_factory=dict[str, str])
    """By network: what is noted of the overlay that runs on this machine, empty if it does not."""
    interfaces: tuple[Interface, ...] = ()
    """Of this machine. Empty where no network asks for them."""
    history: RunHistory = field(default_factory=RunHistory)

    @cached_property
    def default_pool(self) -> WantedPool:
        """The default pool as the operator asks for it, on Juju's storage first."""
        pool = named_in_ceph(self.options.default_pool, self.unit)
        return replace(pool, devices=(*self.given_devices, *pool.devices))

    @cached_property
    def more_pools(self) -> tuple[WantedPool, ...]:
        """The other pools that the operator asks for."""
        return tuple(named_in_ceph(pool, self.unit) for pool in self.options.more_pools)
