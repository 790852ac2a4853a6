# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Addresses and ports of this machine, and the program on a port, from the kernel's lists."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from host.processes import PROC, description, open_files, processes

_LISTENS = "0A"
_TABLES = ("tcp", "tcp6")
_ANY = (ipaddress.ip_address("0.0.0.0"), ipaddress.ip_address("::"))  # noqa: S104 - not bound to


def is_here(address: str) -> bool:
    """Whether this machine has an address now: Juju may list it earlier or later."""
    version = ipaddress.ip_address(address).version
    with socket.socket(socket.AF_INET6 if version == 6 else socket.AF_INET) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def listener(address: str, port: int, net: Path = Path("/proc/net"), proc: Path = PROC) -> str:
    """The program that listens there, as `nginx (pid 812)`, empty if none is found."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(ipaddress.ip_address(address), port, net)}
    if not inodes:
        return ""
    for process in processes(proc):
        if inodes & {target for _, target in open_files(process)}:
            return description(process)
    return ""


def _inodes(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, net: Path
) -> Iterator[str]:
    for table in _TABLES:
        try:
            rows = (net / table).read_text().splitlines()[1:]
        except OSError:
            continue  # A kernel without IPv6.
        for row in rows:
            fields = row.split()
            address_hex, _, its_port = fields[1].partition(":")
            if fields[3] != _LISTENS or int(its_port, 16) != port:
                continue
            listening = _address(address_hex)
            mapped = listening.ipv4_mapped if isinstance(listening, ipaddress.IPv6Address) else None
            if address in (listening, mapped) or listening in _ANY:
                yield fields[9]


def _address(address_hex: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The kernel writes an address as 32-bit numbers, in the order of the machine's bytes."""
    raw = bytes.fromhex(address_hex)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return ipaddress.ip_address(raw)
