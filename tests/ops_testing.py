# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Lets ops.testing accept what Juju accepts, in less time: import it before a Context is used."""

from __future__ import annotations

import copy
import json
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ops
from scenario import (  # pyright: ignore[reportMissingTypeStubs]
    _consistency_checker,  # pyright: ignore[reportPrivateUsage]
    _runtime,  # pyright: ignore[reportPrivateUsage]
    state,
)


def _any_type(*_: object) -> None:
    """Checks nothing of an action's parameters.

    ops.testing needs a type for each. Juju needs none, and its client sends its own reading of the
    typed text.
    """


_consistency_checker._check_action_param_types = _any_type  # pyright: ignore[reportPrivateUsage]

# ops.testing writes the charm's files for each hook: as JSON, which is valid YAML, in a tenth of
# the time.
_runtime.yaml = SimpleNamespace(safe_dump=json.dumps)  # pyright: ignore[reportAttributeAccessIssue, reportPrivateImportUsage]

_spec: Any = state._CharmSpec  # pyright: ignore[reportPrivateUsage]


def _read_once(read: Any) -> Any:
    """Reads a charm's files once: otherwise each Context reads them again."""
    known: Any = lru_cache(maxsize=None)(read)

    def found(charm_root: Path) -> Any:
        return copy.deepcopy(known(charm_root))

    return staticmethod(found)


_spec._load_metadata = _read_once(_spec._load_metadata)
_spec._load_metadata_legacy = _read_once(_spec._load_metadata_legacy)


def _load_text(text: Any) -> Any:
    """As yaml.safe_load: the charm's files, which were written as JSON, in a tenth of the time."""
    if isinstance(text, str) and text.startswith("{"):
        return json.loads(text)
    return _real_yaml.safe_load(text)


# ops reads these files again for each hook, too.
_real_yaml: Any = ops.charm.yaml  # pyright: ignore[reportPrivateImportUsage]
ops.charm.yaml = SimpleNamespace(safe_load=_load_text)  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
