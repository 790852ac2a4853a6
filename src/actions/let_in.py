# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action let-in: the last member, which leaves, admits the next unit."""

from __future__ import annotations

from actions.refusal import ActionRefused
from observe.view import observe
from plan.leaving import last_unit
from ports.ports import Ports
from run import run
from state.cluster import ClusterView
from state.hook_input import HookInput
from state.view import RunHistory, View
from steps.plan import Plan


def let_in(juju: HookInput, ports: Ports) -> Plan:
    """A unit that leaves as the only member makes a token for the next unit.

    Returns what it must publish. Juju sends what an action has written, even if the unit is in
    error.
    """
    view = observe(juju, ports, RunHistory())
    leaves = view.units is not None and view.unit in view.units.leaving
    if not leaves or not _admits(view):
        raise ActionRefused("only a unit that leaves as the last member needs this")
    plan = run(juju, ports)
    if plan.own is None or plan.own.token is None:
        raise ActionRefused(f"no unit can join yet: {plan.status.message}")
    return plan


def _admits(view: View) -> bool:
    if not isinstance(view.lxd, ClusterView) or view.peers is None:
        return False
    return bool(last_unit.expected(view, view.lxd, view.peers))
