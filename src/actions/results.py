# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The results of an action, or the reason why there are none."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from actions.parameters import Misread
from actions.refusal import ActionRefused
from hooks.tool_failures import Unsaid
from lxd.errors import LxdError, LxdUnreachable
from options.options import explain
from values.printable import lines


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
        return Answer({}, explain(error))
    except (ActionRefused, Misread, Unsaid) as error:
        return Answer({}, lines(str(error)))
    except (LxdError, LxdUnreachable, OSError, subprocess.SubprocessError) as error:
        why = getattr(error, "stderr", "") or str(error)
        return Answer({}, lines(f"{why} (juju status {unit} shows the state of LXD)"))
    return Answer({key: lines(v) if isinstance(v, str) else v for key, v in results.items()})
