# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import deadlines
from lxd.client import Client
from lxd.http import api_path
from values import lxd_urls
from values.lxd_booleans import is_true

_ACCESS = "restricted.networks.access"
_NIC = "restricted.devices.nic"


class ProjectsApi:
    """/1.0/projects."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def configs(self) -> dict[str, Mapping[str, str]]:
        """By project: its configuration."""
        rows = self._client.get(api_path("projects"), {"recursion": "1"}, deadlines.LIST)
        return {row["name"]: row["config"] for row in rows}

    def allowed_groups(self) -> dict[str, frozenset[str]]:
        """By project with a restriction to some cluster groups: their names."""
        return {
            name: frozenset(group.strip() for group in groups.split(","))
            for name, config in self.configs().items()
            if is_true(config.get("restricted", ""))
            and (groups := config.get("restricted.cluster.groups", ""))
        }

    def hidden_networks(self) -> dict[tuple[str, str], str]:
        """By project and name: networks that LXD shows to nobody, and the project's key for that.

        See NetworkAllowed in LXD's project.go (5.0 to 6.9). A project names them as its users
        nevertheless (measured on 5.0.2, 5.21 and 6.9).
        """
        rows = self._client.get(api_path("projects"), {"recursion": "1"}, deadlines.LIST)
        return {
            (row["name"], network): key
            for row in rows
            for network in _networks(row["used_by"])
            if (key := _hides(network, row["config"]))
        }

    def having(self, feature: str) -> list[str]:
        """The projects with their own objects of a feature. A missing key means yes."""
        return [
            name
            for name, config in self.configs().items()
            if is_true(config.get(f"features.{feature}", "true"))
        ]


def _networks(used_by: Iterable[str]) -> list[str]:
    """The names of the networks among a project's users."""
    users = map(lxd_urls.read, used_by)
    return sorted(user.name for user in users if user.kind == "networks")


def _hides(network: str, config: Mapping[str, str]) -> str:
    """The key by which a project hides one of its networks, empty if it shows it."""
    if not is_true(config.get("restricted", "")):
        return ""
    if config.get(_NIC) == "block":
        return _NIC
    shown = config.get(_ACCESS, "")
    return _ACCESS if shown and network not in map(str.strip, shown.split(",")) else ""
