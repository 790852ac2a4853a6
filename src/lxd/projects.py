# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import deadlines
from lxd.client import Client
from lxd.http import api_path
from state.cluster import RESTRICTED_GROUPS
from values import lxd_urls
from values.lxd_booleans import is_true

_ACCESS = "restricted.networks.access"
_NIC = "restricted.devices.nic"
_DEFAULT = "default"
"""The name of the first project, and of the first cluster group."""


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
            name: groups
            for name, config in self.configs().items()
            if is_true(config.get("restricted", "")) and (groups := _groups(config))
        }

    def join_obstacles(self) -> dict[tuple[str, str], str]:
        """By project and name: what may prevent every join, and the key of the project for it.

        A joining server gets the cluster's projects and networks from LXD's lists, and makes them.
        Networks that a project hides are missing there. An LXD that looks for the cluster groups of
        a project has only the group `default` at that time (measured on 5.21.7 and 6.9).
        """
        rows = self._client.get(api_path("projects"), {"recursion": "1"}, deadlines.LIST)
        found: dict[tuple[str, str], str] = {}
        for row in rows:
            project, config = row["name"], row["config"]
            hidden = {name: _hides(name, config) for name in _networks(row["used_by"])}
            found |= {(project, name): key for name, key in hidden.items() if key}
            if _has_networks(project, config):
                found |= {
                    (project, group): RESTRICTED_GROUPS for group in _groups(config) - {_DEFAULT}
                }
        return found

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
    """The key by which a project hides one of its networks, empty if it shows it.

    See NetworkAllowed in LXD's project.go (5.0 to 6.9; measured on 5.0.2 and 6.9).
    """
    if not is_true(config.get("restricted", "")):
        return ""
    if config.get(_NIC) == "block":
        return _NIC
    shown = config.get(_ACCESS, "")
    return _ACCESS if shown and network not in map(str.strip, shown.split(",")) else ""


def _has_networks(project: str, config: Mapping[str, str]) -> bool:
    """Whether a project has networks of its own: a joining server makes only these projects."""
    return project == _DEFAULT or is_true(config.get("features.networks", ""))


def _groups(config: Mapping[str, str]) -> frozenset[str]:
    """The cluster groups that a project names."""
    return frozenset(group.strip() for group in config.get(RESTRICTED_GROUPS, "").split(",")) - {""}
