# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The answers of `network-get`: a binding's space, and the machine's addresses in it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_interface
from typing import Any, NamedTuple

from lab.model.errors import HookToolError
from lab.model.state import DEFAULT_SPACE, Application, Interface, State, Unit


class _Address(NamedTuple):
    value: str
    subnet: str
    single: str
    version: int


_NAME = 7
"""Sorts host names after the addresses of both families."""


@lru_cache(maxsize=4096)
def _address(cidr: str) -> _Address:
    try:
        interface = ip_interface(cidr)
    except ValueError:
        # A host name. Juju gives it without a subnet, and prefers addresses in `juju status`.
        return _Address(value=cidr, subnet="", single=cidr, version=_NAME)
    return _Address(
        value=str(interface.ip),
        subnet=str(interface.network),
        single=f"{interface.ip}/{interface.max_prefixlen}",
        version=interface.version,
    )


def space_of(app: Application, binding: str) -> str:
    """The space that a binding is in."""
    return app.bindings.get(binding) or app.bindings.get("") or DEFAULT_SPACE


def network_get(state: State, unit: Unit, binding: str) -> dict[str, Any]:
    """JSON of `network-get BINDING`. Raises HookToolError for an unknown binding."""
    interfaces = _interfaces_of(state, unit, binding)
    addresses = [_address(cidr) for interface in interfaces for cidr in interface.addresses]
    if state.model.rules == "4.0":
        interfaces = _in_any_order(state, interfaces)
    else:
        addresses.sort(key=_as_text)
    return {
        "bind-addresses": [_bind_address(interface) for interface in interfaces],
        "egress-subnets": [address.single for address in addresses[:1]],
        "ingress-addresses": [address.value for address in addresses],
    }


def _interfaces_of(state: State, unit: Unit, binding: str) -> list[Interface]:
    """The interfaces in a binding's space. Raises HookToolError if there are none."""
    app = state.applications[unit.app]
    # Juju attaches storage before it installs the charm.
    if binding not in state.charms[unit.charm or app.charm].bindings():
        raise HookToolError(f'binding name "{binding}" not defined by the unit\'s charm')
    space = space_of(app, binding)
    interfaces = _in_space(state, unit, space) or _fallback(state, unit, space)
    if not interfaces:
        raise HookToolError(f'no network config found for binding "{binding}"')
    return interfaces


def _bind_address(interface: Interface) -> dict[str, Any]:
    """An interface and its addresses, as `network-get` shows them."""
    return {
        "mac-address": interface.mac,
        "interface-name": interface.name,
        "addresses": [
            {"hostname": "", "value": address.value, "cidr": address.subnet}
            for address in map(_address, interface.addresses)
        ],
    }


def relation_settings(state: State, unit: Unit, endpoint: str) -> dict[str, str]:
    """What Juju itself writes into a unit's bag; empty without an address in the space."""
    space = space_of(state.applications[unit.app], endpoint)
    for interface in _in_space(state, unit, space):
        address = _address(interface.addresses[0])
        return {
            "egress-subnets": address.single,
            "ingress-address": address.value,
            "private-address": address.value,
        }
    return {}


def first_address(interfaces: list[Interface]) -> str:
    """The address that `juju status` shows: IPv4 before IPv6, the default space first."""
    ranked = [
        (_address(cidr).version, interface.space != DEFAULT_SPACE, _address(cidr).value)
        for interface in interfaces
        for cidr in interface.addresses
    ]
    return min(ranked, key=lambda item: item[:2])[2] if ranked else ""


def all_addresses(interfaces: list[Interface]) -> list[str]:
    """Every address of a machine, without prefix lengths."""
    return [_address(cidr).value for interface in interfaces for cidr in interface.addresses]


def _in_space(state: State, unit: Unit, space: str) -> list[Interface]:
    machine = state.machines[unit.machine]
    return _as_told(state, [i for i in machine.interfaces if i.space == space and i.addresses])


def _as_told(state: State, interfaces: list[Interface]) -> list[Interface]:
    """Interfaces and their addresses in Juju's order.

    3.6 sorts the addresses as text, IPv4 first, and lists the interfaces in the order of their
    first address (its core/network/address.go and
    apiserver/facades/agent/uniter/networkinfoiaas.go).
    """
    if state.model.rules == "4.0":
        return interfaces
    ordered = [replace(i, addresses=sorted(i.addresses, key=_cidr_as_text)) for i in interfaces]
    return sorted(ordered, key=lambda i: _cidr_as_text(i.addresses[0]))


def _as_text(address: _Address) -> tuple[int, str]:
    return address.version, address.value


def _cidr_as_text(cidr: str) -> tuple[int, str]:
    return _as_text(_address(cidr))


def _in_any_order(state: State, interfaces: list[Interface]) -> list[Interface]:
    """Interfaces in 4.0's order: the order of its map, which differs at each reading.

    Read in its domain/network/state, GetUnitEndpointNetworks. Here each hook begins with another
    interface, so that a simulation can be repeated.
    """
    first = state.counters.hook % len(interfaces)
    return [*interfaces[first:], *interfaces[:first]]


def _fallback(state: State, unit: Unit, space: str) -> list[Interface]:
    """The answer of 3.6 for the default space if the machine has no address in it.

    It is a private address of the machine. For any other space 3.6 gives no address either (read in
    its uniter's networkinfoiaas.go).
    """
    if state.model.rules == "4.0" or space != DEFAULT_SPACE:
        return []
    machine = state.machines[unit.machine]
    with_address = [i for i in machine.interfaces if i.addresses]
    return [replace(i, addresses=i.addresses[:1]) for i in with_address[:1]]
