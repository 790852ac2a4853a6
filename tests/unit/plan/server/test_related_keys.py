# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Keys of LXD's server configuration that follow from a relation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plan.server import related_keys
from relations.relation import Relation, ServerKeys
from state.notes import WROTE
from steps.server import SetServerConfig
from tests.unit.views import lxd, member, view

KEY, NEEDED = "loki.api.url", "needed"
LOGGING: Relation[str] = Relation(
    "logging",
    ("logging",),
    lambda _unit, _options, _databags: None,
    server_keys=ServerKeys(
        (KEY,), lambda url: {KEY: url} if url else {}, lambda cluster: NEEDED in cluster.notes
    ),
)
"""A relation whose answer is the key's value."""

ROWS: dict[str, tuple[str | None, str, str, list[str]]] = {
    "an answer is written": ("http://a", "", "", ["http://a"]),
    "what is set stays": ("http://a", "http://a", "http://a", []),
    "a new answer is written": ("http://b", "http://a", "http://a", ["http://b"]),
    "without the relation the charm's value goes": (None, "http://a", "http://a", [""]),
    "an operator's value stays": (None, "http://a", "", []),
    "a value that an operator changed stays": (None, "http://c", "http://a", []),
    "an answer without a value changes nothing": ("", "http://a", "http://a", []),
}
"""By case: the answer, the value now, the value that the charm noted, and what it sets."""


def set_values(answer: str | None, current: str, notes: dict[str, str]) -> list[str]:
    """The values that the plan sets."""
    cluster = lxd(member(0), notes=notes)
    cluster = replace(cluster, server=replace(cluster.server, config={KEY: current}))
    seen = view(cluster, None, related={"logging": answer})
    return [
        step.values[KEY]
        for step in related_keys.steps(seen, cluster, [LOGGING])
        if isinstance(step, SetServerConfig)
    ]


@pytest.mark.parametrize(("answer", "current", "noted", "expected"), ROWS.values(), ids=ROWS)
def test_the_key_follows_from_the_relation(
    answer: str | None, current: str, noted: str, expected: list[str]
):
    assert set_values(answer, current, {WROTE + KEY: noted}) == expected


def test_a_key_that_lxd_still_needs_stays():
    assert set_values(None, "http://a", {WROTE + KEY: "http://a", NEEDED: "yes"}) == []
