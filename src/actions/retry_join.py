"""The action retry-join: lets a unit whose joins failed try again."""

from __future__ import annotations

from actions.refusal import ActionRefused
from plan.unit import make_plan
from ports.world import World
from state.view import View


def retry_join(view: View, world: World) -> str:
    """Lets a unit whose joins failed try again."""
    if view.failures is None:
        raise ActionRefused(f"no join of this unit failed ({make_plan(view).status})")
    world.machine.forget_failures()
    return "joins are tried again"
