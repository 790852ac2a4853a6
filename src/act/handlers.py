# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The type of the functions that execute steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ports.ports import Ports
from state.view import RunHistory
from steps.plan import Step

Handlers = dict[type[Step], Callable[[Any, str, Ports, RunHistory], RunHistory]]
"""By kind of step: the function that executes it on the unit of this name.

It returns the run's history, and adds what no later hook can observe. It raises an error of LXD,
snapd or the system if the step does not succeed.
"""
