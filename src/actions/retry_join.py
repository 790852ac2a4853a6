# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action retry-join: lets a unit whose joins failed try again."""

from __future__ import annotations

from actions.refusal import ActionRefused
from plan.unit import make_plan
from ports.ports import Ports
from state.view import View


def retry_join(view: View, ports: Ports) -> str:
    """Lets a unit whose joins failed try again."""
    if view.failures is None:
        raise ActionRefused(f"no join of this unit failed ({make_plan(view).status})")
    ports.machine.forget_failures()
    return "joins are tried again"
