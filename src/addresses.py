"""Addresses as LXD writes them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

PORT = 8443


def host(endpoint: str) -> str:
    """The address of an endpoint: 10.0.0.1, fd00::1."""
    return endpoint.rpartition(":")[0].strip("[]")


def endpoint(address: str) -> str:
    """`address` with LXD's port: 10.0.0.1:8443, [fd00::1]:8443."""
    if ipaddress.ip_address(address).version == 6:
        return f"[{address}]:{PORT}"
    return f"{address}:{PORT}"


def is_address(word: str) -> bool:
    """Whether it is an IP address."""
    try:
        ipaddress.ip_address(word)
    except ValueError:
        return False
    return True


def family(address: str) -> int:
    """4 or 6, and 0 for what is no address."""
    return ipaddress.ip_address(address).version if is_address(address) else 0


def chosen(there: Sequence[str], kept: Iterable[str], version: int, *, member: bool) -> str:
    """The one of a machine's addresses that LXD is to use, empty without any.

    `kept` are those that it has or had: a member keeps its own, whatever else Juju sorts first.
    `version` is that of the members' addresses, which reach one another; 0 while there is none.
    """
    known = [address for address in kept if address in there]
    if member and known:
        return known[0]
    ranked = [address for address in (*known, *there) if version in (0, family(address))]
    return next(iter([*ranked, *there]), "")
