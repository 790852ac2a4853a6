# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What this machine offers in addition to LXD: OVN's networks, Ubuntu's fan, file systems."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path

import deadlines
from host import sockets
from state.cluster import Zfs
from values.addresses import is_address
from values.status import StatusText

_TOOLS = (Path("/usr/bin/ovs-vsctl"), Path("/snap/bin/microovn.ovs-vsctl"))
_IP = Path("/sbin/ip")
_BRIDGE = "br-int"
"""The bridge to which OVN connects instances: OVN's controller makes it once it has reached the
database.
"""

_DIR, _CEPHFS = "dir", "cephfs"
_MODULES = {"btrfs": "btrfs", "lvm": "dm-thin-pool"}
"""By driver that LXD lists if its tool is installed or in the snap: the kernel's module."""
_SYS_MODULES = Path("/sys/module")
_SNAP, _SNAP_CONFIG = Path("/snap/lxd/current"), Path("/var/snap/lxd/common/config")
_OWN_TOOLS = "zfs_external=true"
"""The line of the snap's configuration after `snap set lxd zfs.external=true`."""
_FILE_SYSTEMS = Path("/proc/filesystems")
_ALL_MODULES = Path("/lib/modules")
_USERS = Path("/proc/self/uid_map")
_ALL_USERS = ["0", "0", "4294967295"]
OVN, FAN = "ovn", "fan"


def missing(need: str) -> str:
    """What networks of this kind need and this machine lacks, empty if nothing."""
    return _CHECKS[need]()


def usable(drivers: frozenset[str]) -> frozenset[str]:
    """The storage drivers of LXD that it can use on this machine.

    LXD lists btrfs, lvm and cephfs if their tools are installed, and zfs if the kernel has loaded
    it, also for the containers on it. In a user namespace `lxd init` offers only dir, and btrfs for
    a folder that is on btrfs. The charm makes pools on devices and in loop files, which nobody can
    mount there.
    """
    if in_container():
        return drivers & {_DIR}
    lacking = {driver for driver, module in _MODULES.items() if _is_missing(module)}
    if _CEPHFS in drivers and not _mounts("ceph"):
        lacking.add(_CEPHFS)
    return drivers - lacking


def in_container() -> bool:
    """Whether this process is in a user namespace, as in an unprivileged container.

    LXD finds that out in the same way.
    """
    try:
        lines = _USERS.read_text().splitlines()
    except OSError:
        return False
    return bool(lines) and lines[0].split() != _ALL_USERS


def zfs() -> Zfs | None:
    """The kernel's zfs, None if it is not loaded or LXD does not use its snap's tools for it.

    The snap has tools for some versions, each in a folder of its own, and looks for them when the
    daemon starts (its daemon.start, 5.0 to 6.9).
    """
    if not any(_SNAP.glob("zfs-*")) or _OWN_TOOLS in _text(_SNAP_CONFIG).split():
        return None
    version = ".".join(_text(_SYS_MODULES / "zfs/version").strip().split(".")[:2])
    return Zfs(version, (_SNAP / f"zfs-{version}").exists()) if version else None


def _text(path: Path) -> str:
    """The text of a file, empty without one."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _mounts(file_system: str) -> bool:
    """Whether the kernel has a file system, loaded or as a module."""
    return file_system in _FILE_SYSTEMS.read_text().split() or _is_listed(file_system)


def _is_missing(module: str) -> bool:
    """Whether the kernel has no such module, neither loaded nor on the disk.

    Without a list of modules, as in a privileged container, no module counts as missing: the kernel
    loads them from its host's disk.
    """
    if (_SYS_MODULES / module.replace("-", "_")).exists():
        return False
    # A part of the kernel has a folder in /sys only if it has parameters.
    if module in _FILE_SYSTEMS.read_text().split():
        return False
    return _modules_of(_running()) != "" and not _is_listed(module)


def _is_listed(module: str) -> bool:
    return f"/{module}.ko" in _modules_of(_running())


def _running() -> Path:
    """The folder with the modules of the running kernel."""
    return _ALL_MODULES / os.uname().release


@cache
def _modules_of(folder: Path) -> str:
    """The paths of a kernel's modules, and of those that are part of it. Empty without a list."""
    lists = (folder / "modules.dep", folder / "modules.builtin")
    return "".join(path.read_text() for path in lists if path.exists())


def _why_no_fan() -> StatusText:
    # It prints its help as an error.
    completed = _completed(_IP, "link", "help", "vxlan")
    return (
        ""
        if completed and "fan-map" in completed.stdout + completed.stderr
        else "fan: ip(8) here does not know fan-map: use machines with Ubuntu"
    )


def _why_no_chassis() -> StatusText:
    tool = next((path for path in _TOOLS if path.exists()), None)
    if tool is None:
        return "no Open vSwitch here: relate ovn-chassis, or install ovn-host"
    if _run(tool, "--timeout=5", "show") is None:
        return "Open vSwitch does not answer here: systemctl start openvswitch-switch"
    if not _run(tool, "--timeout=5", "get", "open_vswitch", ".", "external_ids:ovn-remote"):
        return "Open vSwitch has no ovn-remote here: relate ovn-chassis to OVN"
    if _run(tool, "--timeout=5", "br-exists", _BRIDGE) is None:
        return "OVN's controller made no br-int here: systemctl start ovn-controller"
    return _encapsulation(tool)


def _encapsulation(tool: Path) -> StatusText:
    """Why OVN's tunnels have no address here, empty if they have one. LXD needs its interface."""
    output = _run(tool, "--timeout=5", "get", "open_vswitch", ".", "external_ids:ovn-encap-ip")
    addresses = (output or "").strip('"')
    if not addresses:
        return "Open vSwitch has no ovn-encap-ip here: relate ovn-chassis to OVN"
    is_local = any(
        is_address(address) and sockets.is_here(address) for address in addresses.split(",")
    )
    return "" if is_local else f"ovn-encap-ip={addresses[:40]}: no address of this machine"


def _run(*command: str | Path) -> str | None:
    """A command's output, None if it fails."""
    completed = _completed(*command)
    return completed.stdout.strip() if completed and completed.returncode == 0 else None


def _completed(*command: str | Path) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=deadlines.COMMAND
        )
    except (OSError, subprocess.SubprocessError):
        return None


_CHECKS = {OVN: _why_no_chassis, FAN: _why_no_fan}
