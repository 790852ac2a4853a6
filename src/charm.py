#!/usr/bin/env python3
"""The charm: Juju's side of it. What to do is decided in plan/, and done in act/."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import replace

import ops
from ops import hookcmds
from pydantic import ValidationError

import run
from act import token_revocation
from actions import let_in as actions_let_in
from actions import parameters, recover_quorum, results
from actions.backup_database import backup_database
from actions.cluster_status import cluster_status
from actions.forget_lost import forget_lost
from actions.form_again import form_again
from actions.parameters import word
from actions.remove_pool import remove_pool
from actions.retry_join import retry_join
from actions.take_back import take_back
from actions.wipe_device import wipe_device
from hooks import attached_snap, final_events, publishing, reading
from hooks.publishing import as_juju
from hooks.reading import CEPH, CERTIFICATES, OVSDB, OVSDB_CMS
from hooks.tool_failures import Unsaid, if_said, needed
from host import snap
from host.lxd_database import Database
from host.machine import Machine
from lxd.api import LxdApi
from lxd.socket import LxdSocket
from observe.view import observe, observe_networks
from options.options import Options, explain, of_leaver
from plan.forming.admission import hears_nobody, unqueued
from ports.world import World
from state import peers
from state.bindings import Binding
from state.hook_input import Juju
from state.peers import AppData
from state.view import Events, Peers, Units, View
from steps.plan import Plan
from values.printable import escape_logs, escaped
from values.status import blocked

PEERS = "cluster"
HTTPS = "https"
STORAGE = "local"


class CannotLeave(Exception):  # noqa: N818 - it is the name of what happened
    """The unit that Juju takes away holds something. The message is for the operator."""


class CannotDetach(Exception):  # noqa: N818 - it is the name of what happened
    """The storage that Juju takes away is in use. The message is for the operator."""


class LxdClusterCharm(ops.CharmBase):
    """Every event does the same: look, plan, act, tell."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        # Each line that is logged is one more process in the hook; Juju logs the events itself.
        logging.getLogger().setLevel(logging.INFO)
        escape_logs(logging.getLogger())
        self._world = World(
            LxdApi(LxdSocket()), snap.Snap(), Machine(), Database(), time.time, self._tell
        )
        self._told: Plan | None = None
        for event in (
            self.on.config_changed,
            self.on.start,
            self.on.leader_elected,
            self.on.update_status,
            self.on[STORAGE].storage_attached,
            self.on[PEERS].relation_created,
            self.on[PEERS].relation_changed,
            self.on[PEERS].relation_departed,
            self.on[CEPH].relation_departed,
            *(
                on
                for name in (CEPH, OVSDB, OVSDB_CMS, CERTIFICATES)
                for on in self._changes_of(name)
            ),
        ):
            framework.observe(event, self._reconcile)
        for event in (self.on.install, self.on.upgrade_charm):
            framework.observe(event, self._begin)
        for event in (self.on.stop, self.on.remove):
            framework.observe(event, self._leave)
        framework.observe(self.on[STORAGE].storage_detaching, self._detach)
        framework.observe(self.on.cluster_status_action, self._cluster_status)
        framework.observe(self.on.plan_action, self._plan)
        framework.observe(self.on.forget_lost_action, self._forget_lost)
        framework.observe(self.on.remove_pool_action, self._remove_pool)
        framework.observe(self.on.retry_join_action, self._retry_join)
        framework.observe(self.on.form_again_action, self._form_again)
        framework.observe(self.on.take_back_action, self._take_back)
        framework.observe(self.on.let_in_action, self._let_in)
        framework.observe(self.on.wipe_device_action, self._wipe_device)
        framework.observe(self.on.backup_database_action, self._backup_database)
        framework.observe(self.on.recover_quorum_action, self._recover_quorum)
        framework.observe(self.on.collect_unit_status, self._collect_unit_status)
        framework.observe(self.on.collect_app_status, self._collect_app_status)

    def _changes_of(self, relation: str) -> list[ops.BoundEvent]:
        on = self.on[relation]
        return [on.relation_created, on.relation_changed, on.relation_broken]

    def _begin(self, event: ops.EventBase) -> None:
        """The first hook, and the one that Juju runs where a resource is another."""
        if isinstance(event, ops.InstallEvent):
            self._world.machine.begin(self.unit.name)
        attached_snap.forget(self._world)
        self._reconcile(event)

    def _reconcile(self, event: ops.EventBase) -> None:
        # That another relation goes says nothing of this unit.
        if (
            isinstance(event, ops.RelationDepartedEvent)
            and event.relation.name == PEERS
            and event.departing_unit == self.unit
        ):
            self._leave(event)
            return
        try:
            juju = self._juju()
        except (ValidationError, Unsaid) as error:
            status = error.status if isinstance(error, Unsaid) else blocked(explain(error))
            self._told = Plan(status, app_status=status)
            return
        if not juju.leaving:
            self._told = run.run(juju, self._world)
            hostname = self._world.machine.hostname()
            with token_revocation.publishing(juju, self._told, self._world):
                publishing.publish(self.model, PEERS, juju, self._told, hostname)
        elif not isinstance(event, ops.ActionEvent):
            self._leave(event)

    def _leave(self, event: ops.EventBase) -> None:
        """Raises CannotLeave: only a hook that fails keeps Juju from taking the machine away."""
        try:
            juju = replace(self._juju_of_leaver(), tells=final_events.are_heard(event, PEERS))
        except Unsaid as unsaid:
            self.unit.status = as_juju(unsaid.status)
            raise CannotLeave(str(unsaid)) from unsaid
        plan = run.run(juju, self._world)
        if plan.hold:
            self.unit.status = as_juju(plan.status)
            if juju.leader:
                self.app.status = as_juju(plan.status)
            if not (juju.tells and publishing.tell(self.model, PEERS, juju, plan, self._world)):
                raise CannotLeave(plan.hold)
        self._told = plan

    def _detach(self, event: ops.StorageDetachingEvent) -> None:
        """Raises CannotDetach for a device that LXD uses, unless its unit leaves with it.

        Juju detaches what a unit that leaves has before it runs any other hook of it. So the unit
        leaves the cluster in this one: a device is let go once LXD has no pool on it any more.
        """
        location = str(event.storage.location)
        found = self._world.machine.devices((location,))
        if not found or not found[0].use:
            return
        try:
            with needed():
                leaving = self.unit.name in reading.units().leaving
        except Unsaid as unsaid:
            raise CannotDetach(f"{location} {found[0].use}: {unsaid}") from unsaid
        if leaving:
            self._leave(event)
            return
        reason = f"{location} {found[0].use}: remove the unit instead"
        self.unit.status = ops.BlockedStatus(escaped(reason))
        raise CannotDetach(reason)

    def _options_of_leaver(self) -> Options:
        """A mistake in an option that is of no use here is no reason to stay."""
        try:
            return self.load_config(Options)
        except ValidationError:
            return of_leaver(self.config)

    def _tell(self, message: str) -> None:
        self.unit.status = ops.MaintenanceStatus(escaped(message))

    def _collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._told is not None:
            event.add_status(as_juju(self._told.status))

    def _collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        told = self._told or self._seen()
        if told is not None and told.app_status is not None:
            event.add_status(as_juju(told.app_status))

    def _seen(self) -> Plan | None:
        """What there is to tell after an action that only looked."""
        try:
            return run.found(self._juju(), self._world)
        except (ValidationError, Unsaid):
            return None

    def _cluster_status(self, event: ops.ActionEvent) -> None:
        self._answer(event, lambda: cluster_status(self._whole()))

    def _plan(self, event: ops.ActionEvent) -> None:
        from actions import plan as actions_plan

        def plan() -> dict[str, object]:
            options = parameters.with_options(self.config, event.params)
            told = actions_plan.answer(self._look(options), self._world)
            return told | parameters.as_read(self.config, event.params)

        self._answer(event, plan)

    def _forget_lost(self, event: ops.ActionEvent) -> None:
        self._act_on_name(event, forget_lost)

    def _remove_pool(self, event: ops.ActionEvent) -> None:
        self._act_on_name(event, remove_pool)

    def _act_on_name(
        self, event: ops.ActionEvent, action: Callable[[View, World, str], str]
    ) -> None:
        params = event.params
        self._act(event, "result", lambda: action(self._look(), self._world, word(params, "name")))

    def _retry_join(self, event: ops.ActionEvent) -> None:
        self._act(event, "result", lambda: retry_join(self._look(), self._world))

    def _form_again(self, event: ops.ActionEvent) -> None:
        self._write_app(event, form_again, "the units form a new cluster")

    def _take_back(self, event: ops.ActionEvent) -> None:
        self._write_app(event, take_back, "the cluster is this application's")

    def _write_app(
        self, event: ops.ActionEvent, decide: Callable[[View, str], AppData], told: str
    ) -> None:
        def write() -> str:
            app = decide(self._look(), word(event.params, "confirm"))
            publishing.write(self.model.relations[PEERS][0].data[self.app], app)
            return told

        self._answer(event, lambda: {"result": write()})

    def _let_in(self, event: ops.ActionEvent) -> None:
        def let_in() -> str:
            juju = replace(self._juju_of_leaver(), tells=True)
            plan = actions_let_in.let_in(juju, self._world)
            publishing.tell(self.model, PEERS, juju, plan, self._world)
            return "the next unit may join"

        self._answer(event, lambda: {"result": let_in()})

    def _wipe_device(self, event: ops.ActionEvent) -> None:
        def wipe() -> str:
            device, confirm = (word(event.params, key) for key in ("device", "confirm"))
            return wipe_device(self._world, device, confirm)

        self._act(event, "result", wipe)

    def _backup_database(self, event: ops.ActionEvent) -> None:
        # Nothing that Juju says is needed for it, and nothing is due after it.
        self._answer(event, lambda: {"path": backup_database(self._world)})

    def _recover_quorum(self, event: ops.ActionEvent) -> None:
        def recover() -> str:
            lost, confirm = (word(event.params, key) for key in ("lost", "confirm"))
            return self._recovered(lost, confirm)

        self._act(event, "backup", recover)

    def _recovered(self, lost: str, confirm: str) -> str:
        # Only whom Juju has given up, or the operator names, is lost.
        view = replace(self._look(), units=if_said(reading.units, None))
        try:
            return recover_quorum.recover_quorum(view, self._world, lost, confirm)
        except recover_quorum.OthersAsked as asked:
            (relation,) = self.model.relations[PEERS]
            publishing.write(relation.data[self.unit], asked.own)
            raise

    def _act(self, event: ops.ActionEvent, key: str, action: Callable[[], str]) -> None:
        """Carries an action out and then does what has become due by it."""
        if self._answer(event, lambda: {key: action()}):
            self._reconcile(event)

    def _answer(self, event: ops.ActionEvent, action: Callable[[], dict[str, object]]) -> bool:
        """Gives what an action returns, or says why there is nothing."""
        told = results.answer(self.unit.name, action)
        if told.failure:
            event.fail(told.failure)
            return False
        event.set_results(told.results)
        return True

    def _look(self, options: Options | None = None) -> View:
        """What an action acts on: what a hook would see, also one of a unit that leaves."""
        known = if_said(reading.units, None)
        leaving = known is not None and self.unit.name in known.leaving
        juju = self._juju_of_leaver() if leaving else self._juju(options)
        return observe(juju, self._world, Events())

    def _whole(self) -> View:
        return observe_networks(self._look(), self._world)

    def _juju(self, options: Options | None = None) -> Juju:
        """What Juju says to this unit. Raises Unsaid, and ValidationError for a bad option.

        `options` are looked at instead of those that are configured.
        """
        with needed():
            options = options or self.load_config(Options)
            leader, known = self.unit.is_leader(), self._peers()
            alone = known is not None and hears_nobody(known)
            asking = leader or alone or (known and known.own.cluster and unqueued(known))
            units = reading.units() if asking else None
            if known is not None and units is not None and (leader or alone):
                known = self._as_juju_knows_them(known, units)
            return Juju(
                unit=self.unit.name,
                leader=leader,
                options=options,
                resource=snap.resource(attached_snap.path(self.model, known, self._world)),
                cluster=reading.addresses(self.model, PEERS),
                https=reading.addresses(self.model, HTTPS),
                zone=os.environ.get("JUJU_AVAILABILITY_ZONE", ""),
                peers=known,
                units=units,
                leaving=units is not None and self.unit.name in units.leaving,
                devices=tuple(str(s.location) for s in self.model.storages[STORAGE]),
                ceph=reading.of_ceph(self.model),
                ovn=reading.of_ovn(self.model, options),
                bound=reading.bound(self.model, options),
                proxies=reading.proxies(os.environ),
            )

    def _juju_of_leaver(self) -> Juju:
        """The same for a unit that leaves: less is of use to it, and keeps it. Raises Unsaid."""
        with needed():
            # One that never was a member has nothing that depends on what Juju says.
            machine = self._world.machine
            member = bool(machine.identity()) or machine.forming() is not None
            leader = self.unit.is_leader()
            known = self._peers() if member else if_said(self._peers, None)
            member = member or (known is not None and bool(known.own.cluster))
            units = reading.units() if member else if_said(reading.units, None)
            if known is not None and units is not None:
                known = self._as_juju_knows_them(known, units)
            return Juju(
                unit=self.unit.name,
                leader=leader,
                options=self._options_of_leaver(),
                resource=None,
                cluster=reading.addresses(self.model, PEERS),
                https=Binding(HTTPS, ()),
                zone="",
                peers=known,
                units=units,
                leaving=True,
            )

    def _peers(self) -> Peers | None:
        relation = self.model.get_relation(PEERS)
        if relation is None:
            return None
        return Peers(
            app=peers.load(peers.AppData, relation.data[self.app]),
            own=peers.load(peers.UnitData, relation.data[self.unit]),
            others={u.name: peers.load(peers.UnitData, relation.data[u]) for u in relation.units},
        )

    def _as_juju_knows_them(self, known: Peers, units: Units) -> Peers:
        """Adds what units have published for which relation-joined has not run here yet.

        Juju runs it one unit after the other, and for a new leader behind two more hooks.
        relation-get answers for them as soon as they have joined on their side. Units that
        Juju knows no more are left out: their relation-departed may never come. Only what the
        founder told counts until it is on record, also when it is gone.
        """
        app = known.app
        counting = units.known | ({app.bootstrap} - {""} if not app.cluster else set[str]())
        others = {u: data for u, data in known.others.items() if u in counting}
        (relation,) = self.model.relations[PEERS]
        for unit in sorted(counting - {self.unit.name, *others}):
            try:
                databag = hookcmds.relation_get(relation.id, unit=unit)
            except hookcmds.Error:
                continue
            if databag:
                others[unit] = peers.load(peers.UnitData, databag)
        return replace(known, others=others)


if __name__ == "__main__":
    ops.main(LxdClusterCharm)
