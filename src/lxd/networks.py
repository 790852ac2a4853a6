# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that LXD manages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import deadlines
from lxd import parsing, profiles
from lxd.client import Client
from lxd.errors import LxdError, LxdUnreachable
from lxd.http import api_path
from lxd.parsing import LxdWarning
from state.cluster import Network
from values.lxd_booleans import is_true
from values.profile_devices import NIC

logger = logging.getLogger(__name__)

_NETWORKS = api_path("networks")
_WARNINGS = api_path("warnings")
_UNAVAILABLE = "Network unavailable"
"""LXD's word for a warning about a network that it could not start on a member."""


def _nothing() -> None:
    """No check before a network is made."""


class NetworksApi:
    """/1.0/networks."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Network, ...]:
        """The networks that LXD manages."""
        rows = self._client.get(_NETWORKS, {"recursion": "1"}, deadlines.LIST)
        return tuple(parsing.network(row) for row in rows if row["managed"])

    def manages(self, name: str) -> bool:
        """Whether LXD may have a network of that name, in any state.

        It may if it does not answer, or if the default project hides networks. LXD shows an
        interface of the machine as a network that it does not manage.
        """
        try:
            return bool(self._client.get(api_path("networks", name))["managed"])
        except LxdError as error:
            return not error.not_found or self._hides_networks()
        except LxdUnreachable:
            return True

    def _hides_networks(self) -> bool:
        """Whether LXD may leave networks of the default project out of every answer.

        It does so with `restricted.networks.access`, or without nics (NetworkAllowed in project.go,
        5.0 to 6.9).
        """
        try:
            config = self._client.get(api_path("projects", "default"))["config"]
        except (LxdError, LxdUnreachable):
            return True
        return is_true(config.get("restricted", ""))

    def create(
        self,
        name: str,
        kind: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = _nothing,
    ) -> None:
        """Creates a network: first defined on each member, if any are named, then made on all.

        `ready` is called in between, and may raise.
        """
        for member, keys in members.items():
            body = {"name": name, "type": kind, "config": dict(keys)}
            self._client.change("POST", _NETWORKS, body, {"target": member})
        ready()
        self._client.change("POST", _NETWORKS, {"name": name, "type": kind, "config": dict(config)})

    def await_changes(self, name: str) -> None:
        """Returns once no operation runs on a network."""
        self._client.await_changes(api_path("networks", name), deadlines.CHANGE)

    def finish(self, name: str, kind: str) -> None:
        """Makes a network on the members that have not made it yet.

        This member first ends what it does for another client (networkCreateLock, 5.0 to 6.9).
        It has kept the network's keys, and refuses to get them again.
        """
        self._client.change("POST", _NETWORKS, {"name": name, "type": kind, "config": {}})

    def delete(self, name: str) -> None:
        """Deletes a network. LXD refuses it while the network is in use."""
        self._client.change("DELETE", api_path("networks", name))

    def parents(self, network: str, members: Iterable[str], key: str = "parent") -> dict[str, str]:
        """By member: the network's interface there. Without a target LXD shows none.

        `key` is LXD's key for it. That of a bridge may name several, separated by commas. A member
        that does not answer, or whose part LXD refuses to show, is left out.
        """
        parents: dict[str, str] = {}
        for member in members:
            try:
                on_member = self._client.get(api_path("networks", network), {"target": member})
            except (LxdError, LxdUnreachable) as error:
                logger.warning("network %s on %s: %s", network, member, error)
                continue
            parents[member] = on_member["config"].get(key, "")
        return parents

    def unavailable(self, member: str) -> dict[str, str]:
        """Networks that do not run on a member, with the reason.

        A list of all networks shows them as created. LXD's warnings have the reason, those of all
        members in one list; a warning may be older than the network's recovery.
        """
        warnings = self._warnings(member)
        reasons = {w.name: w.message for w in warnings}
        # LXD 5.0 does not name the network (measured).
        unnamed = reasons.pop("", "")
        projects = {w.name: w.project or "default" for w in warnings if w.name}
        if unnamed:
            projects |= {network.name: "default" for network in self.list()}
        reason_by_name: dict[str, str] = {}
        for name, project in projects.items():
            if self._status(name, {"target": member, "project": project}) == "UNAVAILABLE":
                reason_by_name[name] = reasons.get(name) or unnamed
        return reason_by_name

    def created_bridges(self, names: Iterable[str], member: str) -> list[str]:
        """Those of the names that are networks on a bridge, and that LXD calls created there."""
        found: list[str] = []
        for name in names:
            try:
                part = self._client.get(api_path("networks", name), {"target": member})
            except (LxdError, LxdUnreachable):
                continue  # It was deleted a moment ago.
            if part["type"] == "bridge" and str(part["status"]).upper() == "CREATED":
                found.append(name)
        return found

    def _warnings(self, member: str) -> Sequence[LxdWarning]:
        """The open warnings about networks that do not run on a member."""
        rows = self._client.get(_WARNINGS, {"recursion": "1"}, deadlines.LIST)
        warnings = [w for w in map(parsing.warning, rows) if w.type == _UNAVAILABLE]
        return [w for w in warnings if w.member == member and not w.resolved]

    def _status(self, network: str, query: Mapping[str, str]) -> str:
        try:
            return str(self._client.get(api_path("networks", network), query)["status"]).upper()
        except (LxdError, LxdUnreachable):
            return ""  # It was deleted a moment ago.

    def update(
        self,
        name: str,
        values: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
    ) -> None:
        """Changes keys of a network: members' own keys first.

        So when the shared keys have changed, each member's own keys have changed, too.
        """
        for member, keys in members.items():
            self.set_own(name, member, keys)
        self._client.set_keys(api_path("networks", name), {"config": dict(values)})

    def set_own(self, name: str, member: str, keys: Mapping[str, str]) -> None:
        """Changes a member's own keys of a network."""
        path = api_path("networks", name)
        self._client.set_keys(path, {"config": dict(keys)}, {"target": member})

    def pin_nics(self, nic: Mapping[str, str]) -> None:
        """Gives instances their own `eth0` if they have the default profile's.

        Otherwise an instance would move to the profile's new network at once, and its connections
        would break. For a running instance nothing changes by this.
        """
        profiles.keep(self._client, lambda devices: _own_nic(devices, nic))

    def pin_without_nic(self) -> None:
        """Keeps instances that have other nics without the `eth0` that the profile gets now.

        LXD refuses two nics of one name, also at an instance's next start ("Duplicate NIC name
        detected", nicCheckNamesUnique). Besides, a second nic may change the default route.
        """
        profiles.keep(self._client, _no_eth0)


def _own_nic(devices: profiles.Devices, nic: Mapping[str, str]) -> profiles.Devices:
    device = devices.get(NIC, {})
    return {NIC: device} if device and nic.items() <= device.items() else {}


def _no_eth0(devices: profiles.Devices) -> profiles.Devices:
    connected = any(device.get("type") == "nic" for device in devices.values())
    return {NIC: {"type": "none"}} if connected and NIC not in devices else {}
