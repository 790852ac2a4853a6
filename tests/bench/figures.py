"""What was measured on the bench, told at the end of the run."""

from __future__ import annotations

from collections.abc import Callable

Figures = Callable[[str], None]
"""Takes a line: what was measured, with its unit."""
