#!/usr/bin/env python3
# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm: its interface to Juju. plan/ decides what to do, and act/ does it."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import ops
from pydantic import ValidationError

import run
from act import token_revocation
from actions import results
from actions.table import ACTIONS, Call
from hooks import attached_snap, final_events, publishing, reading
from hooks.holds import CannotDetach, CannotLeave
from hooks.input_reader import PEERS, STORAGE, InputReader
from hooks.publishing import as_juju
from hooks.tool_failures import Unsaid, needed
from host import snap
from host.lxd_database import Database
from host.machine import Machine
from lxd.api import LxdApi
from lxd.socket import LxdSocket
from observe import devices
from options.options import explain
from ports.ports import Ports
from relations import ENDPOINTS
from steps.plan import Plan
from values.printable import escape_logs, escaped
from values.status import blocked


class LxdClusterCharm(ops.CharmBase):
    """Every event does the same: observe, plan, act, publish."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        # Each logged line is one more process in the hook; Juju logs the events itself.
        logging.getLogger().setLevel(logging.INFO)
        escape_logs(logging.getLogger())
        self._ports = Ports(
            LxdApi(LxdSocket()),
            snap.Snap(),
            Machine(),
            Database(),
            time.time,
            self._tell,
            reading.is_gone,
        )
        self._input = InputReader(self, self._ports)
        self._plan: Plan | None = None
        for event in (
            self.on.config_changed,
            self.on.start,
            self.on.leader_elected,
            self.on.update_status,
            self.on[STORAGE].storage_attached,
            self.on[PEERS].relation_created,
            self.on[PEERS].relation_changed,
            self.on[PEERS].relation_departed,
            *(on for endpoint in ENDPOINTS for on in self._changes_of(endpoint)),
        ):
            framework.observe(event, self._reconcile)
        for event in (self.on.install, self.on.upgrade_charm):
            framework.observe(event, self._begin)
        for event in (self.on.stop, self.on.remove):
            framework.observe(event, self._leave)
        framework.observe(self.on[STORAGE].storage_detaching, self._detach)
        for name in ACTIONS:
            framework.observe(getattr(self.on, f"{name.replace('-', '_')}_action"), self._act)
        framework.observe(self.on.collect_unit_status, self._collect_unit_status)
        framework.observe(self.on.collect_app_status, self._collect_app_status)

    def _changes_of(self, endpoint: str) -> list[ops.BoundEvent]:
        on = self.on[endpoint]
        return [
            on.relation_created,
            on.relation_changed,
            on.relation_departed,
            on.relation_broken,
        ]

    def _begin(self, event: ops.EventBase) -> None:
        """For the first hook, and the one that Juju runs when a resource has changed."""
        if isinstance(event, ops.InstallEvent):
            self._ports.machine.begin(self.unit.name)
        attached_snap.forget(self._ports)
        self._reconcile(event)

    def _reconcile(self, event: ops.EventBase) -> None:
        if final_events.is_own_departure(event, PEERS, self.unit):
            self._leave(event)
            return
        if final_events.may_come_beside(event, PEERS) and self._input.is_leaving():
            # As a member that stays, it would undo its marks, and speak for all members.
            return
        try:
            juju = self._input.of_hook()
        except (ValidationError, Unsaid) as error:
            status = error.status if isinstance(error, Unsaid) else blocked(explain(error))
            self._plan = Plan(status, app_status=status)
            return
        self._ports.machine.take_over(self.unit.name)
        if not juju.leaving:
            self._plan = run.run(juju, self._ports)
            hostname = self._ports.machine.hostname()
            with token_revocation.publishing(juju, self._plan, self._ports):
                publishing.publish(self.model, PEERS, juju, self._plan, hostname)
        elif not isinstance(event, ops.ActionEvent):
            self._leave(event)

    def _leave(self, event: ops.EventBase) -> None:
        """Raises CannotLeave: only a failed hook keeps Juju from removing the machine."""
        try:
            juju = replace(self._input.when_leaving(), tells=final_events.are_heard(event, PEERS))
        except Unsaid as unsaid:
            self.unit.status = as_juju(unsaid.status)
            raise CannotLeave(str(unsaid)) from unsaid
        plan = run.run(juju, self._ports)
        if plan.hold:
            self.unit.status = as_juju(plan.status)
            if publishing.is_leader(self.model):
                self.app.status = as_juju(plan.status)
            if not (juju.tells and publishing.tell(self.model, PEERS, juju, plan, self._ports)):
                raise CannotLeave(plan.hold)
        self._plan = plan

    def _detach(self, event: ops.StorageDetachingEvent) -> None:
        """Raises CannotDetach for a device that LXD uses, unless its unit leaves with it.

        Juju detaches the storage of a leaving unit before it runs any other hook of that unit. So
        the unit leaves the cluster in this hook: a device is released once LXD has no pool on it
        any more.
        """
        location = str(event.storage.location)
        device = next(iter(self._ports.machine.devices((location,))), None)
        if device is None or not (device.use or device.holds):
            return
        use = device.use or devices.use_by_lxd(device, self._ports)
        if not use:
            return
        try:
            with needed():
                leaving = self.unit.name in reading.units().leaving
        except Unsaid as unsaid:
            raise CannotDetach(f"{location} {use}: {unsaid}") from unsaid
        if leaving:
            self._leave(event)
            return
        reason = f"{location} {use}: remove the unit instead"
        self.unit.status = ops.BlockedStatus(escaped(reason))
        raise CannotDetach(reason)

    def _tell(self, message: str) -> None:
        self.unit.status = ops.MaintenanceStatus(escaped(message))

    def _collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._plan is not None:
            event.add_status(as_juju(self._plan.status))

    def _collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        plan = self._plan or self._seen()
        # ops has asked this before, and to find the status takes time.
        if plan is not None and plan.app_status is not None and publishing.is_leader(self.model):
            event.add_status(as_juju(plan.app_status))

    def _seen(self) -> Plan | None:
        """The status after an action that only read."""
        try:
            return run.idle_plan(self._input.of_hook(), self._ports)
        except (ValidationError, Unsaid):
            return None

    def _act(self, event: ops.ActionEvent) -> None:
        """Returns the action's result, or the reason for none; then does what is due."""
        name = event.handle.kind.removesuffix("_action").replace("_", "-")
        action = ACTIONS[name]
        call = Call(event.params, self, self._input, self._ports)
        answer = results.answer(self.unit.name, lambda: action.run(call))
        if answer.failure:
            event.fail(answer.failure)
            return
        event.set_results(answer.results)
        if action.changes:
            self._reconcile(event)


if __name__ == "__main__":
    ops.main(LxdClusterCharm)
