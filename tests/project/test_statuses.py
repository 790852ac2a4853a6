# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The page of statuses has every status of the source, and nothing else."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from pack import quoted_statuses, status_texts, statuses

TABLE = statuses.table(statuses.TABLE.read_text())
TEXT = """\
carried: []
topics:
  Joining:
    - waiting: "to join after {UNIT}"
      why: One at a time.
    - blocked: "{UNIT} is wrong"
      why: It is wrong.
      do: "`lxc fix`"
"""


def test_the_table_has_every_status_of_the_source_and_no_other() -> None:
    assert statuses.mistakes(TABLE) == []


def test_the_page_is_what_the_table_says() -> None:
    assert statuses.PAGE.read_text() == statuses.expected()


def test_no_call_that_makes_a_status_is_overlooked() -> None:
    calls = [
        node
        for path in status_texts.SRC.rglob("*.py")
        if path != status_texts.SRC / "values" / "status.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in status_texts.KINDS)
            or (isinstance(node.func, ast.Attribute) and node.func.attr in status_texts.KINDS)
        )
    ]

    assert len(calls) > 100
    assert len(status_texts.made()) == len(calls)


@pytest.mark.parametrize("row", TABLE.rows, ids=lambda row: row.words)
def test_a_missing_row_is_noticed(row: statuses.Row) -> None:
    rest = replace(TABLE, rows=tuple(other for other in TABLE.rows if other is not row))
    carries = row.text in ("{}", "{}: {}")
    # A function's text may have several rows, one for each reason.
    several = any(
        other.has(text)
        for writer in row.by
        for text in status_texts.returned(writer)
        if row.has(text)
        for other in rest.rows
        if writer in other.by
    )

    assert statuses.mistakes(rest) or carries or several


def test_a_row_that_the_source_does_not_have_is_noticed() -> None:
    row = statuses.Row("Joining", "blocked", "{UNIT} is not known", "An error.", "Nothing.")
    by = replace(row, by=("plan/leaving/migration.py:no_target",))
    known = replace(TABLE, rows=(*TABLE.rows, row, by))

    assert statuses.mistakes(known) == [
        "not in src: blocked: {UNIT} is not known",
        "plan/leaving/migration.py:no_target does not write it: {UNIT} is not known",
        "twice: blocked: {} is not known",
    ]


def test_a_place_that_is_not_carried_is_noticed() -> None:
    place = "plan/leader.py:_faults"
    known = replace(TABLE, carried=TABLE.carried - {place} | {"plan/leader.py:_gone"})

    assert statuses.mistakes(known) == [
        f"{place} is not in `carried`; what writes its words returns a StatusText",
        "plan/leader.py:_gone makes no status of another function's words",
    ]


def test_a_function_that_is_gone_is_noticed() -> None:
    with pytest.raises(KeyError, match="_gone"):
        status_texts.returned("plan/leader.py:_gone")
    with pytest.raises(KeyError, match="gone"):
        status_texts.returned("plan/gone.py:gone")


def test_words_that_have_no_row_at_all_are_noticed() -> None:
    writer = "plan/leaving/outside.py:_in_deb"
    known = replace(TABLE, rows=tuple(row for row in TABLE.rows if writer not in row.by))

    (mistake,) = statuses.mistakes(known)

    assert mistake.startswith("no row: LXD is here as a deb")


def test_constants_and_local_variables_are_followed() -> None:
    texts = {(made.kind, made.text) for made in status_texts.made()}

    assert ("blocked", "{} has port 8443 of {}, which LXD needs: stop it") in texts
    assert ("waiting", "Raft leader {} sends no heartbeats: {} reloads its LXD") in texts
    assert ("blocked", "{} cannot leave: {}") in texts


def test_a_row_has_its_words_its_cause_and_its_cure() -> None:
    assert statuses.shown(statuses.table(TEXT).rows) == (
        "## Joining\n\n| status | why | what to do |\n|---|---|---|\n"
        "| `waiting: to join after UNIT` | One at a time. | Nothing: it passes. |\n"
        "| `blocked: UNIT is wrong` | It is wrong. | `lxc fix` |"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        TEXT.replace("      do:", "      does:"),
        TEXT.replace('      do: "`lxc fix`"\n', ""),
        TEXT.replace("    - waiting:", "    - wait:"),
        TEXT.replace("      why: It is wrong.\n", ""),
    ],
)
def test_a_row_that_lacks_something_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="needs"):
        statuses.table(wrong)


@pytest.mark.parametrize("page", quoted_statuses.pages(), ids=lambda page: page.name)
def test_a_page_quotes_only_statuses_of_the_table(page: Path) -> None:
    assert quoted_statuses.unknown(page.read_text(), TABLE.rows) == []


def test_many_statuses_are_quoted() -> None:
    texts = [page.read_text() for page in quoted_statuses.pages()]

    assert sum(len(quoted_statuses.quoted(text)) for text in texts) > 80


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("it is `waiting: to join after lxd/1` now", []),
        ("it is `waiting: to join before lxd/1` now", ["to join before lxd/1"]),
        ("    blocked: m1 is wrong\n", []),
        ("    blocked: m1 is not right\n", ["m1 is not right"]),
        ("| status | do |\n|---|---|\n| `to join ...`, or `... lxd/1` | `lxc list` |\n", []),
        ("| status | do |\n|---|---|\n| `to leave ...` | `lxc list` |\n", ["to leave ..."]),
        ("| command | does |\n|---|---|\n| `lxc list` | lists |\n", []),
    ],
)
def test_a_quotation_that_no_unit_shows_is_found(text: str, unknown: list[str]) -> None:
    rows = statuses.table(TEXT).rows

    assert quoted_statuses.unknown(text, rows) == unknown
