"""The Jujus whose rules a model may keep, where they differ."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

Rules: TypeAlias = Literal["3.6", "4.0"]
VERSIONS: dict[Rules, str] = {"3.6": "3.6.12", "4.0": "4.0.15"}
"""By rules: what `juju version` says."""
NEWEST: Rules = "4.0"
VARIABLE = "LXD_CLUSTER_LAB_JUJU"


def rules_asked_for() -> Rules:
    """The rules that the environment asks of a new model, else the newest.

    Raises ValueError for any that there are not.
    """
    asked = os.environ.get(VARIABLE) or NEWEST
    if asked not in VERSIONS:
        raise ValueError(f"{VARIABLE}={asked}: use one of {', '.join(VERSIONS)}")
    return asked
