# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Measurements on the bench, printed at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

Figures = Callable[[str], None]
"""Takes a line: a measurement with its unit."""
