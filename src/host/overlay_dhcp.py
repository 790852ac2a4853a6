"""The files, services and packages of a network's DHCP on this machine."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from state.facts import Segment

FOLDER = Path("/var/lib/lxd-cluster/segments")
UNITS = Path("/etc/systemd/system")
PACKAGES = ("dnsmasq-base", "nftables")
"""Debian's and Ubuntu's packages of a segment's programs."""
_TEMPLATES = Path(__file__).parent / "templates"


def files(segment: Segment) -> Mapping[Path, str]:
    """The files for it, by path."""
    import jinja2

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    # These files are not HTML.
    made = jinja2.Environment(loader=loader, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    gateway = ipaddress.IPv4Interface(segment.gateway)
    values = {
        "segment": segment,
        "folder": FOLDER / segment.network,
        "tunnel": f"{segment.network}-lxd",
        "router": gateway.ip,
        "netmask": gateway.netmask,
    }
    folder = FOLDER / segment.network
    wanted = {
        folder / "dhcp.conf": "segment-dhcp.conf.j2",
        folder / "filter.nft": "segment-filter.nft.j2",
        UNITS / f"lxd-cluster-dhcp-{segment.network}.service": "segment-dhcp.service.j2",
    }
    if segment.peers:
        wanted[folder / "peers"] = "segment-peers.sh.j2"
        wanted[UNITS / f"lxd-cluster-peers-{segment.network}.service"] = "segment-peers.service.j2"
    return {path: made.get_template(name).render(values) for path, name in wanted.items()}
