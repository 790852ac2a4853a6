"""Whole clusters in memory: the real charm, a model of Juju, a model of LXD, and one seed."""

import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
# The charm's modules have no common package; pytest adds this path by its configuration.
sys.path[:0] = [p for p in (str(_ROOT / "src"), str(_ROOT / "lib")) if p not in sys.path]
