# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Clusters with a network over all members."""

from __future__ import annotations

from typing import Any

from tests.unit.model_units import ModelApp, formed


def spread(units: int = 3, generation: str = "5.21", **options: Any) -> ModelApp:
    """Members with the overlay `seg0`."""
    app = formed(units, generation)
    app.options |= {"network_mode": "vxlan", "network_name": "seg0", **options}
    app.settle()
    return app
