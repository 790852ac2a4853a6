# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Numbers that others have written: none of them raises an error."""

from __future__ import annotations

import pytest

from values import lxd_versions, unit_names, wanted_pool
from values.numbers import whole

HUGE = "9" * 5000
"""Python reads no more than 4,300 digits."""


@pytest.mark.parametrize(
    ("text", "number"),
    [("", None), ("0", 0), ("42", 42), ("-1", None), ("٣", None), ("²", None), ("4 ", None)],
)
def test_only_plain_digits_are_a_number(text: str, number: int | None):
    assert whole(text) == number


def test_a_huge_number_is_none():
    assert whole(HUGE) is None
    assert wanted_pool.in_bytes(f"{HUGE}GiB") == 0
    assert unit_names.number(f"lxd/{HUGE}") == 0
    assert lxd_versions.ordered(f"{HUGE}.1") == ()
