# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What executes a step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ports.ports import Ports
from state.view import RunHistory
from steps.plan import Step

Handlers = dict[type[Step], Callable[[Any, str, Ports, RunHistory], RunHistory]]
"""By kind of step: the function that executes it on the unit of this name.

It returns the run's history, with what no later look finds out added. It raises an error of LXD,
snapd or the system if the step does not succeed.
"""
