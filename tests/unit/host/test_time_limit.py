# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A deadline for a call that waits forever."""

from __future__ import annotations

import signal
import time

import pytest

import deadlines
from host.snap import Snap, SnapError
from host.time_limit import TookTooLong, within


def test_what_does_not_end_is_ended():
    with pytest.raises(TookTooLong, match="did not end within 0 s"), within(0.05):
        time.sleep(10)


def test_what_ends_is_not_disturbed_later():
    before = signal.getsignal(signal.SIGALRM)

    with within(0.05):
        pass
    time.sleep(0.1)

    assert signal.getsignal(signal.SIGALRM) is before


def test_a_snapd_that_hangs_is_reported(monkeypatch: pytest.MonkeyPatch):
    from charmlibs import snap

    def hang(name: str) -> None:
        time.sleep(10)

    monkeypatch.setattr(snap, "stop", hang)
    monkeypatch.setattr(deadlines, "SNAP", 0.05)

    with pytest.raises(SnapError, match="did not end within 0 s"):
        Snap().stop()
