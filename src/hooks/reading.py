"""Juju's input to this unit beside its peers: bindings, relations with others."""

from __future__ import annotations

from collections.abc import Mapping

import ops
from ops import hookcmds

from hooks import tool_failures
from hooks.tool_failures import Unsaid
from options.options import Options
from plan.addresses import choice, listening
from plan.networks import contributions
from relations import ceph, ovn
from state.bindings import Binding, BindingAddress
from state.facts import Bound, Ceph, Ovn, Proxies
from state.view import Units
from values.addresses import is_address

NETWORK = "network"
CEPH = "ceph"
OVSDB, OVSDB_CMS, CERTIFICATES = "ovsdb", "ovsdb-cms", "certificates"


def addresses(model: ops.Model, binding: str) -> Binding:
    """This unit's addresses on a binding. None while it has none, or if Juju cannot say.

    Juju may list host names, which are ignored.
    """
    try:
        bound = model.get_binding(binding)
        nics = bound.network.interfaces if bound else []
    except ops.ModelError as error:
        return Binding(binding, (), str(error).strip() or "it does not say why")
    addresses_ = [
        BindingAddress(str(nic.address), str(nic.subnet or ""), nic.name or "")
        for nic in nics
        if is_address(str(nic.address))
    ]
    return Binding(binding, tuple(dict.fromkeys(addresses_)))


def proxies(environment: Mapping[str, str]) -> Proxies:
    """The model's proxies, from a hook's environment.

    A model has them as `juju-http-proxy` and so on, or as `http-proxy`, which is for the whole
    machine. If it has both, Juju's agent gives LXD the first (read in its proxyupdater.go).
    """
    names = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    ours = Proxies(*(environment.get(f"JUJU_CHARM_{name}", "") for name in names))
    if ours.http or ours.https:
        return ours
    machines = Proxies(*(environment.get(name.lower(), "") for name in names))
    return machines if machines.http or machines.https else ours


def active_ceph(model: ops.Model) -> ops.Relation | None:
    """The relation with a Ceph, unless it is being removed."""
    relation = model.get_relation(CEPH)
    return relation if relation is not None and relation.active else None


def of_ceph(model: ops.Model) -> Ceph | None:
    """A Ceph's data for this unit, None without the relation."""
    relation = active_ceph(model)
    if relation is None:
        return None
    asked = relation.data[model.unit].get("broker_req", "")
    return ceph.answer(model.unit.name, asked, _published(model, CEPH), _of_application(relation))


def of_ovn(model: ops.Model, options: Options) -> Ovn | None:
    """The data about OVN for this unit, None if there are none."""
    units = [*_published(model, OVSDB), *_published(model, OVSDB_CMS)]
    relation = model.get_relation(OVSDB)
    application = _of_application(relation)
    connection = ovn.northbound(options, units, application)
    if not connection:
        return ovn.malformed(units, application)
    return ovn.answer(model.unit.name, connection, _published(model, CERTIFICATES))


def _of_application(relation: ops.Relation | None) -> dict[str, str]:
    """The data that the application on the other side of a relation publishes."""
    return dict(relation.data[relation.app]) if relation and relation.app else {}


def _published(model: ops.Model, name: str) -> list[Mapping[str, str]]:
    """The data that the units on the other side of a relation publish."""
    return [
        relation.data[unit]
        for relation in model.relations[name]
        for unit in sorted(relation.units, key=lambda u: u.name)
    ]


def bound(model: ops.Model, options: Options) -> Bound:
    """The interface of the binding for networks, if a network asks. Looking starts a process.

    Raises Unsaid if Juju cannot say now, and a network depends on it: the unit would tell the
    others that it has no interface, or use another one. A binding without a network stays so.
    """
    asked = options.networks_asked
    if not any(net.mode in contributions.ON_BINDING for net in asked):
        return Bound()
    binding = addresses(model, NETWORK)
    passes = bool(binding.problem) and listening.NO_NETWORK not in binding.problem
    if passes and any(map(contributions.is_on_binding, asked)):
        raise Unsaid(tool_failures.failed("network-get", tool_failures.words(binding.problem)))
    names = {name for net in asked for name in contributions.names(net)}
    found = [entry for entry in binding.addresses if entry.interface not in names]
    carrier = choice.carrier(found)
    return Bound(carrier.interface, carrier.subnet) if carrier else Bound()


def units() -> Units:
    """Juju's units, and those of them that leave. Raises hookcmds.Error."""
    goals = hookcmds.goal_state().units
    leaving = frozenset(name for name, goal in goals.items() if goal.status == "dying")
    return Units(frozenset(goals), leaving)
