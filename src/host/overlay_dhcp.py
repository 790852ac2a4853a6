# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The files, services and packages of a network's DHCP on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from state.facts import OverlayDhcp

FOLDER = Path("/var/lib/lxd-cluster/segments")
UNITS = Path("/etc/systemd/system")
PACKAGES = ("dnsmasq-base", "nftables")
"""Debian's and Ubuntu's packages of a segment's programs."""
_TEMPLATES = Path(__file__).parent / "templates"


def files(overlay: OverlayDhcp) -> Mapping[Path, str]:
    """The files for it, by path."""
    import jinja2

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    # These files are not HTML.
    made = jinja2.Environment(loader=loader, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    folder = FOLDER / overlay.network
    values = {"overlay": overlay, "folder": folder, "tunnel": f"{overlay.network}-lxd"}
    wanted = {folder / "filter.nft": "overlay-filter.nft.j2"}
    if overlay.gateway:
        gateway = ipaddress.IPv4Interface(overlay.gateway)
        values |= {"router": gateway.ip, "netmask": gateway.netmask}
        wanted[folder / "dhcp.conf"] = "overlay-dhcp.conf.j2"
        service = f"lxd-cluster-dhcp-{overlay.network}.service"
        wanted[UNITS / service] = "overlay-dhcp.service.j2"
    if overlay.peers:
        wanted[folder / "peers"] = "overlay-peers.sh.j2"
        wanted[UNITS / f"lxd-cluster-peers-{overlay.network}.service"] = "overlay-peers.service.j2"
    return {path: made.get_template(name).render(values) for path, name in wanted.items()}
