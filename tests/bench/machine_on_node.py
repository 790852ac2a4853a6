# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's ports on a node of the bench: its snap, its machine."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import deadlines
from host.lxd_database import Database
from host.machine import Machine
from host.snap import ChannelUnknownError, SnapError
from lab.bench.node import Node
from lab.machines import lxd_folder
from lab.machines.programs import MachineError
from state.facts import Device, Resource, SnapFacts
from values.interface import Interface

# Modules that a function inside a node imports when it needs them: the node's root does not have
# them.
for _name in ("capabilities", "disks", "interfaces", "sockets", "storage_leftovers"):
    importlib.import_module(f"host.{_name}")
importlib.import_module("yaml")

# Revisions of snaps: the store counts them for all machines, snapd counts those of files for its
# own.
_FROM_STORE, _FROM_FILE = "1", "x1"


def resource(lxd: Path) -> Resource:
    """The LXD in a folder as the application's resource."""
    return Resource(str(lxd), str(lxd))


@cache
def version_of(lxd: Path, system: Path) -> str:
    """The version of the LXD in a folder, such as 5.21.7."""
    return lxd_folder.version(lxd, system)


class BenchSnap:
    """Replaces the LXD snap: a folder of LXD, and a daemon started from it.

    `stop` stops the instances, `reload` does not, as in the real snap.
    """

    def __init__(self, node: Node, system: Path) -> None:
        self._node = node
        self._system = system
        self._revision = ""

    def facts(self, wanted: Resource | None) -> SnapFacts:
        """What is installed."""
        current = str(self._node.lxd)
        same = wanted is None or wanted.digest == current
        return SnapFacts(
            snapd=True,
            deb=False,
            installed=bool(self._revision),
            revision=self._revision,
            version=version_of(self._node.lxd, self._system) if self._revision else "",
            offered="" if wanted is None or same else version_of(Path(wanted.path), self._system),
            same_as_resource=same,
        )

    def install(self, channel: str, revision: str) -> None:
        """Installs the node's own LXD for any channel."""
        self._revision = _FROM_STORE
        self._node.start_daemon()

    def install_version(self, channel: str, version: str) -> None:
        """Installs the node's own LXD, if it has that version."""
        has = version_of(self._node.lxd, self._system)
        if has != version:
            raise ChannelUnknownError(f"{channel} has LXD {has} here")
        self.install(channel, "")

    def install_file(self, path: str) -> None:
        """Installs the LXD in the folder `path`. An exchange keeps the instances running."""
        if not self._revision or str(self._node.lxd) != path:
            self._stop()
            self._node.exchange(Path(path))
        self._revision = _FROM_FILE
        self._node.start_daemon()

    def remove(self) -> None:
        """Removes LXD and its folder. No test of the bench needs that."""
        raise SnapError("the bench removes no LXD")

    def stop(self) -> None:
        """Stops the daemon and all instances."""
        try:
            self._node.shut_down()
        except MachineError as error:
            raise SnapError(str(error)) from error

    def start(self) -> None:
        """Starts the daemon."""
        self._node.start_daemon()

    def reload(self) -> None:
        """Restarts the daemon; instances keep running."""
        self._stop()
        self._node.start_daemon()

    def _stop(self) -> None:
        try:
            self._node.stop_daemon()
        except MachineError as error:
            raise SnapError(str(error)) from error


class BenchMachine(Machine):
    """The charm's own code for a machine, on a node: operations outside its folder run inside."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.state, node.lxd_dir)
        self._node = node

    def hostname(self) -> str:
        """The node's name."""
        return self._node.place.hostname

    def install(self, packages: Iterable[str]) -> None:
        """The node's system has everything that a test needs."""

    def run_overlay(
        self, network: str, files: Mapping[Path, str], services: Iterable[str], record: str
    ) -> None:
        """Raises OSError: a node has no systemd."""
        raise OSError("a node of the bench has no systemd")

    def missing(self, need: str) -> str:
        """What the node does not have."""
        return self._node.inside(lambda: Machine.missing(self, need))

    def opens_ovn(self, files: Mapping[Path, str], process: int) -> bool:
        """Whether the node has these files."""
        return self._node.inside(lambda: Machine.opens_ovn(self, files, process))

    def interfaces(self) -> tuple[Interface, ...]:
        """The node's interfaces."""
        return self._node.inside(lambda: Machine.interfaces(self))

    def missing_bridges(self) -> frozenset[str]:
        """Networks whose bridge is not on the node."""
        return self._node.inside(lambda: Machine.missing_bridges(self))

    def remove_bridge(self, name: str, beside: Iterable[str]) -> None:
        """Deletes a bridge of the node."""
        self._node.inside(lambda: Machine.remove_bridge(self, name, beside))

    def empty_pool_folders(self, pools: Iterable[str], process: int) -> frozenset[str]:
        """The node's. LXD's process has its number there."""
        return self._node.inside(lambda: Machine.empty_pool_folders(self, pools, process))

    def remove_pool_folder(self, pool: str, process: int) -> None:
        """Removes the node's."""
        self._node.inside(lambda: Machine.remove_pool_folder(self, pool, process))

    def has_address(self, address: str) -> bool:
        """Whether the node has the address."""
        return self._node.inside(lambda: Machine.has_address(self, address))

    def listener(self, address: str, port: int) -> str:
        """The program that listens there on the node."""
        return self._node.inside(lambda: Machine.listener(self, address, port))

    def release(self, devices: Iterable[str]) -> None:
        """None of these is in use."""
        self._node.inside(lambda: Machine.release(self, devices))

    def devices(self, patterns: tuple[str, ...]) -> tuple[Device, ...]:
        """A node sees the computer's block devices: none may be used."""
        return ()

    def wipe(self, device: str) -> None:
        """Raises OSError: see `devices`."""
        raise OSError(f"{device} is not the node's")

    def ceph_files(self) -> dict[Path, str]:
        """The node's files."""
        return self._node.inside(lambda: Machine.ceph_files(self))

    def write_privately(self, files: Mapping[Path, str]) -> None:
        """Writes the node's files."""
        self._node.inside(lambda: Machine.write_privately(self, files))

    def empty_lxd(self) -> None:
        """Empties LXD's folder."""
        self._node.inside(lambda: Machine.empty_lxd(self))

    def kill_lxd(self) -> None:
        """Kills the daemon."""
        self._node.kill_daemon()


class BenchDatabase(Database):
    """The database of a node's LXD, with the node's own tools for it."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.state / "backups", node.lxd_dir / "database")
        self._node = node

    def tool(self, *arguments: str) -> str:
        """The output of LXD's own tool."""
        done = self._node.run([f"{self._node.lxd}/bin/lxd", *arguments])
        done.check_returncode()
        return done.stdout

    def recover(self) -> None:
        """Makes this member the only one with the database, and starts the daemon again in every
        case.
        """
        try:
            self._node.stop_daemon(deadlines.DAEMON_STOP)
            self.tool("cluster", "recover-from-quorum-loss", "--quiet")
        finally:
            self._node.start_daemon()
