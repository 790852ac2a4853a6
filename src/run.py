# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One run: observe, plan, act, and again until nothing is left to do or a step fails."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from lxd.errors import LxdUnreachable
from observe.view import observe
from plan.unit import make_plan
from ports.ports import Ports
from state.hook_input import HookInput
from state.peers import UnitData
from state.view import RunHistory
from steps.plan import Plan
from values import transient_errors
from values.status import Kind, blocked, waiting

if TYPE_CHECKING:
    from act.step import StepFailed

logger = logging.getLogger(__name__)

ROUNDS = 8
"""The longest run of a unit: join, settle, cancel a token, pass the join lock on, make a token."""

LEAVING_ROUNDS = 1000
"""A leaving unit may have to move its instances one by one."""


def run(juju: HookInput, ports: Ports) -> Plan:
    """Does what is due. The returned plan has no steps left, or reports the one that failed."""
    history = RunHistory()
    plan = make_plan(observe(juju, ports, history))
    first: StepFailed | None = None
    # Each group may fail once.
    rounds = ROUNDS + len(plan.groups)
    for _ in range(LEAVING_ROUNDS if juju.leaving else rounds):
        if not plan.steps:
            break
        history, failure = _execute(plan, juju.unit, ports, history)
        if failure is not None:
            first = first or failure
            if _ends_run(failure, plan):
                return _failed(first, history, make_plan(observe(juju, ports, history)), juju)
            history = replace(history, failed=history.failed | {str(failure.step)})
        plan = make_plan(observe(juju, ports, history))
    if first is not None:
        return _failed(first, history, plan, juju)
    return replace(plan, hold=f"not done yet: {plan.steps[0]}") if plan.steps else plan


def _execute(
    plan: Plan, unit: str, ports: Ports, history: RunHistory
) -> tuple[RunHistory, StepFailed | None]:
    """Executes the steps, up to the first one that fails."""
    # Most hooks have nothing to do: they need not load the code that executes steps.
    from act.step import StepFailed, act

    for step in plan.steps:
        logger.info("%s", step)
        ports.show_progress(str(step))
        try:
            history = act(step, unit, ports, history)
        except StepFailed as failure:
            return history, failure
    return history, None


def _ends_run(failure: StepFailed, plan: Plan) -> bool:
    """Whether the steps of other groups are not tried: each would wait for a silent LXD."""
    silent = isinstance(failure.__cause__, LxdUnreachable)
    return silent or not any(failure.step in group for group in plan.groups)


def idle_plan(juju: HookInput, ports: Ports) -> Plan | None:
    """The plan of a unit that has nothing to do, None while a step is due.

    Juju 4.0 seldom reports a removed unit: the next hook of any kind looks for them.
    """
    if juju.leaving:
        return None
    plan = make_plan(observe(juju, ports, RunHistory()))
    return None if plan.steps else plan


def _failed(failure: StepFailed, history: RunHistory, plan: Plan, juju: HookInput) -> Plan:
    """The report of a failed step: here, and to the peers unless the whole run ended with it.

    A failure without a refusal, such as an LXD that stops, is not published: it soon ends, or has a
    status of its own. And each report runs hooks on all other units.
    """
    message = failure.message
    logger.warning("%s", message)
    published = juju.peers.own if juju.peers else UnitData()
    if failure.later:
        plan = replace(plan, status=waiting(message), steps=(), hold=message)
        went_on = str(failure.step) in history.failed
        if went_on or transient_errors.passes(failure.reason):
            return _report_wait(failure, plan, published)
        return plan
    plan = replace(plan, status=blocked(message), steps=(), hold=message)
    problem = _report(failure, plan.status.message, published.problem)
    own = plan.own and plan.own.model_copy(update={"problem": problem})
    return replace(plan, own=own, app_status=plan.app_status and plan.status)


def _report_wait(failure: StepFailed, plan: Plan, published: UnitData) -> Plan:
    waits = _report(failure, plan.status.message, published.waits)
    own = plan.own and plan.own.model_copy(update={"waits": waits})
    healthy = plan.app_status is not None and plan.app_status.kind is Kind.ACTIVE
    return replace(plan, own=own, app_status=plan.status if healthy else plan.app_status)


def _report(failure: StepFailed, message: str, published: str) -> str:
    """The report for the peers: a new reason for the same step would run their hooks again."""
    # A status shortens a long step, and has dots in its place.
    step = published.partition(": ")[0].removesuffix("...")
    return published if step and f"could not {failure.step}".startswith(step) else message
