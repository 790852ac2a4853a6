# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A deadline for calls that wait without one."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType


class TookTooLong(Exception):  # noqa: N818 - it is the name of what happened
    """The call did not end in time."""


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Raises TookTooLong in the body when its time is over. Only for the main thread.

    charmlibs.snap asks snapd with a timeout, but then waits for a change's end without one: a
    change that hangs (a store that answers slowly, a service that does not stop) would block the
    hook forever.
    """

    def over(_signal: int, _frame: FrameType | None) -> None:
        raise TookTooLong(f"did not end within {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
