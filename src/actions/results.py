# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The results of an action, or the reason why there are none."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from actions.parameters import BadParameter
from actions.refusal import ActionRefused
from hooks.tool_failures import NoAnswer
from lxd.errors import LxdError, LxdUnreachable
from options.options import explain
from values.printable import lines

_LONGEST = 100_000
"""Bytes of a text. Linux starts no program with an argument over 131,072."""


@dataclass(frozen=True)
class Answer:
    """The results, or a failure. Texts may have several lines, and no invisible characters."""

    results: dict[str, object]
    failure: str = ""


def answer(unit: str, action: Callable[[], dict[str, object]]) -> Answer:
    """Runs an action of a unit."""
    try:
        results = action()
    except ValidationError as error:
        return Answer({}, _fitting(explain(error)))
    except (ActionRefused, BadParameter, NoAnswer) as error:
        return Answer({}, _fitting(lines(str(error))))
    except (LxdError, LxdUnreachable, OSError, subprocess.SubprocessError) as error:
        why = getattr(error, "stderr", "") or str(error)
        return Answer({}, _fitting(lines(f"{why} (juju status {unit} shows the state of LXD)")))
    texts = {key: _fitting(lines(v)) for key, v in results.items() if isinstance(v, str)}
    return Answer({**results, **texts})


def _fitting(text: str) -> str:
    """The text, cut if it is too long for an argument of a hook tool."""
    content = text.encode()
    if len(content) <= _LONGEST:
        return text
    return f"{content[:_LONGEST].decode(errors='ignore')}... ({len(content)} bytes in all)"
