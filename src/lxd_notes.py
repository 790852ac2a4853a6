"""What the charm keeps in LXD's database: keys of the default project.

The server's own configuration would be the other place. But each member answers for that from
memory: one that has just joined knows none of the cluster's keys, and one that was cut off has the
old ones, until somebody changes one. If-Match is compared with that memory, too (measured, 5.0.2).
A project is read from the database by every request.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    requests.change("patch", _PROJECT, {"config": dict(values)})


def exchange(requests: Requests, key: str, before: str, after: str) -> bool:
    """Sets one that is `before` still. False if it is not.

    LXD refuses a change that names another version than the one that it has.
    """
    found = requests.response("get", _PROJECT, deadlines.LOOK)
    if found.json()["metadata"]["config"].get(key, "") != before:
        return False
    body = {"config": {key: after}}
    headers = {"If-Match": found.headers["ETag"]}
    try:
        requests.request("patch", _PROJECT, deadlines.CHANGE, json=body, headers=headers)
    except LxdChangedError:
        return False
    return True
