# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Images."""

from __future__ import annotations

import deadlines
from lxd import parsing
from lxd.client import Client
from lxd.http import api_path
from lxd.projects import ProjectsApi
from state.lxd_objects import Image

_REPLICAS = "cluster.images_minimal_replica"


class ImagesApi:
    """/1.0/images, and the number of members with a copy of each."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Image, ...]:
        """The images of all projects. LXD does not say which members have a copy."""
        return tuple(
            parsing.image(row, project)
            for project in ProjectsApi(self._client).having("images")
            for row in self._client.get(
                api_path("images"), {"recursion": "1", "project": project}, deadlines.LIST
            )
        )

    def copy_to(self, members: int) -> None:
        """Lets LXD copy each image to at least so many online members, as far as it can.

        LXD copies before it answers (by its source, in 5.0, 5.21 and 6.x), but does not report what
        it could not copy.
        """
        config = {_REPLICAS: str(members)}
        self._client.change("PATCH", api_path(), {"config": config}, seconds=deadlines.IMAGES)
