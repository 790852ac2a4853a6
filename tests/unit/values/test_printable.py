# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Text from elsewhere: without control sequences for a terminal, and never with a NUL."""

from __future__ import annotations

import io
import logging

import pytest

from values.printable import EscapingFormatter, escape_logs, escaped, lines
from values.status import blocked


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain", "plain"),
        ("Größe 5 µs", "Größe 5 µs"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\x00b", r"a\x00b"),
        ("a\nb", r"a\nb"),
        ("\u202e", r"\u202e"),
        ("\ud800", r"\ud800"),
        ("\x9b", r"\x9b"),
    ],
)
def test_what_is_not_seen_is_written(text: str, seen: str):
    assert escaped(text) == seen


def test_a_log_keeps_its_lines():
    assert lines("a\n\tb\x00") == "a\n\tb\\x00"


def test_a_status_has_nothing_else():
    assert blocked("LXD: \x1b]0;title\x07\x00\n gone").message == r"LXD: \x1b]0;title\x07\x00 gone"


def test_an_error_in_a_log_is_escaped_with_its_traceback():
    shown = io.StringIO()
    logger = logging.getLogger("tests.printable")
    logger.propagate = False
    logger.addHandler(logging.StreamHandler(shown))
    escape_logs(logger)
    escape_logs(logger)

    try:
        raise ValueError("a\x00b")
    except ValueError:
        logger.exception("it said \x1b[2J")

    log = shown.getvalue()
    assert "\x00" not in log
    assert "\x1b" not in log
    assert r"ValueError: a\x00b" in log
    assert isinstance(logger.handlers[0].formatter, EscapingFormatter)
