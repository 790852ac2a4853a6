"""Instances that have a device from the default profile, and shall keep it when that changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import deadlines
from lxd_requests import Requests


def keep(requests: Requests, meant: Callable[[str, Mapping[str, str]], bool]) -> None:
    """Gives instances the devices as their own that they have from the profile and that are meant.

    `meant` is asked with a device's name and keys. For a running instance nothing changes.
    """
    for user in requests.get("profiles/default")["used_by"]:
        path, _, query = user.removeprefix("/1.0/").partition("?")
        params = dict(pair.split("=", 1) for pair in query.split("&") if pair)
        if not path.startswith("instances/"):
            continue
        instance = requests.get(path, **params)
        inherited = {
            name: device
            for name, device in instance["expanded_devices"].items()
            if name not in instance["devices"] and meant(name, device)
        }
        if inherited:
            body = {"devices": inherited}
            requests.request("patch", path, deadlines.CHANGE, json=body, params=params)
