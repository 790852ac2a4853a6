# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's view: the facts that a plan is made from, as plain values.

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
    DatabaseCopy,
    Device,
    Failures,
    Folder,
    Forming,
    Proxies,
    Resource,
    SnapFacts,
)
from state.peers import VERSION, AppData, Token, UnitData
from state.unresponsive import Unresponsive
from values.interface import Interface
from values.wanted_pool import WantedPool, named_in_ceph

RESET = "reset"
"""Noted while LXD is reset: an interrupted reset is started again."""


@dataclass(frozen=True)
class Units:
    """Juju's list of the application's units, whatever the peer relation says.

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
    """The peer relation as this unit reads it: the data that were committed when the hook began."""

    app: AppData
    own: UnitData
    others: Mapping[str, UnitData]

    @property
    def placed(self) -> frozenset[str]:
        """Units with a place in the queue, and the bootstrap unit.

        Others may be gone without a report.
        """
        return frozenset({entry.unit for entry in self.app.queue} | {self.app.bootstrap})

    @property
    def unplaced(self) -> frozenset[str]:
        """Other units without a place in the queue: they are new, or leave, or are gone."""
        queued = {entry.unit for entry in self.app.queue}
        return frozenset(self.others.keys() - queued - self._unrecorded_bootstrap_unit)

    @property
    def _unrecorded_bootstrap_unit(self) -> frozenset[str]:
        """The bootstrap unit until its cluster is on record: its data count even if it is gone."""
        unit = self.app.bootstrap
        return frozenset({unit} if unit and not self.app.cluster else set[str]())

    def counting(self, in_juju: frozenset[str]) -> frozenset[str]:
        """The units whose data count, if Juju has those."""
        return in_juju | self._unrecorded_bootstrap_unit

    def without_gone(self, in_juju: frozenset[str]) -> Peers:
        """The peers without units that Juju does not have: it may never report their departure."""
        counting = self.counting(in_juju)
        return replace(self, others={u: d for u, d in self.others.items() if u in counting})

    @property
    def newer(self) -> bool:
        """Whether any unit wrote what this charm does not understand."""
        return max(self.app.version, self.own.version) > VERSION or bool(self.newer_units)

    @property
    def newer_units(self) -> tuple[str, ...]:
        """Other units that wrote such data."""
        return tuple(sorted(u for u, d in self.others.items() if d.version > VERSION))

    @property
    def removed(self) -> frozenset[str]:
        """Units that the cluster no longer has as members.

        Juju's leader says so. If it is one of them, it does not know: then the coordinator says it.
        """
        members = [d for d in self.others.values() if d.cluster and d.cluster == self.own.cluster]
        return frozenset(self.app.removed).union(*(data.removed for data in members))

    @property
    def unsure(self) -> tuple[str, ...]:
        """Other units that were joining when their LXD stopped answering, and may be members."""
        return tuple(sorted(u for u, d in self.others.items() if d.unsure))

    @property
    def has_member(self) -> bool:
        """Whether any unit, this one included, says that it is a member."""
        return any(d.cluster for d in (self.own, *self.others.values()))

    def data(self, unit: str, me: str) -> UnitData | None:
        """The data of `unit`, None when it is not there."""
        return self.own if unit == me else self.others.get(unit)


EVERY_MEMBER = "*"
"""Used instead of a member's name, which has letters."""


@dataclass(frozen=True)
class RunHistory:
    """Events earlier in this same run that no later look can find out."""

    made: Token | None = None
    join_failure: str = ""
    refused: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """By instance and target member: why it could not move there. Under `EVERY_MEMBER` why it
    cannot move anywhere in this run.
    """
    late: frozenset[str] = frozenset()
    """Instances that LXD was still moving at the end of the time limit."""
    noted: frozenset[str] = frozenset()
    """Instances that no member took, and that this run has recorded."""
    copied: bool = False
    """This run has asked LXD to copy the images that only one member has."""
    only_copies: tuple[str, ...] = ()
    """Fingerprints of images that made LXD keep this member."""
    started: frozenset[str] = frozenset()
    """Instances that were started again, or that could not be started."""
    withdrawn: bool | None = None
    """Whether the published token was cancelled: False if it was used before."""
    granted: str = ""
    """The unit that got the join lock from this member in this run."""
    awaited: bool = False
    """The charm has waited for the unit that used the cancelled token."""
    restarted: bool = False
    """LXD's daemon here was restarted."""
    followed: frozenset[str] = frozenset()
    """Renames of members, as `OLD NEW`, that this unit has followed as far as it could."""
    roles_awaited: bool = False
    """LXD had time to decide which of its last two members votes."""
    failed: frozenset[str] = frozenset()
    """Steps that failed, in their words: the rest of their groups is not tried in this run."""
    unmounted: frozenset[str] = frozenset()
    """Volumes of LXD's images or backups, as POOL/VOLUME, whose content nobody could see."""
    kept: Mapping[str, str] = field(default_factory=dict[str, str])
    """By volume for LXD's own use, as POOL/VOLUME: why LXD did not delete it, although the operator
    gives up what the member has.
    """
    served: frozenset[str] = frozenset()
    """Networks whose DHCP was started here."""


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
    neighbour: str = ""
    """Another unit that has this machine and its LXD. Then this unit does not look at LXD."""
    unbound: Mapping[str, str] = field(default_factory=dict[str, str])
    """By binding without any data from Juju: the reason."""
    units: Units | None = None
    """None if this unit has not read Juju's list. The leader and leaving units read it, and units
    that see a unit without a place in the queue.
    """
    leaving: bool = False
    can_publish: bool = False
    """Whether a leaving unit can still publish something: see `HookInput.can_publish`."""
    forming: Forming | None = None
    holds_data: bool = False
    """Whether an LXD that does not answer has instances, volumes or buckets. Checked after a failed
    join and before leaving.
    """
    failures: Failures | None = None
    noted_identity: str = ""
    """The cluster of this machine's LXD, when it was last looked at."""
    noted_units: Mapping[str, str] = field(default_factory=dict[str, str])
    """By address: the units whose members had the database when LXD last answered here."""
    unresponsive_since: float | None = None
    """When LXD first stopped answering, in seconds since the epoch. None while it answers."""
    database: DatabaseCopy | None = None
    """Read if a member's database, or the LXD of a leaving unit outside the cluster, does not
    answer.
    """
    folders: Mapping[str, Folder] = field(default_factory=dict[str, Folder])
    """By kind, `images` and `backups`: their place here. For a member."""
    moved_off: frozenset[str] = frozenset()
    """Volumes as POOL/VOLUME that LXD here has moved everything from, and that are not deleted."""
    mounted: frozenset[str] = frozenset()
    """The charm's volumes as POOL/VOLUME that are mounted. Read if LXD does not use one of them."""
    arch: str = ""
    """The machine's architecture, by its kernel."""
    given_devices: tuple[str, ...] = ()
    """Block devices that Juju gave this unit, for the default pool."""
    devices: Mapping[tuple[str, ...], tuple[Device, ...]] = field(
        default_factory=dict[tuple[str, ...], tuple[Device, ...]]
    )
    """The block devices that exist, by paths and globs. Empty if this run does not need them."""
    pool_disks: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """By pool on a device here that the others do not know yet: what no other disk than that has.
    """
    room: int | None = None
    """Free bytes where LXD makes the files of its pools. Read together with the devices."""
    growth: Mapping[str, int] = field(default_factory=dict[str, int])
    """By pool with a file there: the bytes of it that the file may still take."""
    related: Mapping[str, object] = field(default_factory=dict[str, object])
    """By relation with another application: its answer. `relations` knows their types."""
    missing_capabilities: Mapping[str, str] = field(default_factory=dict[str, str])
    """By a network's need of each machine beside LXD: what is missing here."""
    bound: Bound = field(default_factory=Bound)
    proxies: Proxies = field(default_factory=Proxies)
    overlays: Mapping[str, str] = field(default_factory=dict[str, str])
    """By network: the note about the segment on this machine, empty if it does not run."""
    interfaces: tuple[Interface, ...] = ()
    """This machine's interfaces. Empty if no network asks for them."""
    left_bridges: frozenset[str] = frozenset()
    """This machine's bridges that LXD made for a wanted network, without knowing the network now.
    """
    left_folders: frozenset[str] = frozenset()
    """This machine's empty folders of wanted pools that LXD does not know."""
    history: RunHistory = field(default_factory=RunHistory)

    @cached_property
    def default_pool(self) -> WantedPool:
        """The default pool from the options, with Juju's storage first."""
        pool = named_in_ceph(self.options.default_pool, self.unit)
        return replace(pool, devices=(*self.given_devices, *pool.devices))

    @cached_property
    def more_pools(self) -> tuple[WantedPool, ...]:
        """The other pools from the options."""
        return tuple(named_in_ceph(pool, self.unit) for pool in self.options.more_pools)
