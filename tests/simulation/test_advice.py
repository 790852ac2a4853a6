# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The simulation's operator runs every action that a status names."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import yaml

from tests.simulation.obedient_operator import ObedientOperator

ROOT = Path(__file__).parents[2]
ACTIONS: dict[str, object] = yaml.safe_load((ROOT / "actions.yaml").read_text())
SOURCES = ROOT / "src"
CODE = {path: path.read_text() for path in sorted(SOURCES.rglob("*.py"))}


def advised() -> list[str]:
    """The actions that the charm's own texts name. Answers of actions are not statuses."""
    words = "\n".join(text for path, text in CODE.items() if path.parent != SOURCES / "actions")
    found = re.findall(r"(?:run|/leader|view\.unit\}) ([a-z]+(?:-[a-z]+)+)", words)
    return sorted(set(found) & set(ACTIONS))


def test_most_actions_are_advised_somewhere():
    assert set(advised()) >= {"let-in", "take-back", "retry-join", "recover-quorum", "form-again"}


@pytest.mark.parametrize("action", advised())
def test_the_obedient_operator_knows_what_is_advised(action: str):
    assert action in inspect.getsource(ObedientOperator)
