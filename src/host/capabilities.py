# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What this machine offers beside LXD: OVN's networks, Ubuntu's fan, file systems."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import deadlines
from host import sockets
from values.addresses import is_address

_TOOLS = (Path("/usr/bin/ovs-vsctl"), Path("/snap/bin/microovn.ovs-vsctl"))
_IP = Path("/sbin/ip")
_BRIDGE = "br-int"
"""The bridge to which OVN connects instances: its controller makes it once it has reached OVN's
database.
"""


_CEPHFS = "cephfs"
OVN, FAN = "ovn", "fan"


def missing(need: str) -> str:
    """What networks of this kind need and this machine has not, empty if nothing."""
    return _LOOKS[need]()


def usable(drivers: frozenset[str]) -> frozenset[str]:
    """The storage drivers of LXD that this kernel can mount.

    LXD lists cephfs if Ceph's client is installed.
    """
    return drivers if _CEPHFS not in drivers or _mounts("ceph") else drivers - {_CEPHFS}


def _mounts(file_system: str) -> bool:
    """Whether the kernel has a file system, loaded or as a module."""
    loaded = Path("/proc/filesystems").read_text().split()
    modules = Path("/lib/modules") / os.uname().release / "modules.dep"
    available = modules.read_text() if modules.exists() else ""
    return file_system in loaded or f"/{file_system}.ko" in available


def _lacks_fan() -> str:
    # It prints its help as an error.
    ended = _ended(_IP, "link", "help", "vxlan")
    return (
        ""
        if ended and "fan-map" in ended.stdout + ended.stderr
        else "fan: ip(8) here does not know fan-map: use machines with Ubuntu"
    )


def _lacks_chassis() -> str:
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


def _encapsulation(tool: Path) -> str:
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
    ended = _ended(*command)
    return ended.stdout.strip() if ended and ended.returncode == 0 else None


def _ended(*command: str | Path) -> subprocess.CompletedProcess[str] | None:
    try:
        return subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=deadlines.COMMAND
        )
    except (OSError, subprocess.SubprocessError):
        return None


_LOOKS = {OVN: _lacks_chassis, FAN: _lacks_fan}
