"""What takes more than one request to LXD to change its networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import lxd_profile
from lxd_requests import Requests


def create(
    requests: Requests,
    name: str,
    kind: str,
    config: Mapping[str, str],
    members: Mapping[str, Mapping[str, str]],
    ready: Callable[[], None],
) -> None:
    """Creates a network: first defined on each member, where any are named, then made on all."""
    for member, keys in members.items():
        body = {"name": name, "type": kind, "config": dict(keys)}
        requests.change("post", "networks", body, target=member)
    ready()
    requests.change("post", "networks", {"name": name, "type": kind, "config": dict(config)})


def parents(requests: Requests, network: str, members: Iterable[str]) -> dict[str, str]:
    """By member: the interface that a network is on there. Without a target LXD tells of none."""
    path = f"networks/{network}"
    return {
        member: requests.get(path, target=member)["config"].get("parent", "") for member in members
    }


def update(
    requests: Requests,
    name: str,
    values: Mapping[str, str],
    members: Mapping[str, Mapping[str, str]],
) -> None:
    """Changes keys of a network: what members have for themselves first.

    So the keys that all share tell, once they are changed, that each member's are.
    """
    path = f"networks/{name}"
    for member, keys in members.items():
        requests.change("patch", path, {"config": dict(keys)}, target=member)
    requests.change("patch", path, {"config": dict(values)})


def keep_nics(requests: Requests, nic: Mapping[str, str]) -> None:
    """Gives instances an `eth0` of their own where it is the default profile's.

    What follows the profile would be moved to its new network at once, and whom it is talking to
    would be cut off. For a running instance nothing changes by this.
    """
    lxd_profile.keep(
        requests, lambda name, device: name == "eth0" and nic.items() <= device.items()
    )
