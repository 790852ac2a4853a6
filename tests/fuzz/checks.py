# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What no input may cause, and members that read it."""

from __future__ import annotations

import unicodedata
from functools import cache

from steps.plan import Plan
from tests.unit.model_units import ModelApp, formed
from values.status import STATUS_LIMIT


class Unwell(Exception):  # noqa: N818 - it is the name of what happened
    """The charm accepted input that it must refuse, or shows text that it must not show."""


def shown(text: str) -> str:
    """Checks a text for the operator: one line, without control characters for a terminal."""
    if bad := [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Cf", "Zl", "Zp")]:
        raise Unwell(f"shows {bad[0]!r} in {text!r}")
    return text


def check_status(text: str) -> None:
    """Checks the text of a status: one line, and no longer than Juju shows it."""
    if len(shown(text)) > STATUS_LIMIT:
        raise Unwell(f"a status of {len(text)} characters: {text}")


def check_plan(plan: Plan) -> None:
    """Checks what the operator sees of a plan."""
    check_status(plan.status.message)
    if plan.app_status is not None:
        check_status(plan.app_status.message)
    for step in plan.steps:
        str(step)


@cache
def members(count: int = 3) -> ModelApp:
    """Members that only read: no case changes them for good."""
    app = formed(count)
    for unit in app.units.values():
        unit.server.drivers |= {"ceph", "cephfs"}
    return app
