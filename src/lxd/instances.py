# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances of all projects and members."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import deadlines
from lxd import parsing
from lxd.client import Client
from lxd.errors import LxdError
from lxd.http import api_path
from state.lxd_objects import AUTOSTART_BEFORE, Instance
from values import lxd_urls

_UNSET = "unset"
"""The note of an instance without a `boot.autostart` of its own."""


class InstancesApi:
    """/1.0/instances."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Instance, ...]:
        """The instances of all projects and members."""
        query = {"recursion": "1", "all-projects": "true"}
        rows = self._client.get(api_path("instances"), query, deadlines.LIST)
        return tuple(parsing.instance(row) for row in rows)

    def settle(self, project: str, name: str, seconds: float) -> None:
        """Returns once no operation runs on an instance, whether it failed or not.

        Raises LxdUnreachable after `seconds`.
        """
        query = {"recursion": "1", "project": project}
        operations = self._client.get(api_path("operations"), query, deadlines.LIST)
        for operation in operations.get("running", []):
            if operation["class"] == "task" and _concerns(operation, name):
                with suppress(LxdError):
                    self._client.wait(operation["id"], seconds)

    def location(self, project: str, name: str) -> str:
        """The member of an instance, empty if there is no such instance."""
        instance = self.find(project, name)
        return instance.location if instance is not None else ""

    def find(self, project: str, name: str) -> Instance | None:
        """An instance as it is now, None if there is no such instance."""
        try:
            return parsing.instance(self._get(project, name))
        except LxdError as error:
            if error.not_found:
                return None
            raise

    def starts_by_itself(self, project: str, name: str) -> bool:
        """Whether a daemon may start an instance: it ran when LXD last knew, or has autostart.

        LXD's list does not show that for dead members. Raises LxdError, LxdUnreachable.
        """
        row = self._get(project, name)
        return parsing.ran_last(row) or parsing.autostart(row)

    def move(self, project: str, name: str, target: str, *, live: bool) -> None:
        """Moves an instance to another member; without `live` it must be stopped.

        `target` is a member, or a cluster group after an `@` (5.21 and later).
        """
        self._client.change(
            "POST",
            api_path("instances", name),
            # LXD reads a missing `live` as true.
            {"name": name, "migration": True, "live": live},
            {"project": project, "target": target},
            deadlines.MOVE,
        )

    def set_group(self, project: str, name: str, group: str) -> None:
        """Puts an instance into a cluster group: LXD keeps it there when it chooses a member."""
        self._set(project, name, {parsing.GROUP: group})

    def keep_stopped(self, project: str, name: str) -> None:
        """Keeps every daemon that starts from starting the instance.

        A daemon starts what has `boot.autostart`, and what ran last and lacks that key
        (instanceShouldAutoStart). The instance's own `boot.autostart` is noted on the instance.
        """
        row = self._get(project, name)
        stopped = {parsing.LAST_STATE: "STOPPED"}
        if parsing.autostart(row):
            own = str(row["config"].get(parsing.AUTOSTART) or _UNSET)
            stopped |= {parsing.AUTOSTART: "false", AUTOSTART_BEFORE: own}
        self._set(project, name, stopped)

    def restore_autostart(self, project: str, name: str) -> None:
        """Gives the instance the `boot.autostart` that it had before `keep_stopped`, or none."""
        before = str(self._get(project, name)["config"].get(AUTOSTART_BEFORE, ""))
        if before:
            own = "" if before == _UNSET else before
            self._set(project, name, {parsing.AUTOSTART: own, AUTOSTART_BEFORE: ""})

    def _set(self, project: str, name: str, config: dict[str, str]) -> None:
        self._client.set_keys(api_path("instances", name), {"config": config}, {"project": project})

    def _get(self, project: str, name: str) -> Any:
        return self._client.get(api_path("instances", name), {"project": project})

    def start(self, project: str, name: str) -> None:
        """Starts an instance where it is."""
        path, query = api_path("instances", name, "state"), {"project": project}
        self._client.change("PUT", path, {"action": "start"}, query)

    def stop(self, project: str, name: str, seconds: int) -> None:
        """Stops an instance, as LXD's evacuation does: it has so many seconds to shut down."""
        path, query = api_path("instances", name, "state"), {"project": project}
        soft = {"action": "stop", "timeout": seconds, "force": False}
        try:
            self._client.change("PUT", path, soft, query, seconds + deadlines.CHANGE)
        except LxdError:
            if self._get(project, name)["status"].upper() == "STOPPED":
                return
            hard = {"action": "stop", "timeout": -1, "force": True}
            self._client.change("PUT", path, hard, query)


def _concerns(operation: dict[str, Any], name: str) -> bool:
    """Whether an operation is about an instance of that name.

    LXD names it in `resources`, 6.x in the metadata.
    """
    resources: dict[str, list[str] | None] = operation.get("resources") or {}
    metadata: dict[str, Any] = operation.get("metadata") or {}
    urls = [*(resources.get("instances") or ()), str(metadata.get("entity_url", ""))]
    return any(lxd_urls.read(url).parts == ("instances", name) for url in urls)
