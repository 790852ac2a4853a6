"""Addresses as LXD writes them."""

from __future__ import annotations

import ipaddress

PORT = 8443


def endpoint(address: str) -> str:
    """`address` with LXD's port: 10.0.0.1:8443, [fd00::1]:8443."""
    if ipaddress.ip_address(address).version == 6:
        return f"[{address}]:{PORT}"
    return f"{address}:{PORT}"
