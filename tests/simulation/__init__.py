# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Whole clusters in memory: the real charm, a model of Juju, a model of LXD, and one seed."""

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# The charm's modules have no common package; pytest adds these paths by its configuration. The lab
# must be this checkout's.
_PATHS = [str(_ROOT / folder) for folder in ("src", "lib", "lab/src")]
sys.path[:0] = [path for path in _PATHS if path not in sys.path]
