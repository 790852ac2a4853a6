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
from hooks.tool_failures import NoAnswer, answers_needed
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
        # Each logged line starts one more process in the hook, and Juju logs the events itself.
        logging.getLogger().setLevel(logging.INFO)
        escape_logs(logging.getLogger())
        self._ports = Ports(
            LxdApi(LxdSocket()),
            snap.Snap(),
            Machine(),
            Database(),
            time.time,
            self._show_progress,
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
        """The first hook of a unit, and the one that Juju runs when a resource has changed."""
        if isinstance(event, ops.InstallEvent):
            self._ports.machine.begin(self.unit.name)
        attached_snap.forget(self._ports)
        self._reconcile(event)

    def _reconcile(self, event: ops.EventBase) -> None:
        if final_events.is_own_departure(event, PEERS, self.unit):
            self._leave(event)
            return
        if final_events.may_run_while_leaving(event, PEERS) and self._input.is_leaving():
            # It would act as a member that stays: undo its marks, and set the application's status.
            return
        try:
            juju = self._input.of_hook()
        except (ValidationError, NoAnswer) as error:
            status = error.status if isinstance(error, NoAnswer) else blocked(explain(error))
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
            juju = replace(
                self._input.when_leaving(), can_publish=final_events.another_follows(event, PEERS)
            )
        except NoAnswer as no_answer:
            self.unit.status = as_juju(no_answer.status)
            raise CannotLeave(str(no_answer)) from no_answer
        plan = run.run(juju, self._ports)
        if plan.hold:
            self.unit.status = as_juju(plan.status)
            if publishing.is_leader(self.model):
                self.app.status = as_juju(plan.status)
            if not (
                juju.can_publish
                and publishing.publish_leaving(self.model, PEERS, juju, plan, self._ports)
            ):
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
            with answers_needed():
                leaving = self.unit.name in reading.units().leaving
        except NoAnswer as no_answer:
            raise CannotDetach(f"{location} {use}: {no_answer}") from no_answer
        if leaving:
            self._leave(event)
            return
        reason = f"{location} {use}: remove the unit instead"
        self.unit.status = ops.BlockedStatus(escaped(reason))
        raise CannotDetach(reason)

    def _show_progress(self, message: str) -> None:
        self.unit.status = ops.MaintenanceStatus(escaped(message))

    def _collect_unit_status(self, event: ops.CollectStatusEvent) -> None:
        if self._plan is not None:
            event.add_status(as_juju(self._plan.status))

    def _collect_app_status(self, event: ops.CollectStatusEvent) -> None:
        plan = self._plan or self._idle_plan()
        # ops has checked that before, but finding the status takes time, and leadership may have
        # moved.
        if plan is not None and plan.app_status is not None and publishing.is_leader(self.model):
            event.add_status(as_juju(plan.app_status))

    def _idle_plan(self) -> Plan | None:
        """The plan after an action that only read: None if a step is due, or Juju is silent."""
        try:
            return run.idle_plan(self._input.of_hook(), self._ports)
        except (ValidationError, NoAnswer):
            return None

    def _act(self, event: ops.ActionEvent) -> None:
        """Runs an action: sets its results, or fails with the reason; then does what is due."""
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
