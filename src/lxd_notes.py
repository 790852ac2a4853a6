"""What the charm keeps in LXD's database: keys of the default project.

The server's own configuration would be the other place. But each member answers for that from
memory: one that has just joined knows none of the cluster's keys, and one that was cut off has the
old ones, until somebody changes one. If-Match is compared with that memory, too (measured, 5.0.2).
A project is read from the database by every request.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import deadlines
from lxd_reading import LxdChangedError
from lxd_requests import Requests

_PROJECT = "projects/default"
_PREFIX = "user.lxd-cluster."


def read(requests: Requests) -> dict[str, str]:
    """All of them."""
    config: dict[str, str] = requests.get(_PROJECT)["config"]
    return {key: value for key, value in config.items() if key.startswith(_PREFIX)}


def write(requests: Requests, values: Mapping[str, str]) -> None:
    """Sets some; an empty value takes one away."""
    import tenacity

    attempts = tenacity.Retrying(
        stop=tenacity.stop_after_delay(deadlines.CHANGE),
        wait=tenacity.wait_random(0.05, 0.5),
        retry=tenacity.retry_if_exception_type(LxdChangedError),
        reraise=True,
    )
    attempts(lambda: _replace(requests, *_project(requests), values))


def exchange(requests: Requests, key: str, before: str, after: str) -> bool:
    """Sets one that is `before` still. False if it is not."""
    project, version = _project(requests)
    if project["config"].get(key, "") != before:
        return False
    try:
        _replace(requests, project, version, {key: after})
    except LxdChangedError:
        return False
    return True


def _project(requests: Requests) -> tuple[Any, str]:
    """The project as it is, and which version of it that is."""
    found = requests.response("get", _PROJECT, deadlines.LOOK)
    return found.json()["metadata"], found.headers["ETag"]


def _replace(requests: Requests, project: Any, version: str, values: Mapping[str, str]) -> None:
    """Writes the whole project, if it is of that version still. Raises LxdChangedError.

    PATCH would be shorter, and forgets in LXD 5.0 what it is not told.
    """
    config = {**project["config"], **values}
    body = {
        "description": project["description"],
        "config": {key: value for key, value in config.items() if value},
    }
    headers = {"If-Match": version}
    requests.request("put", _PROJECT, deadlines.CHANGE, json=body, headers=headers)
