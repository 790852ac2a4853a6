"""The action let-in: the last member, which leaves, admits the next unit."""

from __future__ import annotations

from actions.refusal import ActionRefused
from observe.view import observe
from plan.leaving import removal
from ports.ports import Ports
from run import run
from state.cluster import ClusterView
from state.hook_input import HookInput
from state.view import RunHistory
from steps.plan import Plan


def let_in(juju: HookInput, ports: Ports) -> Plan:
    """A unit that leaves as the only member makes a token for the next unit.

    Returns what it must publish. Juju sends what an action wrote, also if the unit is in error.
    """
    view = observe(juju, ports, RunHistory())
    leaves = view.units is not None and view.unit in view.units.leaving
    lxd = view.lxd
    if not leaves or not isinstance(lxd, ClusterView) or not removal.expected(view, lxd):
        raise ActionRefused("only the last member of a cluster needs this, while it leaves")
    plan = run(juju, ports)
    if plan.own is None or plan.own.token is None:
        raise ActionRefused(f"no unit can join yet: {plan.status.message}")
    return plan
