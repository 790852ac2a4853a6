# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Placement groups: instances that must be on separate members, or together (6.x)."""

from __future__ import annotations

import deadlines
from lxd.client import Client
from lxd.http import api_path


class PlacementsApi:
    """/1.0/placement-groups."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def policies(self) -> dict[str, str]:
        """By placement group of any project, as PROJECT/NAME: its policy and its rigor."""
        query = {"recursion": "1", "all-projects": "true"}
        rows = self._client.get(api_path("placement-groups"), query, deadlines.LIST)
        return {
            f"{row['project']}/{row['name']}": f"{row['config']['policy']} {row['config']['rigor']}"
            for row in rows
        }
