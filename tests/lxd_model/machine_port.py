# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The files of a unit on a model machine's disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from state.facts import Device, Failures, Folder, Forming
from tests.lxd_model import certificates, pools, times
from tests.lxd_model.listeners import endpoint_of
from tests.lxd_model.silence import Silence
from values.interface import Interface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tests.lxd_model.server import Server


class ModelMachine:
    """See `host.machine.Machine`. Only calls that change something pause."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._key: bytes | None = None
        self._public = ""
        self._identity = ""
        self._units: dict[str, str] = {}
        self._unresponsive: float | None = None
        self._attached: str | None = None
        self._moved_off = set[str]()
        self._forming: Forming | None = None
        self._failures: Failures | None = None

    def hostname(self) -> str:
        """The machine's name."""
        return self._server.hostname

    def begin(self, unit: str) -> None:
        """Every unit has its own machine."""

    def take_over(self, unit: str) -> None:
        """Every machine has only ever one unit."""

    def neighbour(self, unit: str) -> str:
        """No other unit is here."""
        return ""

    def key(self) -> bytes | None:
        """This unit's private key."""
        return self._key

    def public_key(self) -> str:
        """The public half of the key."""
        return self._public

    def keep_key(self, private: bytes, public: str) -> None:
        """Keeps the key."""

        def keep() -> None:
            self._key, self._public = private, public

        self._change("machine.keep_key", keep)

    def identity(self) -> str:
        """The identity of this unit's cluster, from its note here."""
        return self._identity

    def note_identity(self, identity: str) -> None:
        """Notes it."""

        def note() -> None:
            self._identity = identity

        self._change("machine.note_identity", note)

    def units(self) -> dict[str, str]:
        """The units whose members had the database, from their note here."""
        return dict(self._units)

    def note_units(self, units: Mapping[str, str]) -> None:
        """Notes them."""

        def note() -> None:
            self._units = dict(units)

        self._change("machine.note_units", note)

    def unresponsive_since(self) -> float | None:
        """When LXD stopped answering, from its note here."""
        return self._unresponsive

    def note_unresponsive(self, since: float | None) -> None:
        """Notes it."""

        def note() -> None:
            self._unresponsive = since

        self._change("machine.note_unresponsive", note)

    def moved_off(self) -> frozenset[str]:
        """Volumes that LXD has moved everything from, from their note here."""
        return frozenset(self._moved_off)

    def note_moved_off(self, volume: str) -> None:
        """Notes one more."""
        self._change("machine.note_moved_off", lambda: self._moved_off.add(volume))

    def forget_moved_off(self, volume: str) -> None:
        """It is gone, or used again. It needs no pause of its own."""
        self._moved_off.discard(volume)

    def attached(self) -> str | None:
        """The path of the attached snap, as Juju last reported it."""
        return self._attached

    def note_attached(self, path: str | None) -> None:
        """Notes it. "Nothing attached" needs no pause of its own."""
        self._attached = path

    def architecture(self) -> str:
        """All machines are alike."""
        return "x86_64"

    def forming(self) -> Forming | None:
        """The bootstrap or join that began here and is not published yet."""
        return self._forming

    def note_forming(self, kind: str, now: float, devices: tuple[str, ...]) -> None:
        """Notes a bootstrap or join."""

        def note() -> None:
            self._forming = Forming(kind, now, devices)

        self._change("machine.note_forming", note)

    def forget_forming(self) -> None:
        """The bootstrap or join is over."""

        def forget() -> None:
            self._forming = None

        self._change("machine.forget_forming", forget)

    def failures(self) -> Failures | None:
        """The number of this unit's failed joins."""
        return self._failures

    def note_failure(self, reason: str, next_attempt: int) -> None:
        """One more join has failed."""

        def note() -> None:
            count = self._failures.count if self._failures else 0
            self._failures = Failures(count + 1, reason, next_attempt)

        self._change("machine.note_failure", note)

    def forget_failures(self) -> None:
        """A join succeeded, or the operator wants another try."""

        def forget() -> None:
            self._failures = None

        self._change("machine.forget_failures", forget)

    def has_data(self) -> bool:
        """Whether LXD's folder has an instance or a volume."""
        return bool(self._server.disk)

    def install(self, packages: Iterable[str]) -> None:
        """Debian packages: all are installed."""

    def overlays(self) -> dict[str, str]:
        """The simulation has no network over all members."""
        return {}

    def run_overlay(
        self, network: str, files: Mapping[Path, str], services: Iterable[str], record: str
    ) -> None:
        """See `overlays`."""
        raise NotImplementedError(network)

    def end_overlay(self, network: str) -> None:
        """See `overlays`."""
        raise NotImplementedError(network)

    def missing(self, need: str) -> str:
        """No machine has what OVN or the fan needs."""
        return f"no {need} here"

    def opens_ovn(self, files: Mapping[Path, str], process: int) -> bool:
        """There is no OVN in the simulation."""
        return not files

    def write_ovn(self, files: Mapping[Path, str]) -> None:
        """Writes what opens OVN's database."""
        raise NotImplementedError(f"{len(files)} files of an OVN that is not there")

    def interfaces(self) -> tuple[Interface, ...]:
        """The network interfaces."""
        return self._server.all_interfaces()

    def remove_bridge(self, name: str, beside: Iterable[str]) -> None:
        """A bridge is gone, with what is beside it."""
        del beside
        self._change("machine.remove_bridge", lambda: self._server.unfinished.discard(name))

    def has_address(self, address: str) -> bool:
        """Whether an interface has the address."""
        return address in {self._server.address, *self._server.addresses}

    def listener(self, address: str, port: int) -> str:
        """The program that listens there, empty if there is none."""
        endpoint = endpoint_of(address, port)
        listeners = self._server.listeners
        taken = listeners.taken.get(endpoint, "")
        return taken or ("lxd" if listeners.listens(endpoint) else "")

    def room(self) -> int:
        """Free space in bytes: always enough."""
        return 1 << 50

    def growth(self) -> dict[str, int]:
        """See `Machine`."""
        return {}

    def devices(self, patterns: tuple[str, ...]) -> tuple[Device, ...]:
        """The block devices that match the patterns."""
        return pools.devices(self._server, patterns)

    def lacks_device(self, path: str) -> bool:
        """Whether the machine has no such device."""
        return path not in self._server.devices

    def lacks_file_system(self, uuid: str) -> bool:
        return False

    def lacks_zpool(self, name: str) -> bool:
        return False

    def degraded_storage(self) -> dict[str, str]:
        return {}

    def missing_bridges(self) -> frozenset[str]:
        return frozenset()

    def pool_devices(self) -> dict[str, set[str]]:
        """The simulation's pools are on btrfs."""
        return {}

    def wipe(self, device: str) -> None:
        """Erases a block device."""
        self._change("machine.wipe", lambda: pools.wipe(self._server, device))

    def ceph_files(self) -> dict[Path, str]:
        """The simulation has no Ceph."""
        return {}

    def write_privately(self, files: Mapping[Path, str]) -> None:
        """Writes files that only root can read."""
        raise NotImplementedError(f"{len(files)} files of a Ceph that is not there")

    def lxd_log(self) -> str:
        """The last lines of LXD's log."""
        if self._server.silence() is Silence.WAITING:
            return "Wait for other cluster members to align their versions"
        for kind, volume in pools.unmountable(self._server).items():
            newest = "daemon_storage_per_project" in self._server.generation.extensions
            failed = "Failed mounting" if newest else "Failed to mount"
            why = f'{failed} storage volume \\"{volume}\\": no such device'
            ends = f"{failed} {kind} storage: {why}"
            return f'level=error msg="Failed to start the daemon" err="{ends}"'
        if self._server.is_before_database():
            ends = "failed to ensure schema: schema version '1' is more recent than expected '0'"
            return f'level=error msg="Failed to start the daemon" err="{ends}"'
        half = self._server.half_joined
        return "No node registered with address" if half else "lvl=error msg=model"

    def folders(self) -> dict[str, Folder]:
        """The folders of LXD's images and backups."""
        return {kind: self._server.folders.get(kind, Folder()) for kind in ("images", "backups")}

    def empty_pool_folders(self, pools: Iterable[str], process: int) -> frozenset[str]:
        """Those that LXD left."""
        del process
        return frozenset(pools) & self._server.pool_folders

    def remove_pool_folder(self, pool: str, process: int) -> None:
        """It is gone."""
        del process
        self._change("machine.remove_folder", lambda: self._server.pool_folders.discard(pool))

    def mounted(self, process: int) -> frozenset[str]:
        """The simulation has no driver that mounts each volume."""
        del process
        return frozenset()

    def restore_folder(self, kind: str, process: int) -> None:
        """Moves them back into LXD's folder."""
        del process

        def restore() -> None:
            self._server.folders.pop(kind, None)

        self._change("machine.restore_folder", restore)

    def end_volume(self, kind: str) -> None:
        """Lets LXD start with its images or backups in its folder."""

        def end() -> None:
            self._server.folders.pop(kind, None)
            self._server.config.pop(f"storage.{kind}_volume", None)

        self._change("machine.end_volume", end)

    def gather(self, kind: str, volume: str, process: int, *, mounts: bool) -> None:
        """What is left of them on a volume is with the others: the model moves all or nothing."""

    def certificate(self) -> str:
        """The certificate of this LXD itself."""
        return certificates.pem(self._server.certificate)

    def delete_certificate(self) -> None:
        """LXD makes another certificate."""
        self._server.new_certificate()

    def empty_lxd(self) -> None:
        """Empties LXD's folder, with everything in it except its own certificate."""
        self._change("machine.empty_lxd", self._server.wipe)

    def release(self, devices: Iterable[str]) -> None:
        """Nothing that a join made of its devices is in use: the model's pools release them."""

    def kill_lxd(self) -> None:
        """Kills a daemon that hangs."""
        self._change("machine.kill_lxd", self._server.kill_daemon)

    def _change(self, what: str, effect: Callable[[], None]) -> None:
        cloud = self._server.cloud
        cloud.pause(0.0, what)
        effect()
        cloud.pause(times.REQUEST, what)
