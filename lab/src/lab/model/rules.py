# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The versions of Juju whose rules a model may follow, where they differ."""

from __future__ import annotations

import os
from typing import Literal, TypeAlias

Rules: TypeAlias = Literal["3.6", "4.0"]
VERSIONS: dict[Rules, str] = {"3.6": "3.6.12", "4.0": "4.0.15"}
"""By rules: the output of `juju version`."""
NEWEST: Rules = "4.0"
VARIABLE = "LXD_CLUSTER_LAB_JUJU"


def rules_asked_for() -> Rules:
    """The rules that the environment asks for in a new model, by default the newest.

    Raises ValueError for unknown rules.
    """
    rules = os.environ.get(VARIABLE) or NEWEST
    if rules not in VERSIONS:
        raise ValueError(f"{VARIABLE}={rules}: use one of {', '.join(VERSIONS)}")
    return rules
