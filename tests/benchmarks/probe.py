# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Runs the charm once in place of a hook, in its own venv, and prints the cost as JSON."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import Any

calls = 0
printed = 0
requests = 0
real_run: Any = subprocess.run


def counted_run(*args: Any, **kwargs: Any) -> Any:
    """subprocess.run with counters for calls and output: each call is a hook tool."""
    global calls, printed  # noqa: PLW0603 - a probe counts
    calls += 1
    done = real_run(*args, **kwargs)
    printed += len(done.stdout or "")
    return done


subprocess.run = counted_run
sys.path.insert(0, "src")
sys.argv = ["src/charm.py"]

import ops  # noqa: E402 - after the counting has begun

import charm  # noqa: E402
from lxd.http import Request, Response  # noqa: E402
from lxd.socket import LxdSocket  # noqa: E402

real_send = LxdSocket.send


def counted_send(self: LxdSocket, request: Request, seconds: float) -> Response:
    """A request to LXD, counted."""
    global requests  # noqa: PLW0603 - a probe counts
    requests += 1
    return real_send(self, request, seconds)


LxdSocket.send = counted_send
ops.main(charm.LxdClusterCharm)


def seconds(who: int) -> float:
    """CPU seconds, user and system."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


cost = {
    "charm": seconds(resource.RUSAGE_SELF),
    "tools": seconds(resource.RUSAGE_CHILDREN),
    "calls": calls,
    "bytes": printed,
    "requests": requests,
}
print(json.dumps(cost))
