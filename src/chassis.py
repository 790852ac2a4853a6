"""Whether this machine is an OVN chassis: LXD needs that of every member."""

from __future__ import annotations

import subprocess
from pathlib import Path

import deadlines

_TOOLS = (Path("/usr/bin/ovs-vsctl"), Path("/snap/bin/microovn.ovs-vsctl"))
_BRIDGE = "br-int"
"""Where OVN connects instances: its controller makes it once it has reached OVN's database."""


def lacks() -> str:
    """What this machine lacks to be one, empty if nothing."""
    tool = next((path for path in _TOOLS if path.exists()), None)
    if tool is None:
        return "no Open vSwitch here: relate ovn-chassis, or install ovn-host"
    if _run(tool, "--timeout=5", "show") is None:
        return "Open vSwitch does not answer here: systemctl start openvswitch-switch"
    if not _run(tool, "--timeout=5", "get", "open_vswitch", ".", "external_ids:ovn-remote"):
        return "Open vSwitch has no ovn-remote here: relate ovn-chassis to OVN"
    if _run(tool, "--timeout=5", "br-exists", _BRIDGE) is None:
        return "OVN's controller made no br-int here: systemctl start ovn-controller"
    return ""


def _run(*command: str | Path) -> str | None:
    """What a command says, None if it fails."""
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=deadlines.COMMAND
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
