# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The configuration keys of an LXD, from real daemons."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

_RECORDINGS = Path(__file__).parents[1] / "recordings"
_OLD = {"server": frozenset({"core.trust_password", "maas.machine"})}
"""Keys that 5.0 knows and later ones do not, if anybody uses them."""


@cache
def descriptions(generation: str) -> dict[str, dict[str, dict[str, str]]]:
    """By entity and key: LXD's description. 5.0 has none: the model uses 5.21's."""
    version = "6.9" if generation == "6.9" else "5.21.7"
    found: dict[str, Any] = json.loads((_RECORDINGS / f"{version}-keys.json").read_text())
    return found


@cache
def known_keys(generation: str, entity: str) -> frozenset[str]:
    """The keys of an entity, like `server` or `network-bridge`."""
    return frozenset(descriptions(generation).get(entity, ())) | _OLD.get(entity, frozenset())


@cache
def local_keys(generation: str) -> frozenset[str]:
    """The keys that each server has for itself."""
    server = descriptions(generation)["server"]
    return frozenset(key for key, about in server.items() if about.get("scope") == "local")
