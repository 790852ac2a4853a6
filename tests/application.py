# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units of one application in memory: they share databags, in any kind of world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from observe.view import observe
from options.options import Options
from plan.forming.admission import unqueued
from plan.unit import make_plan
from ports.ports import Ports
from run import run
from state import peers
from state.bindings import Binding, BindingAddress
from state.facts import Bound, Proxies, Resource
from state.hook_input import HookInput
from state.view import Peers, RunHistory, Units, View
from steps.plan import Plan


@dataclass
class Unit:
    """One unit, its address, and its world."""

    name: str
    ports: Ports
    address: str
    zone: str = ""
    listed: tuple[BindingAddress, ...] = ()
    """Juju's addresses of its bindings, in this order. Empty means only the address."""
    https: str = ""
    """The address of the binding `https`, if an operator bound it to another space."""
    storage: tuple[str, ...] = ()
    """The paths of Juju's storage for its pool."""


def _told(unit: Unit) -> tuple[BindingAddress, ...]:
    """Juju's data of a binding."""
    return unit.listed or ((BindingAddress(unit.address),) if unit.address else ())


def _of_https(unit: Unit) -> tuple[BindingAddress, ...]:
    """Juju's data of the binding `https`."""
    return (BindingAddress(unit.https),) if unit.https else _told(unit)


U = TypeVar("U", bound=Unit)


@dataclass
class Application(Generic[U]):
    """All units, their databags, and the operator's options. Juju runs one hook at a time."""

    options: dict[str, Any] = field(default_factory=dict[str, Any])
    units: dict[str, U] = field(default_factory=dict[str, U])
    databags: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    app_data: dict[str, str] = field(default_factory=dict[str, str])
    leader: str = "lxd/0"
    leaving: set[str] = field(default_factory=set[str])
    publishing: set[str] = field(default_factory=set[str])
    """Leaving units in a hook that may end without error: another hook follows."""
    resource: Resource | None = None
    related: dict[str, object] = field(default_factory=dict[str, object])
    """By relation with another application: its answer."""
    bound: Bound = field(default_factory=Bound)
    proxies: Proxies = field(default_factory=Proxies)
    unbound: dict[str, Binding] = field(default_factory=dict[str, Binding])
    """Bindings without any data from Juju."""

    def enter(self, unit: U) -> U:
        """Juju gets one more unit."""
        self.units[unit.name] = unit
        self.databags[unit.name] = {}
        return unit

    def remove(self, name: str) -> None:
        """Juju removes the unit."""
        del self.units[name], self.databags[name]
        self.leaving.discard(name)

    def juju(self, name: str) -> HookInput:
        """Juju's input for the unit now."""
        others = {u: self._load(d) for u, d in self.databags.items() if u != name}
        unit = self.units[name]
        own_view = Peers(
            peers.load(peers.AppData, self.app_data), self._load(self.databags[name]), others
        )
        units = Units(frozenset(self.units), frozenset(self.leaving))
        stands_in = own_view.app.delegated and bool(own_view.own.cluster)
        asks = name == self.leader or name in self.leaving or stands_in
        if asks or own_view.unplaced:
            own_view = own_view.without_gone(units.in_juju)
        admit = bool(own_view.own.cluster and unqueued(own_view))
        return HookInput(
            unit=name,
            leader=name == self.leader,
            options=Options(**self.options),
            resource=self._resource(name, own_view),
            cluster=self.unbound.get("cluster") or Binding("cluster", _told(unit)),
            https=self.unbound.get("https") or Binding("https", _of_https(unit)),
            zone=unit.zone,
            peers=own_view,
            units=units if asks or admit else None,
            leaving=name in self.leaving,
            can_publish=name in self.publishing,
            devices=unit.storage,
            related=dict(self.related),
            bound=self.bound,
            proxies=self.proxies,
        )

    def _resource(self, name: str, seen: Peers) -> Resource | None:
        """The attached snap. A leaving unit has what it fetched before."""
        if name in self.leaving and not seen.own.attached:
            return None
        return self.resource

    def hook(self, name: str, *, commit: bool = True) -> Plan:
        """Runs one hook of the unit; without `commit` its writes are lost, as if it was killed at
        its end.
        """
        plan = run(self.juju(name), self.units[name].ports)
        if plan.hold and name in self.leaving and name not in self.publishing:
            # A failed hook writes nothing.
            commit = False
        if commit and plan.own is not None:
            self.databags[name] = peers.dump(plan.own)
        if commit and plan.app is not None:
            self.app_data = peers.dump(plan.app)
        return plan

    def view(self, name: str) -> View:
        """The unit's view now."""
        return observe(self.juju(name), self.units[name].ports, RunHistory())

    def plan(self, name: str) -> Plan:
        """The unit's plan now."""
        return make_plan(self.view(name))

    def settle(self, rounds: int = 40) -> None:
        """Runs hooks of all units in turn until no databag changes any more."""
        before: object = None
        for _ in range(rounds):
            before = (dict(self.app_data), {u: dict(d) for u, d in self.databags.items()})
            for name in list(self.units):
                self.hook(name)
            if before == (self.app_data, self.databags):
                return
        raise AssertionError(f"does not settle: {before}")

    def own(self, name: str) -> peers.UnitData:
        """The data that the unit published."""
        return self._load(self.databags[name])

    def app(self) -> peers.AppData:
        """The data that the leader published."""
        return peers.load(peers.AppData, self.app_data)

    @staticmethod
    def _load(databag: Mapping[str, str]) -> peers.UnitData:
        return peers.load(peers.UnitData, databag)
