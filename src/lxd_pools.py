"""What takes more than one request to LXD to change its pools."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import deadlines
import lxd_profile
from lxd_reading import LxdError, LxdUnreachable
from lxd_requests import Requests

_OWN = "volatile.pool.pristine"
"""Key of a pool in a Ceph: LXD found nothing of another LXD there when it made it."""


def create(
    requests: Requests,
    name: str,
    driver: str,
    config: Mapping[str, str],
    members: Mapping[str, Mapping[str, str]],
    ready: Callable[[], None],
) -> None:
    """Creates a pool: defined on each member of a cluster, then made on all. `ready` may raise."""
    for member, keys in members.items():
        body = {"name": name, "driver": driver, "config": dict(keys)}
        requests.change("post", "storage-pools", body, target=member)
    ready()
    body = {"name": name, "driver": driver, "config": dict(config)}
    requests.request("post", "storage-pools", deadlines.POOL, json=body)


def unavailable(requests: Requests, pools: Iterable[str], member: str) -> dict[str, str]:
    """Those pools that a member cannot use now, and what is missing.

    A list of all pools calls them created all the same; LXD's word of one it takes when its daemon
    starts, and tries again each minute.
    """
    found: dict[str, str] = {}
    for pool in pools:
        try:
            told = requests.get(f"storage-pools/{pool}", target=member)
        except LxdUnreachable:
            # A device that hangs is no sign that LXD does.
            found[pool] = "it does not answer"
            continue
        except LxdError:
            continue  # It was deleted a moment ago.
        if why := _missing(told):
            found[pool] = why
    return found


def _missing(pool: Any) -> str:
    source = str(pool["config"].get("source", ""))
    if source.startswith("/dev/") and not Path(source).exists():
        return f"{source} is gone"
    return "LXD cannot mount it" if pool["status"].upper() == "UNAVAILABLE" else ""


def finish(requests: Requests, name: str) -> None:
    """Makes a pool on the members that have not made it yet.

    LXD has kept its keys, and refuses to be told them again.
    """
    driver = requests.get(f"storage-pools/{name}")["driver"]
    body: dict[str, Any] = {"name": name, "driver": driver, "config": {}}
    requests.request("post", "storage-pools", deadlines.POOL, json=body)


def delete(requests: Requests, name: str) -> None:
    """Deletes a pool. LXD refuses one that holds more than images.

    What LXD takes for its own in a Ceph it deletes there as well, with all that anybody has in it,
    or fails where its key does not allow that. So it is told that the OSD pool is not its own; of
    one that is half made it cannot be told. Raises LxdError.
    """
    pool = requests.get(f"storage-pools/{name}")
    if pool["config"].get(_OWN) == "true":
        if pool["status"].upper() != "CREATED":
            raise LxdError(f"{name} is half made in Ceph: it can only be finished")
        requests.change("patch", f"storage-pools/{name}", {"config": {_OWN: "false"}})
    requests.request("delete", f"storage-pools/{name}", deadlines.POOL)


def keep_roots(requests: Requests, pool: str) -> None:
    """Gives instances a root disk of their own where it is the default profile that says `pool`.

    LXD moves no profile's root disk to another pool while an instance has it from there.
    """
    root = {"type": "disk", "path": "/", "pool": pool}
    lxd_profile.keep(requests, lambda _, device: root.items() <= device.items())
