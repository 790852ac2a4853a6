# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Tests that wait for what happens in another thread or process."""

from __future__ import annotations

import time
from collections.abc import Callable

_POLL_SECONDS = 0.1


def eventually(check: Callable[[], bool], timeout: float = 15.0) -> None:
    """Wait until a check is true.

    Raises:
        AssertionError: it is not true after `timeout` seconds.
    """
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(_POLL_SECONDS)
