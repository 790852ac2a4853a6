# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's machine and its snapd, as values that a test sets and reads, around a model of LXD."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from act import token_sealing
from host import ceph_files, overlay_dhcp
from host.daemon_folders import NotMountedError
from host.snap import ChannelUnknownError, SnapError
from state.facts import Device, Failures, Folder, Forming, Resource, SnapFacts
from tests.lxd_model import certificates
from tests.lxd_model.listeners import endpoint_of
from tests.lxd_model.pools import IN_POOL, uuid_of
from tests.lxd_model.server import Server
from values.interface import Interface
from values.wanted_pool import in_bytes


@dataclass
class UnitSnap:
    """The snap as snapd would have it."""

    server: Server
    facts_: SnapFacts = field(
        default_factory=lambda: SnapFacts(snapd=True, deb=False, installed=False)
    )
    store_error: str = ""
    newest: str = ""
    """The version that its channels have; the cluster's, unless a test changes it."""
    refusal: SnapError | None = None
    """What snapd says to each installation of a file."""
    unknown_channel: str = ""
    digest: str = ""
    offered: str = ""
    """Version of the attached file; the installed version, unless a test changes it."""
    offered_for: tuple[str, ...] = ()
    """Architectures of the attached file; empty for all."""
    ours: str = ""
    """The revision that the charm installed last."""
    reloads: int = 0
    calls: list[str] = field(default_factory=list[str])
    """Requests to snapd, in order."""
    pause: Callable[[str], None] = lambda _: None
    """Called at each moment during an installation: a hook may be killed there."""

    def facts(self, wanted: Resource | None) -> SnapFacts:
        same = wanted is None or wanted.digest == self.digest
        version = self.server.version if self.facts_.installed else ""
        offered = "" if same else self.offered or version
        foreign = self.facts_.installed and self.facts_.revision != self.ours
        return replace(
            self.facts_,
            version=version,
            offered=offered,
            architectures=() if same else self.offered_for,
            same_as_resource=same,
            foreign=foreign,
            untouched=(self.facts_.installed or self.facts_.disabled) and not self.server.run,
        )

    def install(self, channel: str, revision: str) -> None:
        self.calls.append(f"install {channel} {revision}".strip())
        if self.unknown_channel == channel:
            raise ChannelUnknownError(f"no LXD on {channel}")
        if self.store_error:
            raise SnapError(self.store_error)
        self._install(revision or "100")
        self.facts_ = replace(self.facts_, channel=channel)

    def install_version(self, channel: str, version: str) -> None:
        self.calls.append(f"install {version} of {channel}")
        if self.newest and self.newest != version:
            raise ChannelUnknownError(f"{channel} has LXD {self.newest} here")
        self._install("200")

    def install_file(self, path: str) -> None:
        self.calls.append(f"install {path}")
        if self.refusal is not None:
            raise self.refusal
        self._install("x1", path)

    def remove(self) -> None:
        self.calls.append("remove")
        self.facts_ = replace(self.facts_, installed=False, revision="")
        self.ours = self.server.revision = ""
        self.server.uninstall()

    def _install(self, revision: str, digest: str = "") -> None:
        """Like `snap.Snap`: it notes before the installation what follows it."""
        self.facts_ = replace(self.facts_, unfinished=True)
        self.pause("snap: noted")
        self.digest = digest or self.digest
        self.server.version = self.server.cloud.version
        self.facts_ = replace(self.facts_, installed=True, revision=revision)
        self.server.kill_daemon()
        self.server.revision = revision
        self.server.start_daemon()
        self.server.cloud.now = max(self.server.cloud.now, self.server.ready)
        self.pause("snap: installed")
        self.ours = revision
        self.facts_ = replace(self.facts_, unfinished=False)

    def stop(self) -> None:
        self.calls.append("stop")
        self.server.stop_instances()
        self.server.kill_daemon()

    def start(self) -> None:
        self.calls.append("start")
        self.server.start_daemon()
        self.server.cloud.now = max(self.server.cloud.now, self.server.ready)

    def reload(self) -> None:
        self.calls.append("reload")
        self.reloads += 1
        self.server.restart()


@dataclass
class UnitMachine:
    """A unit's files on its disk."""

    server: Server
    unit_: str = ""
    neighbour_: str = ""
    """The other unit that has the machine."""
    key_: bytes | None = None
    forming_: Forming | None = None
    failures_: Failures | None = None
    identity_: str = ""
    units_: dict[str, str] = field(default_factory=dict[str, str])
    unresponsive_since_: float | None = None
    attached_: str | None = None
    moved_off_: set[str] = field(default_factory=set[str])
    arch: str = "x86_64"
    log: str = ""
    disks_: dict[str, Device] = field(default_factory=dict[str, Device])
    packages: set[str] = field(default_factory=set[str])
    gathered: list[str] = field(default_factory=list[str])
    released: set[str] = field(default_factory=set[str])
    groups: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    missing_storage: set[str] = field(default_factory=set[str])
    """Paths of devices, UUIDs of file systems and zpools that are not here."""
    degraded_: dict[str, str] = field(default_factory=dict[str, str])
    missing_bridges_: frozenset[str] = frozenset()
    services: list[str] = field(default_factory=list[str])
    overlays_: dict[str, str] = field(default_factory=dict[str, str])
    missing_: str = ""
    room_: int = 1 << 50
    others_opened_ovn: bool = False
    files: dict[Path, str] = field(default_factory=dict[Path, str])

    @property
    def disks(self) -> list[Device]:
        """The machine's block devices, as LXD left them."""
        return [self._as_it_is(disk) for disk in self.disks_.values()]

    @disks.setter
    def disks(self, disks: Iterable[Device]) -> None:
        self.disks_ = {disk.path: disk for disk in disks}
        self.server.devices = {disk.path: disk.holds or disk.use for disk in self.disks_.values()}

    def _as_it_is(self, disk: Device) -> Device:
        holds = self.server.devices[disk.path]
        if holds == (disk.holds or disk.use):
            return disk
        if holds.startswith(IN_POOL):
            unique = (*disk.unique, uuid_of(disk.path))
            return replace(disk, use="is in use", holds="", unique=unique)
        return replace(disk, holds=holds)

    @property
    def interfaces_(self) -> list[Interface]:
        """The machine's network interfaces."""
        return list(self.server.interfaces.values())

    @interfaces_.setter
    def interfaces_(self, interfaces: Iterable[Interface]) -> None:
        self.server.interfaces = {i.name: i for i in interfaces}

    def hostname(self) -> str:
        return self.server.hostname

    def begin(self, unit: str) -> None:
        self.unit_ = unit

    def take_over(self, unit: str) -> None:
        self.unit_ = unit

    def neighbour(self, unit: str) -> str:
        return self.neighbour_

    def key(self) -> bytes | None:
        return self.key_

    def public_key(self) -> str:
        return token_sealing.public_half(self.key_) if self.key_ else ""

    def keep_key(self, private: bytes, public: str) -> None:
        self.key_ = private

    def forming(self) -> Forming | None:
        return self.forming_

    def note_forming(self, kind: str, now: float, devices: tuple[str, ...]) -> None:
        self.forming_ = Forming(kind, now, devices)

    def forget_forming(self) -> None:
        self.forming_ = None

    def identity(self) -> str:
        return self.identity_

    def note_identity(self, identity: str) -> None:
        self.identity_ = identity

    def units(self) -> dict[str, str]:
        return dict(self.units_)

    def note_units(self, units: Mapping[str, str]) -> None:
        self.units_ = dict(units)

    def unresponsive_since(self) -> float | None:
        return self.unresponsive_since_

    def note_unresponsive(self, since: float | None) -> None:
        self.unresponsive_since_ = since

    def moved_off(self) -> frozenset[str]:
        return frozenset(self.moved_off_)

    def note_moved_off(self, volume: str) -> None:
        self.moved_off_.add(volume)

    def forget_moved_off(self, volume: str) -> None:
        self.moved_off_.discard(volume)

    def attached(self) -> str | None:
        return self.attached_

    def note_attached(self, path: str | None) -> None:
        self.attached_ = path

    def architecture(self) -> str:
        return self.arch

    def failures(self) -> Failures | None:
        return self.failures_

    def note_failure(self, reason: str, next_attempt: int) -> None:
        count = self.failures_.count + 1 if self.failures_ else 1
        self.failures_ = Failures(count, reason, next_attempt)

    def forget_failures(self) -> None:
        self.failures_ = None

    def install(self, packages: Iterable[str]) -> None:
        self.packages |= set(packages)

    def overlays(self) -> dict[str, str]:
        return dict(self.overlays_)

    def run_overlay(
        self, network: str, files: Mapping[Path, str], services: Iterable[str], record: str
    ) -> None:
        self._take_away(network)
        self.files |= files
        self.services = sorted({*self.services, *services})
        self.overlays_[network] = record

    def end_overlay(self, network: str) -> None:
        self._take_away(network)
        del self.overlays_[network]

    def _take_away(self, network: str) -> None:
        own = f"-{network}.service"
        self.services = [name for name in self.services if not name.endswith(own)]
        folder = overlay_dhcp.FOLDER / network
        self.files = {
            path: text
            for path, text in self.files.items()
            if folder not in path.parents and not path.name.endswith(own)
        }

    def missing(self, need: str) -> str:
        return self.missing_

    def opens_ovn(self, files: Mapping[Path, str], process: int) -> bool:
        return self.others_opened_ovn or (bool(files) and self.has(files))

    def write_ovn(self, files: Mapping[Path, str]) -> None:
        self.write_privately(files)

    def interfaces(self) -> tuple[Interface, ...]:
        return self.server.all_interfaces()

    def remove_bridge(self, name: str, beside: Iterable[str]) -> None:
        self.server.unfinished.remove(name)
        for interface in beside:
            del self.server.interfaces[interface]

    def has_address(self, address: str) -> bool:
        return address in {self.server.address, *self.server.addresses}

    def listener(self, address: str, port: int) -> str:
        endpoint = endpoint_of(address, port)
        listeners = self.server.listeners
        taken = listeners.taken.get(endpoint, "")
        return taken or ("lxd" if listeners.listens(endpoint) else "")

    def room(self) -> int:
        return self.room_

    def growth(self) -> dict[str, int]:
        own = self.server.name
        pools = (p for p in self.server.records.pools.values() if own in p.members)
        return {p.name: in_bytes(p.members[own].get("size", "")) for p in pools}

    def devices(self, patterns: tuple[str, ...]) -> tuple[Device, ...]:
        by_node = {disk.node: replace(disk, path=disk.node) for disk in self.disks}
        there = by_node | {disk.path: disk for disk in self.disks}
        return tuple(there[p] for p in patterns if p in there)

    def lacks_device(self, path: str) -> bool:
        return path in self.missing_storage

    def lacks_file_system(self, uuid: str) -> bool:
        return uuid in self.missing_storage

    def lacks_zpool(self, name: str) -> bool:
        return name in self.missing_storage

    def degraded_storage(self) -> dict[str, str]:
        return self.degraded_

    def missing_bridges(self) -> frozenset[str]:
        return self.missing_bridges_

    def pool_devices(self) -> dict[str, set[str]]:
        return self.groups

    def wipe(self, device: str) -> None:
        self.disks_[device] = replace(self.disks_[device], holds="", ids=())
        self.server.devices[device] = ""

    def has(self, files: Mapping[Path, str]) -> bool:
        return all(self.files.get(path) == text for path, text in files.items())

    def ceph_files(self) -> dict[Path, str]:
        admin = {ceph_files.keyring("client.admin"): "[client.admin]"} if self.has_admin else {}
        return {p: text for p, text in self.files.items() if p.parent == ceph_files.FOLDER} | admin

    @property
    def has_admin(self) -> bool:
        """Whether an operator has put the key of Ceph's default user here."""
        return self.server.machine in self.server.cloud.ceph_admins

    def write_privately(self, files: Mapping[Path, str]) -> None:
        self.files |= files

    def has_data(self) -> bool:
        return bool(self.server.disk)

    def lxd_log(self) -> str:
        return self.log or self.server.files.lxd_log()

    def release(self, devices: Iterable[str]) -> None:
        self.released |= set(devices)

    def folders(self) -> dict[str, Folder]:
        return self.server.files.folders()

    def restore_folder(self, kind: str, process: int) -> None:
        self.server.files.restore_folder(kind, process)

    def end_volume(self, kind: str) -> None:
        self.server.files.end_volume(kind)

    def empty_pool_folders(self, pools: Iterable[str], process: int) -> frozenset[str]:
        return frozenset(pools) & self.server.pool_folders

    def remove_pool_folder(self, pool: str, process: int) -> None:
        self.server.pool_folders.remove(pool)

    def mounted(self, process: int) -> frozenset[str]:
        config = self.server.config
        return frozenset(config.get(f"storage.{kind}_volume", "") for kind in self.folders())

    def gather(self, kind: str, volume: str, process: int, *, mounts: bool) -> None:
        if mounts and volume != self.server.config.get(f"storage.{kind}_volume"):
            raise NotMountedError(f"{volume} is not mounted")
        self.gathered.append(volume)

    def empty_lxd(self) -> None:
        self.server.wipe()

    def certificate(self) -> str:
        return certificates.pem(self.server.certificate)

    def delete_certificate(self) -> None:
        self.server.new_certificate()

    def kill_lxd(self) -> None:
        self.server.kill_daemon()
