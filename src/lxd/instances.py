"""Instances of all projects and members."""

from __future__ import annotations

import deadlines
from lxd import answers
from lxd.client import Client
from lxd.http import api_path
from view import Instance


class InstancesApi:
    """/1.0/instances."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Instance, ...]:
        """The instances of all projects and members."""
        query = {"recursion": "1", "all-projects": "true"}
        rows = self._client.get(api_path("instances"), query, deadlines.LIST)
        return tuple(answers.instance(row) for row in rows)

    def move(self, project: str, name: str, target: str) -> None:
        """Moves a stopped instance to another member."""
        self._client.change(
            "POST",
            api_path("instances", name),
            {"name": name, "migration": True},
            {"project": project, "target": target},
            deadlines.MOVE,
        )

    def start(self, project: str, name: str) -> None:
        """Starts an instance where it is."""
        path, query = api_path("instances", name, "state"), {"project": project}
        self._client.change("PUT", path, {"action": "start"}, query)
