"""Whose rules a new model keeps: those of Juju 4.0, unless the environment says 3.6."""

from __future__ import annotations

import os

from lab.model.state import VERSIONS, Model, Rules

VARIABLE = "LXD_CLUSTER_LAB_JUJU"


def rules_asked_for() -> Rules:
    """The rules that the environment asks for. Raises ValueError for any that there are not."""
    asked = os.environ.get(VARIABLE) or Model().rules
    if asked not in VERSIONS:
        raise ValueError(f"{VARIABLE}={asked}: use one of {', '.join(VERSIONS)}")
    return asked
