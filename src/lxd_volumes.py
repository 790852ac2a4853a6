"""Custom volumes of this member that LXD itself uses."""

from __future__ import annotations

import deadlines
from lxd_requests import Requests


def keep_on(requests: Requests, key: str, pool: str, name: str) -> None:
    """LXD keeps what `key` is about on a volume of this member, or without a pool in its folder.

    What is there already LXD takes along. Raises LxdError.
    """
    if pool and not _is_there(requests, pool, name):
        body = {"name": name}
        requests.change("post", f"storage-pools/{pool}/volumes/custom", body)
    value = f"{pool}/{name}" if pool else ""
    requests.request("patch", "", deadlines.VOLUME, json={"config": {key: value}})


def drop(requests: Requests, pool: str, name: str) -> None:
    """This member has no volume of that name any more."""
    if _is_there(requests, pool, name):
        target = {"target": _own_name(requests)}
        path = f"storage-pools/{pool}/volumes/custom/{name}"
        requests.request("delete", path, deadlines.VOLUME, params=target)


def _is_there(requests: Requests, pool: str, name: str) -> bool:
    own = _own_name(requests)
    rows = requests.get(f"storage-pools/{pool}/volumes/custom", recursion="1")
    return any(row["name"] == name and row.get("location") == own for row in rows)


def _own_name(requests: Requests) -> str:
    return str(requests.get("")["environment"]["server_name"])
