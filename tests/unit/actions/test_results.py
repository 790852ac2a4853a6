# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Texts of actions that are too long for an argument of a hook tool."""

from __future__ import annotations

from typing import NoReturn

from actions import results
from actions.refusal import ActionRefused

LIMIT = 131_072
"""Linux starts no program with a longer argument (MAX_ARG_STRLEN)."""
LONG = "é" * LIMIT


def test_a_long_refusal_is_cut():
    def refuses() -> NoReturn:
        raise ActionRefused(LONG)

    failure = results.answer("lxd/0", refuses).failure

    assert len(failure.encode()) < LIMIT
    assert failure.endswith("... (262144 bytes in all)")


def test_a_long_result_is_cut():
    found = results.answer("lxd/0", lambda: {"table": LONG, "count": 3, "short": "é"}).results

    assert len(str(found["table"]).encode()) < LIMIT
    assert (found["count"], found["short"]) == (3, "é")
