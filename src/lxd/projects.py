# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Projects."""

from __future__ import annotations

from collections.abc import Mapping

import deadlines
from lxd.client import Client
from lxd.http import api_path
from values.lxd_booleans import is_true


class ProjectsApi:
    """/1.0/projects."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def configs(self) -> dict[str, Mapping[str, str]]:
        """By project: its configuration."""
        rows = self._client.get(api_path("projects"), {"recursion": "1"}, deadlines.LIST)
        return {row["name"]: row["config"] for row in rows}

    def allowed_groups(self) -> dict[str, frozenset[str]]:
        """By project with a restriction to some cluster groups: their names."""
        return {
            name: frozenset(group.strip() for group in groups.split(","))
            for name, config in self.configs().items()
            if is_true(config.get("restricted", ""))
            and (groups := config.get("restricted.cluster.groups", ""))
        }

    def having(self, feature: str) -> list[str]:
        """The projects with their own objects of a feature. A missing key means yes."""
        return [
            name
            for name, config in self.configs().items()
            if is_true(config.get(f"features.{feature}", "true"))
        ]
