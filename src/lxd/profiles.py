# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Profiles, the default one, and instances that keep a device of it when it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import deadlines
from lxd.client import Client
from lxd.errors import LxdError
from lxd.http import api_path
from values import lxd_urls

Devices = Mapping[str, Mapping[str, str]]
"""Devices by name: their keys."""

_DEFAULT = api_path("profiles", "default")


class ProfilesApi:
    """/1.0/profiles."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def default(self) -> dict[str, Any]:
        """The default profile: `config`, `description`, `devices`."""
        profile = self._client.get(_DEFAULT, seconds=deadlines.LIST)
        return {key: profile[key] for key in ("config", "description", "devices")}

    def names(self) -> frozenset[str]:
        """The names of the default project's profiles."""
        urls: list[str] = self._client.get(api_path("profiles"), seconds=deadlines.LIST)
        return frozenset(lxd_urls.read(url).name for url in urls)

    def set_default(self, profile: Mapping[str, Any]) -> None:
        """Replaces the default profile."""
        self._client.change("PUT", _DEFAULT, dict(profile))


def keep(client: Client, chosen: Callable[[Devices], Devices]) -> None:
    """Gives instances of the default profile devices of their own, so that they do not change.

    `chosen` selects them from all devices that an instance has. A device that is the instance's own
    already stays as it is. For a running instance nothing changes.
    """
    users: list[str] = client.get(_DEFAULT, seconds=deadlines.LIST)["used_by"]
    for user in users:
        named = lxd_urls.read(user)
        if named.kind != "instances":
            continue
        path, query = api_path(*named.parts), {"project": named.project}
        instance = client.get(path, query)
        own: Devices = instance["devices"]
        # LXD leaves out what is empty.
        devices = chosen(instance.get("expanded_devices", {}))
        added = {name: device for name, device in devices.items() if name not in own}
        if not added:
            continue
        try:
            client.set_keys(path, {"devices": added}, query)
        except LxdError as error:
            # LXD checks the instance's other devices as well, and does not name the instance.
            # A status keeps the end.
            why = f"{error} of {named.project}/{named.name}"
            raise LxdError(why, error.status, error.request) from error
