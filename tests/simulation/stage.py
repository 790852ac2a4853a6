# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The world that a starting charm of the simulation finds, and the charm that runs now."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.model.context import HookContext
from steps.plan import Step

ENVIRONMENT = dict(os.environ)
"""The environment of the hook that runs now. Python's own encodes each name at each look."""


@dataclass
class Stage:
    """What a charm that starts now finds: its hook's tools, and the world of its machine."""

    context: HookContext
    world: Mapping[str, Any]
    """By name of the class in `charm` that makes it: LxdSocket, Snap, Machine, Database."""
    clock: Callable[[], float]
    zone: str = ""
    now: Callable[[], float] = field(default=lambda: 0.0)
    """Juju's time, which is independent of the machines' clocks."""
    on_step: Callable[[Step], None] = field(default=lambda _: None)
    """Called before each step is taken."""


def set_stage(stage: Stage) -> None:
    """Sets `stage` for the next charm that starts."""
    ENVIRONMENT["JUJU_AVAILABILITY_ZONE"] = stage.zone
    _Now.stage = stage


class _Now:
    """The charm that runs now. Hooks of several units overlap, but only one runs at a time."""

    stage: Stage


def current() -> Stage:
    """The stage of the running charm."""
    return _Now.stage
