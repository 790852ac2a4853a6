# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This machine: its name, devices and interfaces, and LXD's folder on it."""

from __future__ import annotations

import platform
import shutil
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

from host import daemon_folders, lxd_daemon, mounts, private_files
from host.commands import run
from host.unit_notes import UnitNotes
from state.facts import Device, Folder
from state.lxd_objects import DAEMON_FOLDERS
from values import ceph_keys
from values.interface import Interface

STATE = Path("/var/lib/lxd-cluster")
LXD_DIR = Path("/var/snap/lxd/common/lxd")
AGENTS = Path("/var/lib/juju/agents")
"""Where Juju keeps a folder for each unit of this machine, until the unit is gone."""
_INTERFACES = Path("/sys/class/net")
_LOG_LINES = 20
_BLOCK = 512
"""The unit of the number of blocks that the kernel names for a file."""
_CERTIFICATE = ("server.crt", "server.key")
_UNITS = Path("/etc/systemd/system")
_RECORD = "record"
_MANIFEST = "manifest"
_FORGET = {
    "images": "DELETE FROM config WHERE key='storage.images_volume';\n",
    "backups": "DELETE FROM config WHERE key='storage.backups_volume';\n",
}
_SERVICES = ("dhcp", "peers")

_OF_MICROOVN = tuple(
    Path("var/snap") / folder / "pki/client-cert.pem"
    for folder in ("lxd/current/microovn/certificates", "microovn/common/data")
)


def _has_microovn(root: Path) -> bool:
    """Whether LXD has the certificates of MicroOVN, in the file system that its daemon sees.

    snapd mounts what `snap connect lxd:ovn-certificates microovn` gives for LXD's processes only.
    Without that connection LXD takes them from MicroOVN's own folder (daemon.start of its snap).
    """
    return any((root / path).exists() for path in _OF_MICROOVN)


def _holds_data(lxd_dir: Path) -> bool:
    folders = [lxd_dir / "containers", lxd_dir / "virtual-machines"]
    folders += lxd_dir.glob("storage-pools/*/custom")
    folders += lxd_dir.glob("storage-pools/*/buckets")
    return any(any(folder.iterdir()) for folder in folders if folder.exists())


class Machine(UnitNotes):
    """The machine of this unit, with the unit's notes on it."""

    def __init__(self, state: Path = STATE, lxd_dir: Path = LXD_DIR, agents: Path = AGENTS) -> None:
        super().__init__(state, lxd_dir, agents)
        self._overlays = state / "segments"

    def hostname(self) -> str:
        """The machine's name without its domain: LXD's name of the member."""
        return socket.gethostname().split(".")[0]

    def architecture(self) -> str:
        """The kernel's name of this machine's architecture, such as x86_64."""
        return platform.machine()

    def has_data(self) -> bool:
        """Whether LXD's folder has an instance or, in a mounted pool, a volume or a bucket.

        LXD keeps a link to each instance there, for any pool. It mounts pools where only its own
        processes see them, so the folder is also looked at as a running daemon sees it.
        """
        root = daemon_folders.root_of(lxd_daemon.running(self._lxd_dir.parent))
        return any(map(_holds_data, {self._lxd_dir, root / self._lxd_dir.relative_to("/")}))

    def install(self, packages: Iterable[str]) -> None:
        """Installs these Debian packages, if they are missing."""
        from host import packages as debian

        debian.install(packages)

    def overlays(self) -> dict[str, str]:
        """By network: the note about the segment that runs here, empty if it does not run.

        One that never ran has no note, and its services may start with the machine.
        """
        notes = (_RECORD, _MANIFEST)
        found = {path.parent for name in notes for path in self._overlays.glob(f"*/{name}")}
        return {folder.name: self._overlay(folder) for folder in sorted(found)}

    def _overlay(self, folder: Path) -> str:
        from host import overlay_dhcp_state

        network, record = folder.name, folder / _RECORD
        runs = record.exists() and overlay_dhcp_state.holds(
            network, folder / _MANIFEST, _services(network)
        )
        return record.read_text() if runs else ""

    def run_overlay(
        self, network: str, files: Mapping[Path, str], services: Iterable[str], record: str
    ) -> None:
        """Writes the files, starts the services and notes it. Stops older ones of the network."""
        from host import overlay_dhcp_state

        self._end_services(network)
        manifest = self._overlays / network / _MANIFEST
        overlay_dhcp_state.forget_files(manifest, but=files)
        # The charm finds a segment by its manifest, even if the next steps fail.
        private_files.write(manifest, overlay_dhcp_state.manifest(files).encode())
        self.write_privately(files)
        run("/usr/bin/systemctl", "daemon-reload")
        for service in services:
            run("/usr/bin/systemctl", "enable", "--now", service)
        private_files.write(self._overlays / network / _RECORD, record.encode())

    def end_overlay(self, network: str) -> None:
        """Stops everything that runs for a network, and removes it. The leases of addresses stay.

        It may be interrupted anywhere: the note is deleted last, because the charm finds the
        segment by it.
        """
        from host import overlay_dhcp_state

        self._end_services(network)
        overlay_dhcp_state.unfilter(network)
        manifest = self._overlays / network / _MANIFEST
        overlay_dhcp_state.forget_files(manifest, but=())
        manifest.unlink(missing_ok=True)
        (self._overlays / network / _RECORD).unlink(missing_ok=True)

    @staticmethod
    def _end_services(network: str) -> None:
        for unit in _services(network):
            if unit.exists():
                run("/usr/bin/systemctl", "disable", "--now", unit.name)
                unit.unlink()

    def missing(self, need: str) -> str:
        """What networks of this kind need and this machine lacks, empty if nothing."""
        from host import capabilities

        return capabilities.missing(need)

    def opens_ovn(self, files: Mapping[Path, str], process: int) -> bool:
        """Whether this machine has what opens OVN's database: `files`, or another charm's files.

        Without `files`, MicroOVN's files also count. `process` is the id of LXD's process.
        """
        from relations import ovn

        if not files and _has_microovn(daemon_folders.root_of(process)):
            return True
        wanted = (ovn.CERTIFICATE, ovn.KEY, ovn.AUTHORITY)
        if not all(path.exists() for path in wanted):
            return False
        if not files:
            return True
        key = ovn.KEY.read_text()
        if key != files[ovn.KEY]:
            # A certificate with another charm's key belongs to that charm, which must keep it.
            return not self.is_own_key(key)
        return self.is_own_key(key) and self._has(files)

    def write_ovn(self, files: Mapping[Path, str]) -> None:
        """Writes what opens OVN's database, as this charm's: a later key may replace this one."""
        from relations import ovn

        # The note comes first: the charm never replaces a key that is written and not noted.
        self.note_own_key(files[ovn.KEY])
        self.write_privately(files)

    def interfaces(self) -> tuple[Interface, ...]:
        """The network interfaces."""
        from host import interfaces

        return interfaces.read(self._lxd_dir)

    def missing_bridges(self) -> frozenset[str]:
        """Networks whose bridge LXD has made here, and that is not here any more."""
        from host import interfaces

        return interfaces.missing_bridges(self._lxd_dir)

    def remove_bridge(self, name: str, beside: Iterable[str]) -> None:
        """Deletes a bridge of the kernel that LXD made, and LXD's interfaces beside it.

        LXD's folder for it stays: LXD finds its dnsmasq by that. Raises CalledProcessError.
        """
        for interface in beside:
            run("/sbin/ip", "link", "delete", interface)
        run("/sbin/ip", "link", "delete", name, "type", "bridge")

    def has_address(self, address: str) -> bool:
        """Whether an address is on this machine now."""
        from host import sockets

        return sockets.is_here(address)

    def listener(self, address: str, port: int) -> str:
        """The program that listens on a port of an address, empty if none is found."""
        from host import sockets

        return sockets.listener(address, port)

    def room(self) -> int:
        """Free bytes where LXD makes the files of its pools."""
        folder = next(path for path in (self._lxd_dir, *self._lxd_dir.parents) if path.exists())
        return shutil.disk_usage(folder).free

    def growth(self) -> dict[str, int]:
        """By pool with a file there: the bytes by which the file may still grow.

        LXD makes it sparse.
        """
        files = {path.stem: path.stat() for path in (self._lxd_dir / "disks").glob("*.img")}
        return {
            pool: max(file.st_size - file.st_blocks * _BLOCK, 0) for pool, file in files.items()
        }

    def devices(self, patterns: tuple[str, ...]) -> tuple[Device, ...]:
        """The block devices that the patterns name, with their content."""
        from host import disks

        matching = disks.matching(patterns)
        self._seen |= {device.path: disks.identity(device.node) for device in matching}
        return matching

    def wipe(self, device: str) -> None:
        """Erases a block device.

        Raises OSError if it is in use, or is not the disk that the action showed or noted.
        """
        from host import disks

        disks.wipe(device, self._disk(device))

    def _has(self, files: Mapping[Path, str]) -> bool:
        """Whether these files exist with this content."""
        return all(path.exists() and path.read_text() == text for path, text in files.items())

    def ceph_files(self) -> dict[Path, str]:
        """The files for the application's Ceph."""
        from host import ceph_files

        return ceph_files.present()

    def write_privately(self, files: Mapping[Path, str]) -> None:
        """Writes files that only root can read."""
        for path, text in files.items():
            # Others have their own files there.
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            private_files.write(path, text.encode())

    def lxd_log(self) -> str:
        """The last lines of LXD's log, without keys of Ceph."""
        log = self._lxd_dir / "logs" / "lxd.log"
        if not log.exists():
            return ""
        lines = log.read_text(errors="replace").splitlines()[-_LOG_LINES:]
        return ceph_keys.hidden("\n".join(lines))

    def folders(self) -> dict[str, Folder]:
        """By kind, `images` and `backups`: the place where LXD has them."""
        return {kind: daemon_folders.look(self._lxd_dir, kind) for kind in DAEMON_FOLDERS}

    def restore_folder(self, kind: str, process: int) -> None:
        """Moves LXD's images or backups back to the root disk. `process` is LXD's.

        Raises OSError, also while LXD still moves them.
        """
        daemon_folders.refuse_while_moving(kind)
        daemon_folders.restore(self._lxd_dir, kind, daemon_folders.root_of(process))

    def end_volume(self, kind: str) -> None:
        """Lets LXD have its images or backups on the root disk at its next start. Raises OSError.

        Its daemon executes this file when it starts, before it reads its configuration, and deletes
        it (LXD's documentation, "Running custom queries at LXD daemon startup").
        """
        daemon_folders.restore(self._lxd_dir, kind)
        patch = self._lxd_dir / "database" / "patch.local.sql"
        query = _FORGET[kind]
        before = patch.read_text() if patch.exists() else ""
        if query not in before:
            private_files.write(patch, (before + query).encode())

    def mounted(self, process: int) -> frozenset[str]:
        """Volumes for images and backups, as POOL/VOLUME, that are mounted for LXD's `process`."""
        return daemon_folders.mounted(self._lxd_dir, daemon_folders.root_of(process))

    def empty_pool_folders(self, pools: Iterable[str], process: int) -> frozenset[str]:
        """The pools whose folder is not mounted for LXD's `process` and has no file."""
        return daemon_folders.empty_pools(self._lxd_dir, pools, process)

    def remove_pool_folder(self, pool: str, process: int) -> None:
        """Removes the folder of a pool with the empty ones in it. Raises OSError for a file."""
        daemon_folders.remove_pool(self._lxd_dir, pool, process)

    def gather(self, kind: str, volume: str, process: int, *, mounts: bool) -> None:
        """Copies the images or backups that are left on POOL/VOLUME to where LXD has the others.

        `mounts` says whether the pool's driver mounts each volume. Raises OSError: NotMountedError
        if the volume's content cannot be seen.
        """
        daemon_folders.refuse_while_moving(kind)
        root = daemon_folders.root_of(process)
        daemon_folders.gather(self._lxd_dir, kind, volume, root, mounts=mounts)

    def empty_lxd(self) -> None:
        """Empties the folder of an LXD that was stopped and never was a member.

        The interfaces of its networks are removed, too: a new LXD would treat them as somebody
        else's. Its certificate stays: a failed join has already put it into the cluster's trust
        store, and from 5.21 on LXD refuses another certificate with that name for good. See
        `delete_certificate` for one that no member accepts.
        """
        networks = self._lxd_dir / "networks"
        for network in networks.iterdir() if networks.exists() else ():
            if (_INTERFACES / network.name).exists():
                run("/sbin/ip", "link", "delete", network.name)
        mounts.unmount_below(self._lxd_dir)
        for entry in self._lxd_dir.iterdir():
            if entry.name in _CERTIFICATE:
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()

    def delete_certificate(self) -> None:
        """Deletes the certificate of an emptied LXD, which makes another one when it starts."""
        for name in _CERTIFICATE:
            (self._lxd_dir / name).unlink(missing_ok=True)

    def certificate(self) -> str:
        """The certificate (PEM) of this machine's LXD, which is not its cluster's. Raises OSError.

        A cluster trusts each member by this one.
        """
        return (self._lxd_dir / _CERTIFICATE[0]).read_text()

    def release(self, devices: Iterable[str]) -> None:
        """Releases everything that a join made of these devices, or in LXD's folder.

        A device is the disk that was noted when the join began: after a reboot another disk may
        have its name.
        """
        from host import disks, storage_leftovers

        mounts.unmount_below(self._lxd_dir)
        same = [d for d in devices if self._disk(d) and disks.identity(d) == self._disk(d)]
        storage_leftovers.release(same, self._lxd_dir)

    def pool_devices(self) -> dict[str, set[str]]:
        """By zpool and volume group that this machine sees: its devices, each by its own path."""
        from host import storage_leftovers

        return storage_leftovers.by_name()

    def lacks_device(self, path: str) -> bool:
        """Whether the machine has no device with this path."""
        return not Path(path).exists()

    def lacks_file_system(self, uuid: str) -> bool:
        """Whether no device of the machine has a file system with this UUID."""
        from host import missing_storage

        return missing_storage.lacks_file_system(uuid)

    def lacks_zpool(self, name: str) -> bool:
        """Whether the kernel has not imported this zpool."""
        from host import missing_storage

        return missing_storage.lacks_zpool(name)

    def degraded_storage(self) -> dict[str, str]:
        """By zpool and by UUID of a btrfs that has lost a device: what the kernel says of it."""
        from host import degraded_storage

        return degraded_storage.look()

    def kill_lxd(self) -> None:
        """Kills a daemon that hangs: a normal stop of it takes up to ten minutes."""
        lxd_daemon.kill()


def _services(network: str) -> list[Path]:
    """The systemd units that a segment may have."""
    return [_UNITS / f"lxd-cluster-{kind}-{network}.service" for kind in _SERVICES]
