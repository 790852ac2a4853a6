# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Text from elsewhere in a printable form: control sequences are visible and have no effect."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Mapping

_UNSEEN = frozenset(["Cc", "Cf", "Cs", "Zl", "Zp"])
"""Unicode's categories of control and format characters, half characters and ends of lines."""


def escaped(text: str, unchanged: str = "") -> str:
    r"""The text with each of these written as Python would: `\x1b`, `\u202e`.

    Juju's tools get texts as arguments, which cannot have a NUL or a lone surrogate. The characters
    of `unchanged` stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in unchanged or _is_seen(c) else _written(c) for c in text)


def lines(text: str) -> str:
    """The same for a text that may have several lines, such as a log."""
    return escaped(text, "\n\t")


def _is_seen(character: str) -> bool:
    return unicodedata.category(character) not in _UNSEEN


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def changes(values: Mapping[str, str]) -> str:
    """The keys that are set, and those that are unset. Their values may be secret."""
    texts = {
        verb: ", ".join(sorted(key for key, value in values.items() if bool(value) is filled))
        for verb, filled in (("set", True), ("unset", False))
    }
    return " and ".join(f"{verb} {keys}" for verb, keys in texts.items() if keys)


class EscapingFormatter(logging.Formatter):
    """The output of another formatter, escaped."""

    def __init__(self, other: logging.Formatter | None) -> None:
        super().__init__()
        self._other = other or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """The record and its traceback: an error's message may also come from elsewhere."""
        return lines(self._other.format(record))


def escape_logs(logger: logging.Logger) -> None:
    """Lets the handlers of a logger write only escaped text."""
    for handler in logger.handlers:
        if not isinstance(handler.formatter, EscapingFormatter):
            handler.setFormatter(EscapingFormatter(handler.formatter))
