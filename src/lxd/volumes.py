# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Custom volumes: those of users, and those of this member that LXD itself uses."""

from __future__ import annotations

import deadlines
from lxd.client import Client
from lxd.http import api_path
from lxd.projects import ProjectsApi
from state.lxd_objects import Volume


class VolumesApi:
    """/1.0/storage-pools/POOL/volumes/custom."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Volume, ...]:
        """The custom volumes that are on one member only, of all projects.

        A list of all pools at once exists from LXD 5.8 on (storage_volumes_all).
        """
        return tuple(v for v in self.list_all() if v.location not in ("", "none"))

    def list_all(self) -> tuple[Volume, ...]:
        """All custom volumes that LXD knows, of all projects, including those in a Ceph."""
        projects = ProjectsApi(self._client).having("storage.volumes")
        pools = self._client.get(api_path("storage-pools"), {"recursion": "1"}, deadlines.LIST)
        return tuple(
            Volume(project, pool["name"], row["name"], row.get("location", ""))
            for pool in pools
            for project in projects
            for row in self._client.get(
                _custom(pool["name"]), {"recursion": "1", "project": project}, deadlines.LIST
            )
        )

    def keep_on(self, key: str, pool: str, name: str) -> None:
        """Lets LXD keep the files of `key` on this member's volume; without a pool in its folder.

        LXD moves the existing files. Raises LxdError.
        """
        if pool and not self._is_there(pool, name):
            self._client.change("POST", _custom(pool), {"name": name})
        value = f"{pool}/{name}" if pool else ""
        self._client.change("PATCH", api_path(), {"config": {key: value}}, seconds=deadlines.VOLUME)

    def drop(self, pool: str, name: str) -> None:
        """Deletes this member's custom volume of that name, if there is one."""
        if self._is_there(pool, name):
            query = {"target": self._own_name()}
            path = api_path("storage-pools", pool, "volumes", "custom", name)
            self._client.change("DELETE", path, query=query, seconds=deadlines.VOLUME)

    def _is_there(self, pool: str, name: str) -> bool:
        own = self._own_name()
        rows = self._client.get(_custom(pool), {"recursion": "1"}, deadlines.LIST)
        return any(row["name"] == name and row.get("location") == own for row in rows)

    def _own_name(self) -> str:
        return str(self._client.get(api_path())["environment"]["server_name"])


def _custom(pool: str) -> str:
    return api_path("storage-pools", pool, "volumes", "custom")
