# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The network interfaces of this machine, from ip(8) and sysfs."""

from __future__ import annotations

import ipaddress
import json
import logging
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from host.commands import run
from values.interface import Interface

logger = logging.getLogger(__name__)
_IP = "/sbin/ip"
_OVS = Path("/usr/bin/ovs-vsctl")
_RESOLVERS = (Path("/run/systemd/resolve/resolv.conf"), Path("/etc/resolv.conf"))
_SYSFS = Path("/sys/class/net")
_WIRELESS = ("wireless", "phy80211")
"""Names in sysfs of an interface's radio."""
_LXD_DIR = Path("/var/snap/lxd/common/lxd")
_NETWORKS = "networks"
"""In LXD's folder: it keeps a folder here for each of its bridges (by its source, from 5.0 on)."""
_TUNNELS = ("vxlan", "gretap", "ip6gretap", "dummy")
"""Interfaces that LXD makes for a bridge, as BRIDGE-NAME: tunnels, and the one that keeps its MTU.
"""
_NOWHERE = ("blackhole", "prohibit", "unreachable")
"""Types of routes that lead to no other machine: their subnets are used here, or are forbidden."""
_LOOPBACK = "lo"
_INSIDE = ("veth", "tun", *_TUNNELS)
"""Kinds of a bridge's ports that lead to instances, or nowhere."""


def read(lxd_dir: Path = _LXD_DIR) -> tuple[Interface, ...]:
    """All interfaces; none if ip(8) fails: that must not fail a hook."""
    try:
        rows: list[dict[str, Any]] = json.loads(run(_IP, "-details", "-json", "address", "show"))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        logger.warning("the network interfaces are not known: %s", error)
        return ()
    bridges = _ovs_bridges()
    routes = _routes()
    routers = _routers(routes)
    made_by_lxd = _made_by_lxd(rows, lxd_dir / _NETWORKS)
    leading_out = _leading_out(rows) | set(routers) | bridges
    named = [_interface(row, bridges) for row in rows if row.get("ifname")]
    if any(row["dev"] == _LOOPBACK for row in routes) and _LOOPBACK not in _names(named):
        named.append(Interface(_LOOPBACK))
    return tuple(
        replace(
            _with_ways_out(interface, routers),
            made_by_lxd=interface.name in made_by_lxd,
            defaults=_defaults(interface.name, routes),
            routes=_beyond(interface, routes),
            inner=interface.bridge and interface.name not in leading_out,
        )
        for interface in named
    )


def missing_bridges(lxd_dir: Path = _LXD_DIR) -> frozenset[str]:
    """Networks with a folder of LXD's, which it keeps for its bridges, and without an interface."""
    folders = (lxd_dir / _NETWORKS).glob("*")
    return frozenset(f.name for f in folders if not (_SYSFS / f.name).exists())


def _names(interfaces: list[Interface]) -> set[str]:
    return {interface.name for interface in interfaces}


def _leading_out(rows: list[dict[str, Any]]) -> set[str]:
    """The names of bridges with a port that leads to other machines."""
    return {str(row.get("master")) for row in rows if _kind(row) not in _INSIDE}


def _kind(row: dict[str, Any]) -> str:
    """A link's kind in ip(8), empty for a network card."""
    return str(row.get("linkinfo", {}).get("info_kind", ""))


def _made_by_lxd(rows: list[dict[str, Any]], networks: Path) -> frozenset[str]:
    """The names of bridges that LXD made, and of their additional interfaces."""
    kinds = {str(row.get("ifname")): _kind(row) for row in rows}
    made = {name for name in kinds if name and (networks / name).exists()}
    beside = {
        name for name, kind in kinds.items() if kind in _TUNNELS and name.rpartition("-")[0] in made
    }
    return frozenset(made | beside)


def _with_ways_out(interface: Interface, routers: Mapping[str, list[str]]) -> Interface:
    """The same, with the router of each family if the interface has a default route."""
    gateways = routers.get(interface.name, [])
    subnets = [ipaddress.ip_interface(subnet).network for subnet in interface.subnets]
    by_version: dict[int, str] = {}
    for router in map(ipaddress.ip_address, gateways):
        for subnet in subnets:
            if router in subnet:
                # The first is the one in use: ip(8) sorts by metric.
                by_version.setdefault(router.version, f"{router}/{subnet.prefixlen}")
    routed = tuple(by_version.values())
    return replace(interface, routers=routed, resolvers=_resolvers() if routed else ())


def _routes() -> list[dict[str, Any]]:
    """All routes of the main table, of both families."""
    routes: list[dict[str, Any]] = []
    for version in (4, 6):
        try:
            rows = json.loads(run(_IP, f"-{version}", "-json", "route", "show"))
            routes += [{**hop, "version": version} for row in rows for hop in _hops(row)]
        except (OSError, subprocess.SubprocessError, ValueError):
            continue
    return [row for row in routes if "dst" in row and "dev" in row]


def _hops(route: dict[str, Any]) -> list[dict[str, Any]]:
    """One route for each of its interfaces: a route over several has a list of next hops.

    One that leads nowhere has no interface (IPv4) or the loopback (IPv6).
    """
    if route.get("type") in _NOWHERE:
        return [] if route.get("dst") == "default" else [{**route, "dev": _LOOPBACK}]
    hops: list[dict[str, Any]] = route.get("nexthops") or [{}]
    return [{**route, **hop} for hop in hops]


def _routers(routes: list[dict[str, Any]]) -> dict[str, list[str]]:
    """By interface: the addresses of default routes."""
    routers: dict[str, list[str]] = {}
    for row in routes:
        if row["dst"] == "default" and "gateway" in row:
            routers.setdefault(str(row["dev"]), []).append(str(row["gateway"]))
    return routers


def _defaults(interface: str, routes: list[dict[str, Any]]) -> frozenset[int]:
    """The versions of IP with a default route through an interface."""
    return frozenset(
        int(row["version"]) for row in routes if row["dst"] == "default" and row["dev"] == interface
    )


def _beyond(interface: Interface, routes: list[dict[str, Any]]) -> tuple[str, ...]:
    """Subnets that an interface reaches by routes, beside its own."""
    own = {str(ipaddress.ip_interface(subnet).network) for subnet in interface.subnets}
    networks: dict[str, None] = {}
    for row in routes:
        if row["dev"] != interface.name or row["dst"] == "default":
            continue
        try:
            net = ipaddress.ip_network(str(row["dst"]))
        except ValueError:
            continue
        # The kernel's own route to the machine's network adds nothing.
        if not net.is_link_local and not net.is_multicast and str(net) not in own:
            networks[str(net)] = None
    return tuple(networks)


def _resolvers() -> tuple[str, ...]:
    """The machine's name servers, without those on the machine itself: others cannot use them."""
    for path in _RESOLVERS:
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError:
            continue
        words = [line.split() for line in lines if line.startswith("nameserver ")]
        return tuple(word[1] for word in words if len(word) > 1 and _is_global(word[1]))
    return ()


def _is_global(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not parsed.is_loopback and not parsed.is_link_local


def _interface(row: dict[str, Any], bridges: frozenset[str]) -> Interface:
    name = str(row["ifname"])
    link = row.get("linkinfo", {})
    filters = link.get("info_data", {}).get("vlan_filtering", 0)
    return Interface(
        name=name,
        bridge=link.get("info_kind") == "bridge" or name in bridges,
        vlans=bool(filters) or name in bridges,
        subnets=_subnets(row),
        virtual_functions=_virtual_functions(name),
        mtu=int(row.get("mtu", 0)),
        up="UP" in row.get("flags", ["UP"]),
        master=_master(row),
        base="" if "link_netnsid" in row else str(row.get("link", "")),
        vlan=_vlan(link),
        wireless=any((_SYSFS / name / sign).exists() for sign in _WIRELESS),
        secondary=frozenset(
            str(info["local"])
            for info in row.get("addr_info", ())
            if info.get("secondary") or info.get("temporary")
        ),
    )


def _subnets(row: dict[str, Any]) -> tuple[str, ...]:
    """A link's global addresses, each with its prefix length."""
    return tuple(
        f"{info['local']}/{info['prefixlen']}"
        for info in row.get("addr_info", ())
        if info.get("scope") == "global" and "local" in info
    )


def _vlan(link: dict[str, Any]) -> int:
    """The VLAN of a VLAN's own interface, 0 for any other."""
    return int(link.get("info_data", {}).get("id", 0)) if link.get("info_kind") == "vlan" else 0


def _master(row: dict[str, Any]) -> str:
    """The bridge or bond that a link is a port of. In a VRF a link keeps its own frames."""
    in_vrf = row.get("linkinfo", {}).get("info_slave_kind") == "vrf"
    return "" if in_vrf else str(row.get("master", ""))


def _ovs_bridges() -> frozenset[str]:
    """Bridges of Open vSwitch: the kernel does not know those with another data path."""
    if not _OVS.exists():
        return frozenset()
    try:
        return frozenset(run(str(_OVS), "--timeout=5", "list-br").split())
    except (OSError, subprocess.SubprocessError):
        return frozenset()  # It is installed and does not run.


def _virtual_functions(name: str) -> int:
    file = _SYSFS / name / "device/sriov_totalvfs"
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
