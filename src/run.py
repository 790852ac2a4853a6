# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One run: observe, plan, act, and again until nothing is left to do or a step fails."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from observe.view import observe
from plan.unit import make_plan
from ports.ports import Ports
from state.hook_input import HookInput
from state.view import RunHistory
from steps.plan import Plan
from values import transient_errors
from values.status import Kind, blocked, waiting

if TYPE_CHECKING:
    from act.step import StepFailed

logger = logging.getLogger(__name__)

ROUNDS = 8
"""The longest run of a unit: join, settle, cancel a token, pass the turn, make a token."""

LEAVING_ROUNDS = 1000
"""A leaving unit may have to move its instances one by one."""


def run(juju: HookInput, ports: Ports) -> Plan:
    """Does what is due. The returned plan has no steps left, or reports the one that failed."""
    history = RunHistory()
    plan = make_plan(observe(juju, ports, history))
    if not plan.steps:
        return plan
    from act.step import StepFailed, act

    refused: StepFailed | None = None
    for _ in range(LEAVING_ROUNDS if juju.leaving else ROUNDS):
        if not plan.steps:
            break
        try:
            for step in plan.steps:
                logger.info("%s", step)
                ports.tell(str(step))
                history = act(step, juju.unit, ports, history)
        except StepFailed as failure:
            if failure.later or failure.step not in plan.shared:
                return _failed(refused or failure, make_plan(observe(juju, ports, history)))
            refused, history = failure, replace(history, shared_refused=True)
        plan = make_plan(observe(juju, ports, history))
    if refused is not None:
        return _failed(refused, plan)
    return replace(plan, hold=f"not done yet: {plan.steps[0]}") if plan.steps else plan


def idle_plan(juju: HookInput, ports: Ports) -> Plan | None:
    """The status of a hook that does nothing, None while something is due.

    Juju 4.0 seldom reports a removed unit: the next hook of any kind finds out.
    """
    if juju.leaving:
        return None
    plan = make_plan(observe(juju, ports, RunHistory()))
    return None if plan.steps else plan


def _failed(failure: StepFailed, plan: Plan) -> Plan:
    """The report of a failed step: here and, if LXD refuses it, to the peers."""
    message = f"could not {failure.step}: {failure.reason}"
    logger.warning("%s", message)
    status = waiting(message) if failure.later else blocked(message)
    plan = replace(plan, status=status, steps=(), hold=message)
    if status.kind is Kind.BLOCKED:
        own = plan.own and plan.own.model_copy(update={"problem": status.message})
        return replace(plan, own=own, app_status=plan.app_status and status)
    if not transient_errors.passes(failure.reason):
        return plan
    own = plan.own and plan.own.model_copy(update={"waits": status.message})
    app = plan.app_status
    healthy = app is not None and app.kind is Kind.ACTIVE
    return replace(plan, own=own, app_status=status if healthy else app)
