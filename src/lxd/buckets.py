# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage buckets."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

import deadlines
from lxd import parsing
from lxd.client import Client
from lxd.errors import LxdError
from lxd.http import api_path
from lxd.projects import ProjectsApi
from state.lxd_objects import Bucket

_ANY, _ALL_PROJECTS = "storage_buckets", "storage_buckets_all_projects"
"""Extensions of the API. LXD 5.0 has no buckets."""


class BucketsApi:
    """/1.0/storage-pools/POOL/buckets."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self, extensions: Collection[str]) -> tuple[Bucket, ...]:
        """The buckets that are on one member only, of all projects.

        `extensions` are the server's. Buckets in a Ceph have no location.
        """
        return tuple(b for b in self.list_all(extensions) if b.location not in ("", "none"))

    def list_all(self, extensions: Collection[str]) -> tuple[Bucket, ...]:
        """All buckets that LXD knows, of all projects, including those in a Ceph."""
        if _ANY not in extensions:
            return ()
        queries = [{"all-projects": "true"}]
        if _ALL_PROJECTS not in extensions:
            projects = ProjectsApi(self._client).having("storage.buckets")
            queries = [{"project": project} for project in projects]
        pools = self._client.get(api_path("storage-pools"), {"recursion": "1"}, deadlines.LIST)
        return tuple(
            b for pool in pools for query in queries for b in self._in_pool(pool["name"], query)
        )

    def _in_pool(self, pool: str, query: dict[str, str]) -> list[Bucket]:
        path = api_path("storage-pools", pool, "buckets")
        try:
            rows = self._client.get(path, {"recursion": "1", **query}, deadlines.LIST)
        except LxdError as error:
            # A pool answers so if its driver does not know buckets.
            if error.status == HTTPStatus.BAD_REQUEST:
                return []
            raise
        return [parsing.bucket({**query, **row}, pool) for row in rows]
