# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Addresses in LXD's format."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

PORT = 8443

_ENDPOINT = r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}"
_HOST_AND_PORT = re.compile(_ENDPOINT, re.ASCII)
_CONNECTION = re.compile(rf"(tcp|ssl):{_ENDPOINT}", re.ASCII)


def host(endpoint: str) -> str:
    """The address of an endpoint: 10.0.0.1, fd00::1."""
    return endpoint.rpartition(":")[0].strip("[]")


def endpoint(address: str) -> str:
    """`address` with LXD's port: 10.0.0.1:8443, [fd00::1]:8443."""
    if ipaddress.ip_address(address).version == 6:
        return f"[{address}]:{PORT}"
    return f"{address}:{PORT}"


@lru_cache
def _parsed(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address, None for anything else."""
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        return None


def is_address(word: str) -> bool:
    """Whether it is an IP address."""
    return _parsed(word) is not None


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same address. An IPv6 address has several forms."""
    return one == other or (is_address(one) and _parsed(one) == _parsed(other))


def family(address: str) -> int:
    """4 or 6, and 0 for anything other than an address."""
    parsed = _parsed(address)
    return parsed.version if parsed else 0


def is_host_and_port(word: str) -> bool:
    """Whether it is an address or a name with a port: 10.0.0.1:6789, [fd00::1]:6789."""
    return bool(_HOST_AND_PORT.fullmatch(word))


def is_connection(word: str) -> bool:
    """Whether it is the address of an OVN database: ssl:10.0.0.1:6641, tcp:[fd00::1]:6641."""
    return bool(_CONNECTION.fullmatch(word))


def is_subnet(text: str) -> bool:
    """Whether it is an address with the length of its subnet, such as 10.0.0.1/24."""
    try:
        ipaddress.ip_interface(text)
    except ValueError:
        return False
    return "/" in text
