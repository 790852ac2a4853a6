# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Profiles, the default one, and instances that keep a device of it when it changes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import deadlines
from lxd.client import Client
from lxd.errors import LxdError, LxdUnreachable
from lxd.http import api_path
from values import lxd_urls
from values.profile_devices import NIC

Devices = Mapping[str, Mapping[str, str]]
"""Devices by name: their keys."""

_DEFAULT = api_path("profiles", "default")
_NOT_CHANGED = re.compile(r"Project: (\S+), Instance: (\S+): ")
"""A line of LXD's list of instances that it could not change with their profile."""


def not_changed(error: str) -> frozenset[str]:
    """The instances that LXD names in an error about a profile that it has saved."""
    saved = "profile change still saved" in error
    return frozenset(f"{m[1]}/{m[2]}" for m in _NOT_CHANGED.finditer(error) if saved)


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

    def running(self) -> frozenset[str]:
        """The instances of the default profile that may run now, as PROJECT/NAME."""
        rows = self._rows().items()
        return frozenset(name for name, row in rows if row is None or _runs(row))

    def left_without_nic(self, named: Collection[str]) -> dict[str, str]:
        """Running instances of the default profile that lack its nic, with their last start.

        `named` are those that LXD could not change. It names those of one member only, and none of
        a member that it could not tell (`profilePut`, and `NewNotifier` with NotifyAlive, 5.0 to
        6.9). An instance of a member that does not answer counts, with an empty start.
        """
        return {
            name: str(row["last_used_at"]) if row is not None else ""
            for name, row in self._rows().items()
            if row is None or (_nic_of_profile(row) and (name in named or _unplugged(row)))
        }

    def still_without_nic(self, before: Mapping[str, str]) -> dict[str, str]:
        """Those of these instances that have not started since then, and have no own `eth0`.

        An instance of a member that does not answer counts. An empty start means that nobody knew
        whether the instance got the nic: it is replaced as soon as that is known.
        """
        rows = {name: self._row(*name.split("/", 1)) for name in before}
        return {
            name: started or (str(row["last_used_at"]) if row is not None else "")
            for name, started in before.items()
            if (row := rows[name]) is None or _still_lacks(row, started)
        }

    def _rows(self) -> dict[str, Mapping[str, Any] | None]:
        """By PROJECT/NAME: the instances of the default profile, see `_row`."""
        users: list[str] = self._client.get(_DEFAULT, seconds=deadlines.LIST)["used_by"]
        parts = [url for url in map(lxd_urls.read, users) if url.kind == "instances"]
        return {f"{url.project}/{url.name}": self._row(url.project, url.name) for url in parts}

    def _row(self, project: str, name: str) -> Mapping[str, Any] | None:
        """An instance as LXD shows it, without any key if there is none; None without an answer."""
        try:
            return self._client.get(api_path("instances", name), {"project": project})
        except LxdError as error:
            return {} if error.not_found else None
        except LxdUnreachable:
            return None


def _nic_of_profile(row: Mapping[str, Any]) -> bool:
    """Whether an instance that is not stopped has an `eth0` that is not its own."""
    own: Devices = row.get("devices") or {}
    devices: Devices = row.get("expanded_devices") or {}
    return devices.get(NIC, {}).get("type") == "nic" and NIC not in own and _runs(row)


def _runs(row: Mapping[str, Any]) -> bool:
    return bool(row) and str(row.get("status")).upper() != "STOPPED"


def _unplugged(row: Mapping[str, Any]) -> bool:
    """Whether a running instance has no `eth0` although its devices do.

    LXD notes the host's side of a nic when it starts it, and removes the note if that fails
    (`Start` and `postStop` of nic_bridged.go, nic_macvlan.go, nic_sriov.go and nic_ovn.go, 5.0 to
    6.9).
    """
    config: Mapping[str, str] = row.get("expanded_config") or {}
    return not config.get(f"volatile.{NIC}.host_name")


def _still_lacks(row: Mapping[str, Any], started: str) -> bool:
    """Whether an instance is without the nic, as after its last start at `started`."""
    if not _nic_of_profile(row):
        return False
    return row["last_used_at"] == started if started else _unplugged(row)


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
