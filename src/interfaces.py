"""The network interfaces of this machine: ip(8) and sysfs."""

from __future__ import annotations

import json
import logging
import subprocess
from pathlib import Path
from typing import Any

import deadlines
from networks.interface import Interface

logger = logging.getLogger(__name__)
_IP = "/sbin/ip"
_OVS = Path("/usr/bin/ovs-vsctl")
_SYSFS = Path("/sys/class/net")


def found() -> tuple[Interface, ...]:
    """All of them, none where ip(8) fails: a hook must not fail with it."""
    try:
        rows: list[dict[str, Any]] = json.loads(_run(_IP, "-details", "-json", "address", "show"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        logger.warning("the network interfaces are not known: %s", error)
        return ()
    bridges = _ovs_bridges()
    return tuple(_interface(row, bridges) for row in rows if row.get("ifname"))


def _interface(row: dict[str, Any], bridges: frozenset[str]) -> Interface:
    name = str(row["ifname"])
    link = row.get("linkinfo", {})
    filters = link.get("info_data", {}).get("vlan_filtering", 0)
    return Interface(
        name=name,
        bridge=link.get("info_kind") == "bridge" or name in bridges,
        vlans=bool(filters) or name in bridges,
        subnets=tuple(
            f"{told['local']}/{told['prefixlen']}"
            for told in row.get("addr_info", ())
            if told.get("scope") == "global" and "local" in told
        ),
        virtual_functions=_virtual_functions(name),
    )


def _ovs_bridges() -> frozenset[str]:
    """Bridges of Open vSwitch: the kernel does not know of them when their data path is not its."""
    if not _OVS.exists():
        return frozenset()
    try:
        return frozenset(_run(str(_OVS), "--timeout=5", "list-br").split())
    except (OSError, subprocess.SubprocessError):
        return frozenset()  # It is installed and does not run.


def _virtual_functions(name: str) -> int:
    told = _SYSFS / name / "device/sriov_totalvfs"
    try:
        return int(told.read_text())
    except (OSError, ValueError):
        return 0


def _run(*command: str) -> str:
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=deadlines.COMMAND
    )
    return done.stdout
