#!/usr/bin/env python3
"""The charm: Juju's side of it. What to do is decided in plan.py, and done in act.py."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace

import ops
from ops import hookcmds
from pydantic import ValidationError

import actions
import ceph
import juju_reading
import ovn
import peers
import run
import snap
from addresses import PORT
from admission import unqueued
from database import Database
from hook_input import Juju
from juju_reading import CEPH, CERTIFICATES, OVSDB, OVSDB_CMS
from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from lxd.socket import LxdSocket
from machine import Machine
from observe import observe, observe_networks
from options import Options, explain, of_leaver, option_map
from plan import make_plan
from status import Kind, Status, blocked
from steps import Plan
from view import Events, Peers, Units, View
from world import World

PEERS = "cluster"
HTTPS = "https"
STORAGE = "local"

_STATUS = {
    Kind.ACTIVE: ops.ActiveStatus,
    Kind.WAITING: ops.WaitingStatus,
    Kind.BLOCKED: ops.BlockedStatus,
}


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
        self._world = World(
            LxdApi(LxdSocket()), snap.Snap(), Machine(), Database(), time.time, self._tell
        )
        self._told: Plan | None = None
        for event in (
            self.on.install,
            self.on.upgrade_charm,
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
        for event in (self.on.stop, self.on.remove):
            framework.observe(event, self._leave)
        framework.observe(self.on[STORAGE].storage_detaching, self._detach)
        framework.observe(self.on.cluster_status_action, self._cluster_status)
        framework.observe(self.on.plan_action, self._plan)
        framework.observe(self.on.forget_lost_action, self._forget_lost)
        framework.observe(self.on.remove_pool_action, self._remove_pool)
        framework.observe(self.on.retry_join_action, self._retry_join)
        framework.observe(self.on.form_again_action, self._form_again)
        framework.observe(self.on.wipe_device_action, self._wipe_device)
        framework.observe(self.on.backup_database_action, self._backup_database)
        framework.observe(self.on.recover_quorum_action, self._recover_quorum)
        framework.observe(self.on.collect_unit_status, self._collect_unit_status)
        framework.observe(self.on.collect_app_status, self._collect_app_status)

    def _changes_of(self, relation: str) -> list[ops.BoundEvent]:
        on = self.on[relation]
        return [on.relation_created, on.relation_changed, on.relation_broken]

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
        except ValidationError as error:
            self._told = Plan(blocked(explain(error)), app_status=blocked(explain(error)))
            return
        if juju.leaving:
            self._leave(event)
            return
        self._told = run.run(juju, self._world)
        self._publish(juju, self._told)

    def _leave(self, _: ops.EventBase) -> None:
        """Raises CannotLeave: only a hook that fails keeps Juju from taking the machine away."""
        juju = replace(self._juju(self._options_of_leaver()), leaving=True)
        plan = run.run(juju, self._world)
        if plan.hold:
            self.unit.status = _as_juju(plan.status)
            if juju.leader:
                self.app.status = _as_juju(plan.status)
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
        if self.unit.name in _units_juju_knows().leaving:
            self._leave(event)
        else:
            reason = f"{location} {found[0].use}: remove the unit instead"
            self.unit.status = ops.BlockedStatus(reason)
            raise CannotDetach(reason)

    def _options_of_leaver(self) -> Options:
        """A mistake in an option that is of no use here is no reason to stay."""
        try:
            return self.load_config(Options)
        except ValidationError:
            return of_leaver(self.config)

    def _tell(self, message: str) -> None:
        self.unit.status = ops.MaintenanceStatus(message)

    def _publish(self, juju: Juju, plan: Plan) -> None:
        """What others see of this unit. Only what changed is written: each write wakes them all."""
        relation = self.model.get_relation(PEERS)
        if relation is None or juju.peers is None:
            return
        self._ask_ceph(juju)
        self._ask_for_certificate()
        if plan.own is not None and plan.own != juju.peers.own:
            juju_reading.write(relation.data[self.unit], plan.own)
            # A version or a port that is new is so together with what the peers are told.
            self.unit.set_ports(PORT)
            self.unit.set_workload_version(plan.own.lxd)
        if plan.app is not None and plan.app != juju.peers.app:
            juju_reading.write(relation.data[self.app], plan.app)

    def _ask_ceph(self, juju: Juju) -> None:
        relation = juju_reading.active_ceph(self.model)
        if relation is None:
            return
        decided = juju.peers.app.storage if juju.peers else None
        for key, value in ceph.request(self.unit.name, juju.options, decided).items():
            if relation.data[self.unit].get(key) != value:
                relation.data[self.unit][key] = value

    def _ask_for_certificate(self) -> None:
        for relation in self.model.relations[CERTIFICATES]:
            hostname = self._world.machine.hostname()
            address = next(iter(juju_reading.addresses(self.model, PEERS)), "")
            for key, value in ovn.request(self.unit.name, hostname, address).items():
                if relation.data[self.unit].get(key) != value:
                    relation.data[self.unit][key] = value

    def _collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._told is not None:
            event.add_status(_as_juju(self._told.status))

    def _collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        told = self._told or self._seen()
        if told is not None and told.app_status is not None:
            event.add_status(_as_juju(told.app_status))

    def _seen(self) -> Plan | None:
        """What there is to tell after an action that only looked."""
        try:
            return run.found(self._juju(), self._world)
        except ValidationError:
            return None

    def _cluster_status(self, event: ops.ActionEvent) -> None:
        view = self._look(event)
        if view is None:
            return
        self._answer(event, lambda: actions.cluster_status(observe_networks(view, self._world)))

    def _plan(self, event: ops.ActionEvent) -> None:
        try:
            options = self._options_with(str(event.params.get("config", "")))
            juju = replace(self._juju(), options=options)
            view = observe(juju, self._world, Events())
        except ValidationError as error:
            event.fail(explain(error))
            return
        except ValueError as error:
            event.fail(str(error))
            return
        self._answer(event, lambda: self._planned(view))

    def _planned(self, view: View) -> dict[str, object]:
        import preview

        told = preview.lines(view, observe_networks(view, self._world))
        steps = "\n".join(f"{i}. {line}" for i, line in enumerate(told, 1))
        return {"plan": steps or "nothing to do", "status": str(make_plan(view).status)}

    def _options_with(self, told: str) -> Options:
        """The options with some of them changed. Raises ValidationError, ValueError."""
        changed = option_map(told)
        for name in changed:
            if name not in self.config:
                raise ValueError(f"config={name}: there is no such option")
        values = {k.replace("-", "_"): v for k, v in {**self.config, **changed}.items()}
        return Options.model_validate(values)

    def _forget_lost(self, event: ops.ActionEvent) -> None:
        view = self._look(event)
        if view is not None:
            name = str(event.params["name"])
            self._act(event, "result", lambda: actions.forget_lost(view, self._world, name))

    def _remove_pool(self, event: ops.ActionEvent) -> None:
        view = self._look(event)
        if view is not None:
            name = str(event.params["name"])
            self._act(event, "result", lambda: actions.remove_pool(view, self._world, name))

    def _retry_join(self, event: ops.ActionEvent) -> None:
        view = self._look(event)
        if view is not None:
            self._act(event, "result", lambda: actions.retry_join(view, self._world))

    def _form_again(self, event: ops.ActionEvent) -> None:
        view = self._look(event)
        if view is None:
            return
        try:
            app = actions.form_again(view, str(event.params.get("confirm", "")))
        except actions.ActionRefused as refused:
            event.fail(str(refused))
            return
        (relation,) = self.model.relations[PEERS]
        juju_reading.write(relation.data[self.app], app)
        event.set_results({"result": "the units form a new cluster"})

    def _wipe_device(self, event: ops.ActionEvent) -> None:
        device, confirm = (str(event.params.get(key, "")) for key in ("device", "confirm"))
        self._act(event, "result", lambda: actions.wipe_device(self._world, device, confirm))

    def _backup_database(self, event: ops.ActionEvent) -> None:
        self._act(event, "path", lambda: actions.backup_database(self._world))

    def _recover_quorum(self, event: ops.ActionEvent) -> None:
        view = self._look(event)
        if view is None:
            return
        # Only whom Juju has given up, or the operator names, is lost.
        view = replace(view, units=_units_juju_knows())
        lost, confirm = (str(event.params.get(key, "")) for key in ("lost", "confirm"))
        self._act(event, "backup", lambda: self._recovered(view, lost, confirm))

    def _recovered(self, view: View, lost: str, confirm: str) -> str:
        try:
            return actions.recover_quorum(view, self._world, lost, confirm)
        except actions.OthersAsked as asked:
            (relation,) = self.model.relations[PEERS]
            juju_reading.write(relation.data[self.unit], asked.own)
            raise

    def _act(self, event: ops.ActionEvent, key: str, action: Callable[[], str]) -> None:
        """Carries an action out and then does what has become due by it."""
        if self._answer(event, lambda: {key: action()}):
            self._reconcile(event)

    def _answer(self, event: ops.ActionEvent, action: Callable[[], dict[str, object]]) -> bool:
        """Gives what an action returns, or says why there is nothing."""
        try:
            results = action()
        except (actions.ActionRefused, LxdError, LxdUnreachable) as error:
            event.fail(str(error))
            return False
        except (OSError, subprocess.SubprocessError) as error:
            event.fail(getattr(error, "stderr", "") or str(error))
            return False
        event.set_results(results)
        return True

    def _look(self, event: ops.ActionEvent) -> View | None:
        try:
            return observe(self._juju(), self._world, Events())
        except ValidationError as error:
            event.fail(explain(error))
            return None

    def _juju(self, options: Options | None = None) -> Juju:
        """What Juju says to this unit. Raises ValidationError for a bad option."""
        leader, going = self.unit.is_leader(), options is not None
        options = options or self.load_config(Options)
        known = self._peers()
        asking = leader or going or (known and known.own.cluster and unqueued(known))
        units = _units_juju_knows() if asking else None
        if known is not None and units is not None and (leader or going):
            known = self._as_juju_knows_them(known, units)
        return Juju(
            unit=self.unit.name,
            leader=leader,
            options=options,
            resource=snap.resource(juju_reading.attached_snap(self.model)),
            cluster_addresses=juju_reading.addresses(self.model, PEERS),
            https_addresses=juju_reading.addresses(self.model, HTTPS),
            zone=os.environ.get("JUJU_AVAILABILITY_ZONE", ""),
            peers=known,
            units=units,
            leaving=units is not None and self.unit.name in units.leaving,
            devices=tuple(str(s.location) for s in self.model.storages[STORAGE]),
            ceph=juju_reading.of_ceph(self.model),
            ovn=juju_reading.of_ovn(self.model, options),
            bound=juju_reading.bound(self.model, options),
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


def _units_juju_knows() -> Units:
    found = hookcmds.goal_state().units
    leaving = frozenset(name for name, goal in found.items() if goal.status == "dying")
    return Units(frozenset(found), leaving)


def _as_juju(status: Status) -> ops.StatusBase:
    return _STATUS[status.kind](status.message)


if __name__ == "__main__":
    ops.main(LxdClusterCharm)
