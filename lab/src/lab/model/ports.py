# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Ports that a unit has opened."""

from __future__ import annotations

from lab.model.state import Port


def ranges(protocol: str, first: int, last: int, endpoints: list[str]) -> list[Port]:
    """One range for each endpoint; no endpoints means one for all."""
    return [Port(protocol, first, last, endpoint) for endpoint in endpoints or [""]]


def with_opened(ports: list[Port], opened: list[Port]) -> list[Port]:
    """The ports and the newly opened ones, each once."""
    return [*ports, *(port for port in opened if port not in ports)]


def text(port: Port) -> str:
    """A range in Juju's format: `8443/tcp`, `8000-8010/udp`, `icmp`."""
    if port.protocol == "icmp":
        return "icmp"
    span = str(port.first) if port.first == port.last else f"{port.first}-{port.last}"
    return f"{span}/{port.protocol}"
