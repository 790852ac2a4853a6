"""This member's part of a network that is one layer 2 over all members: addresses, and its peers.

Every member is the gateway of its own instances, under one address and one MAC, and gives them
addresses out of a share of the subnet that nobody else gives out of. So no address is given out
twice, whoever comes, goes or is cut off, and nobody has to remember who had which.
LXD's own DHCP cannot do that: its ranges are the same on every member.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import nets
from facts import Segment
from networks.vxlan import MODE, TUNNEL
from networks.wanted import WantedNetwork
from status import Status, blocked
from steps import EndSegment, RunSegment, Step
from view import Lxd, Network, Peers, View

FOLDER = Path("/var/lib/lxd-cluster/segments")
UNITS = Path("/etc/systemd/system")
PACKAGES = ("dnsmasq-base", "nftables")
"""Debian's and Ubuntu's packages of what a segment runs."""
NARROWEST = 26
"""Prefix length: in a narrower subnet there are no shares."""
_TEMPLATES = Path(__file__).parent / "templates"
_NONE = "none"


@dataclass(frozen=True)
class Part:
    """A segment, or why there can be none."""

    segment: Segment | None = None
    problem: Status | None = None


def asked(wanted: Iterable[WantedNetwork], running: Mapping[str, str]) -> bool:
    """Whether a network of that kind is wanted, or was."""
    return bool(running) or any(net.mode == MODE.name for net in wanted)


def names(lxd: Lxd) -> tuple[str, ...]:
    """The networks of that kind that are there."""
    return tuple(network.name for network in _made(lxd))


def steps(view: View, lxd: Lxd, peers: Peers) -> list[Step]:
    """What brings this machine to what the networks need."""
    wanted = [part.segment for part in _parts(view, lxd, peers) if part.segment]
    names = {segment.network for segment in wanted}
    due: list[Step] = [EndSegment(name) for name in sorted(view.segments.keys() - names)]
    return due + [
        RunSegment(segment)
        for segment in wanted
        if view.segments.get(segment.network) != record(segment)
    ]


def problem(view: View, lxd: Lxd, peers: Peers) -> Status | None:
    """Why this member cannot have its part."""
    found = (part.problem for part in _parts(view, lxd, peers))
    return next((status for status in found if status), None)


def _parts(view: View, lxd: Lxd, peers: Peers) -> list[Part]:
    return [_part(view, lxd, peers, network) for network in _made(lxd)]


def _made(lxd: Lxd) -> list[Network]:
    made = [n for n in lxd.networks or () if nets.is_of(n, MODE) and not n.half_made]
    return sorted(made, key=lambda n: n.name)


def _part(view: View, lxd: Lxd, peers: Peers, network: Network) -> Part:
    told = network.config.get("ipv4.address", _NONE)
    if "/" not in told:
        return Part()
    gateway = ipaddress.IPv4Interface(told)
    if gateway.network.prefixlen > NARROWEST:
        return Part(problem=blocked(f"network {network.name}: {gateway} is narrower than /26"))
    mine = place(view.unit, gateway)
    for unit in sorted(peers.others):
        if peers.others[unit].cluster and unit < view.unit and place(unit, gateway) == mine:
            told = f"{gateway.network} has no share left beside {unit}'s; use a wider subnet"
            return Part(problem=blocked(f"network {network.name}: {told}"))
    first, last = share(mine, gateway)
    own = lxd.member(lxd.server.name)
    others = [m.address for m in lxd.members if own is None or m.name != own.name]
    unicast = _is_unicast(view, network.name)
    segment = Segment(
        network=network.name,
        gateway=told,
        first=str(first),
        last=str(last),
        mac=network.config.get("bridge.hwaddr", ""),
        group=network.config.get(f"{TUNNEL}group", ""),
        peers=tuple(sorted(others)) if unicast else (),
    )
    return Part(segment)


def _is_unicast(view: View, name: str) -> bool:
    """What the options say of the network. One that they do not name any more is multicast."""
    return any(net.mode == MODE.name and net.group == _NONE for net in _named(view, name))


def _named(view: View, name: str) -> list[WantedNetwork]:
    first, *more = view.options.networks_asked
    found = [net for net in more if net.name == name]
    # The default one may go by another name than the option says.
    return found or [first]


def place(unit: str, gateway: ipaddress.IPv4Interface) -> int:
    """Which share of a subnet is a unit's: Juju never gives a unit's number to another one."""
    found = re.search(r"/(\d+)$", unit)
    number = int(found[1]) if found else 0
    # The first share is for the gateway and for addresses that operators give out themselves.
    return number % (_count(gateway) - 1) + 1


def share(
    number: int, gateway: ipaddress.IPv4Interface
) -> tuple[ipaddress.IPv4Address, ipaddress.IPv4Address]:
    """The first and the last address of a share."""
    net = gateway.network
    size = net.num_addresses // _count(gateway)
    first = net.network_address + number * size
    last = first + size - 1
    return first, last - 1 if last == net.broadcast_address else last


def _count(gateway: ipaddress.IPv4Interface) -> int:
    """How many shares a subnet has: about as many as each has addresses."""
    bits = 32 - gateway.network.prefixlen
    return 2 ** (bits // 2)


def record(segment: Segment) -> str:
    """What is noted of a segment that runs. The number goes up with the files below."""
    return f"3 {segment}"


def files(segment: Segment) -> Mapping[Path, str]:
    """What is written for it, by path."""
    import jinja2

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    # These are no HTML.
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
