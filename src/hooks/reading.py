# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju's input to this unit beside its peers: bindings, relations with others."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping

import ops
from ops import hookcmds

import modes
from hooks import tool_failures
from hooks.tool_failures import NoAnswer
from options.options import Options
from plan.addresses import choice, listening
from plan.networks import contributions, wanted_networks
from relations import RELATIONS
from state.bindings import Binding, BindingAddress
from state.facts import Bound, Proxies
from state.view import Units
from values.addresses import is_address, is_subnet

NETWORK = "network"
_UNATTACHED = re.compile(r"not provisioned|storage attachment .* missing")
"""Juju's refusals to give the location of a storage that is not attached, or not yet."""


def addresses(model: ops.Model, binding: str) -> Binding:
    """This unit's addresses on a binding, or the reason why Juju gives none.

    Juju may list host names, which are ignored.
    """
    try:
        found = _parsed_by_ops(model, binding)
    except (ops.ModelError, hookcmds.Error) as error:
        return Binding(binding, (), _reason(error))
    return Binding(binding, tuple(dict.fromkeys(found)))


def locations(model: ops.Model, storage: str) -> tuple[str, ...]:
    """The paths of this unit's storage that Juju has attached.

    Juju lists the rest, too, which may never be attached (HookContext.StorageTags). Once it is,
    another hook runs. Raises ModelError for any other failure: a device must not be forgotten.
    """
    paths: list[str] = []
    for instance in model.storages[storage]:
        try:
            paths.append(str(instance.location))
        except ops.ModelError as error:
            if not _UNATTACHED.search(tool_failures.message_of(error)):
                raise
    return tuple(paths)


def _reason(error: ops.ModelError | hookcmds.Error) -> str:
    text = error.stderr if isinstance(error, hookcmds.Error) else str(error)
    return text.strip() or "it does not say why"


def _parsed_by_ops(model: ops.Model, binding: str) -> list[BindingAddress]:
    """Ops parses everything at once, and more strictly than Juju.

    A model's `egress-subnets`, which are not needed here, may be 192.168.7.5/24.
    """
    try:
        bound = model.get_binding(binding)
        nics = bound.network.interfaces if bound else []
    except ValueError:
        return _parsed(binding)
    return [
        BindingAddress(str(nic.address), str(nic.subnet or ""), nic.name or "")
        for nic in nics
        if is_address(str(nic.address))
    ]


def _parsed(binding: str) -> list[BindingAddress]:
    """The binding's data from the hook tool itself."""
    return [
        BindingAddress(address.value, _subnet(address), nic.interface_name)
        for nic in hookcmds.network_get(binding).bind_addresses
        for address in nic.addresses
        if is_address(address.value)
    ]


def _subnet(address: hookcmds.Address) -> str:
    """The subnet of an address; the address alone if Juju gives no subnet, as in ops."""
    text = address.cidr if is_subnet(address.cidr) else address.value
    return str(ipaddress.ip_network(text, strict=False))


def proxies(environment: Mapping[str, str]) -> Proxies:
    """The model's proxies, from a hook's environment.

    A model has them as `juju-http-proxy` and so on, or as `http-proxy`, which is for the whole
    machine. If it has both, Juju's agent gives LXD the first (read in its proxyupdater.go).
    """
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    model_proxies = Proxies(*(environment.get(f"JUJU_CHARM_{name}", "") for name in names))
    if model_proxies.http or model_proxies.https:
        return model_proxies
    machines = Proxies(*(environment.get(name.lower(), "") for name in names))
    return machines if machines.http or machines.https else model_proxies


class _Databags:
    """The databags in ops' model."""

    def __init__(self, model: ops.Model) -> None:
        self._model = model

    def units(self, endpoint: str) -> list[Mapping[str, str]]:
        return [
            relation.data[unit]
            for relation in self._model.relations[endpoint]
            for unit in sorted(relation.units, key=lambda u: u.name)
        ]

    def application(self, endpoint: str) -> Mapping[str, str]:
        relation = self._model.get_relation(endpoint)
        return dict(relation.data[relation.app]) if relation and relation.app else {}

    def own(self, endpoint: str) -> Mapping[str, str] | None:
        relation = self._model.get_relation(endpoint)
        return relation.data[self._model.unit] if relation and relation.active else None


def related(model: ops.Model, options: Options) -> dict[str, object]:
    """By relation with another application: its answer for this unit, None without one."""
    databags = _Databags(model)
    return {row.name: row.read(model.unit.name, options, databags) for row in RELATIONS}


def bound(model: ops.Model, options: Options) -> Bound:
    """The interface of the binding for networks, if a network may need it. It starts a process.

    Raises NoAnswer if Juju does not answer now, and a network depends on it: otherwise the unit
    would publish that it has no interface, or use another one. A binding without a network does not
    get one by itself.
    """
    nets = options.wanted_networks
    if not any(modes.MODES[net.mode].on_binding for net in nets):
        return Bound()
    binding = addresses(model, NETWORK)
    if _may_pass(binding.problem) and any(map(contributions.is_on_binding, nets)):
        raise NoAnswer(tool_failures.failed("network-get", tool_failures.words(binding.problem)))
    names = {name for net in nets for name in wanted_networks.names(net)}
    entries = [entry for entry in binding.addresses if entry.interface not in names]
    carrier = choice.network_address(entries)
    return Bound(carrier.interface, carrier.subnet) if carrier else Bound()


def _may_pass(problem: str) -> bool:
    """Whether Juju may give the binding's addresses later, without the operator."""
    return bool(problem) and listening.NO_NETWORK not in problem


def is_gone(unit: str) -> bool:
    """Whether Juju has removed a unit by now. False if it does not answer."""
    found = tool_failures.answer_or(units, None)
    return found is not None and unit not in found.in_juju


def units() -> Units:
    """Juju's list of the application's units, and which of them leave. Raises hookcmds.Error."""
    goals = hookcmds.goal_state().units
    leaving = frozenset(name for name, goal in goals.items() if goal.status == "dying")
    return Units(frozenset(goals), leaving)
