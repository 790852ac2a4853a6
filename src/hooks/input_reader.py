# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""All of Juju's input to this unit in one run, as a value."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import ops
from ops import hookcmds
from pydantic import ValidationError

from hooks import attached_snap, reading
from hooks.tool_failures import answer_or, answers_needed
from host import snap
from options.options import Options, leaving_options
from plan.forming.admission import is_outside, unqueued
from ports.ports import Ports
from state.bindings import Binding
from state.facts import Resource
from state.hook_input import HookInput
from state.peers import AppData, UnitData, load
from state.view import Peers, Units

PEERS = "cluster"
HTTPS = "https"
STORAGE = "local"


class InputReader:
    """Reads Juju's input through the charm that ops made."""

    def __init__(self, charm: ops.CharmBase, ports: Ports) -> None:
        self._charm = charm
        self._model = charm.model
        self._unit = charm.unit
        self._ports = ports

    def of_hook(self, options: Options | None = None) -> HookInput:
        """Juju's input to this unit. Raises NoAnswer, and ValidationError for a bad option.

        `options` replace the configured ones.
        """
        with answers_needed():
            options = options or self._charm.load_config(Options)
            leader = self._unit.is_leader()
            peers, units = self._peers_and_units(leader)
            return HookInput(
                unit=self._unit.name,
                leader=leader,
                options=options,
                resource=snap.resource(attached_snap.path(self._model, peers, self._ports)),
                cluster=reading.addresses(self._model, PEERS),
                https=reading.addresses(self._model, HTTPS),
                zone=os.environ.get("JUJU_AVAILABILITY_ZONE", ""),
                peers=peers,
                units=units,
                leaving=units is not None and self._unit.name in units.leaving,
                devices=reading.locations(self._model, STORAGE),
                related=reading.related(self._model, options),
                bound=reading.bound(self._model, options),
                proxies=reading.proxies(os.environ),
            )

    def when_leaving(self) -> HookInput:
        """The same for a leaving unit, which needs less of it. Raises NoAnswer."""
        with answers_needed():
            # For a unit that never was a member, nothing depends on Juju's input.
            machine = self._ports.machine
            member = bool(machine.identity()) or machine.forming() is not None
            leader = self._unit.is_leader()
            peers = self._peers() if member else answer_or(self._peers, None)
            member = member or (peers is not None and bool(peers.own.cluster))
            units = reading.units() if member else answer_or(reading.units, None)
            if peers is not None and units is not None:
                peers = self._completed(peers, units)
            return HookInput(
                unit=self._unit.name,
                leader=leader,
                options=self._options_of_leaver(),
                resource=self._awaited_snap(peers),
                cluster=reading.addresses(self._model, PEERS),
                https=Binding(HTTPS, ()),
                zone="",
                peers=peers,
                units=units,
                leaving=True,
            )

    def _awaited_snap(self, peers: Peers | None) -> Resource | None:
        """The attached snap as this unit fetched it: other members may wait for this one.

        If LXD has not answered since an earlier hook, the file may be another one by now.
        """
        machine = self._ports.machine
        silent = machine.unresponsive_since() is not None
        if peers is None or not (peers.own.attached or (silent and peers.own.snap)):
            return None
        if silent:
            attached_snap.renew(self._model, peers, self._ports)
        noted = machine.attached()
        return snap.resource(Path(noted)) if noted and Path(noted).exists() else None

    def is_leaving(self) -> bool:
        """Whether Juju removes this unit, as far as Juju shows it."""
        units = answer_or(reading.units, None)
        return units is not None and self._unit.name in units.leaving

    def of_action(self, options: Options | None = None) -> HookInput:
        """The input that a hook would have now, also of a leaving unit. Raises the same errors."""
        return self.when_leaving() if self.is_leaving() else self.of_hook(options)

    def peers(self) -> Peers | None:
        """The peers as far as Juju answers now, without the units that are gone by its list."""
        peers, units = answer_or(self._peers, None), answer_or(reading.units, None)
        return self._completed(peers, units) if peers and units else peers

    def _options_of_leaver(self) -> Options:
        """The options. A wrong one that a leaving unit does not need must not hold it."""
        try:
            return self._charm.load_config(Options)
        except ValidationError:
            return leaving_options(self._charm.config)

    def _peers(self) -> Peers | None:
        relation = self._model.get_relation(PEERS)
        if relation is None:
            return None
        return Peers(
            app=load(AppData, relation.data[self._charm.app]),
            own=load(UnitData, relation.data[self._unit]),
            others={u.name: load(UnitData, relation.data[u]) for u in relation.units},
        )

    def _peers_and_units(self, leader: bool) -> tuple[Peers | None, Units | None]:
        """The peers; and Juju's units, if this unit must know which units are gone."""
        peers = self._peers()
        if peers is None:
            return None, reading.units() if leader else None
        if leader or _may_coordinate(peers) or is_outside(peers):
            units = reading.units()
            return self._completed(peers, units), units
        if not peers.unplaced:
            return peers, None
        if peers.own.cluster and unqueued(peers):
            units = reading.units()
            return peers.without_gone(units.in_juju), units
        # Only Juju's list shows which of them are gone. Without it they count, as in other hooks.
        units = answer_or(reading.units, None)
        return (peers if units is None else peers.without_gone(units.in_juju)), None

    def _completed(self, peers: Peers, units: Units) -> Peers:
        """The peers without units that are gone, and with units that have not joined here yet.

        Juju runs relation-joined one unit after the other, for a new leader after two more hooks.
        relation-get answers for these units as soon as they have joined on their side.
        """
        others = dict(peers.without_gone(units.in_juju).others)
        (relation,) = self._model.relations[PEERS]
        for unit in sorted(peers.counting(units.in_juju) - {self._unit.name, *others}):
            try:
                databag = hookcmds.relation_get(relation.id, unit=unit)
            except hookcmds.Error:
                continue
            if databag:
                others[unit] = load(UnitData, databag)
        return replace(peers, others=others)


def _may_coordinate(peers: Peers) -> bool:
    """Whether this unit may have to look after members without a unit in the leader's place."""
    return peers.app.delegated and bool(peers.own.cluster)
