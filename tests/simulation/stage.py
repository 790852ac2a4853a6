"""What a charm of the simulation finds when it begins, and whose charm is running."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.model.context import HookContext
from steps.plan import Step


@dataclass
class Stage:
    """What a charm that begins now finds: its hook's tools, and the world of its machine."""

    context: HookContext
    world: Mapping[str, Any]
    """By name of the class in `charm` that makes it: LxdSocket, Snap, Machine, Database."""
    clock: Callable[[], float]
    zone: str = ""
    now: Callable[[], float] = field(default=lambda: 0.0)
    """Juju's time, which no machine's clock moves."""
    on_step: Callable[[Step], None] = field(default=lambda _: None)
    """Called before each step is taken."""


def set_stage(stage: Stage) -> None:
    """Makes `stage` what the next charm that begins finds."""
    if stage.zone != _Now.zone:
        os.environ["JUJU_AVAILABILITY_ZONE"] = _Now.zone = stage.zone
    _Now.stage = stage


class _Now:
    """Whose charm is running. Hooks of several units overlap, one of them at a time goes on."""

    stage: Stage
    zone = "unknown"


def current() -> Stage:
    """What the charm that is running finds."""
    return _Now.stage
