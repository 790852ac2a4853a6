# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Restrictions of projects: networks that they hide, and what makes LXD refuse a join."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lxd_model.refusal import Refusal
from tests.lxd_model.things import DEFAULT, is_true

if TYPE_CHECKING:
    from tests.lxd_model.records import Records
    from tests.lxd_model.server import Server


def visible(records: Records, project: str, name: str) -> bool:
    """Whether a project shows a managed network (NetworkAllowed in project.go)."""
    config = records.projects[project].config
    if not is_true(config.get("restricted", "")):
        return True
    if config.get("restricted.devices.nic") == "block":
        return False
    named = config.get("restricted.networks.access", "")
    return not named or name in [word.strip() for word in named.split(",")]


def hidden(records: Records) -> str:
    """The reason against each join: a network that its project hides. Empty without one.

    The joining server leaves it out of its request, as it takes the networks from LXD's lists
    (measured on 5.0.2 and 6.9; clusterCheckNetworksMatch in api_cluster.go).
    """
    for network in records.networks.values():
        made = network.status == "Created" and network.project in records.projects
        if made and not visible(records, network.project, network.name):
            return f'Missing network "{network.name}" in project "{network.project}"'
    return ""


def require_groups(server: Server, records: Records) -> None:
    """Refuses the projects of a cluster that name a cluster group.

    A joining server first makes each project with networks of its own, and has no group but
    `default` (measured on 5.21.7 and 6.9; projectValidateConfig, from 5.21.4 and 6.4 on).
    """
    if not server.generation.modern:
        return
    for project in records.projects.values():
        if project.name != DEFAULT and not is_true(project.config.get("features.networks", "")):
            continue
        named = project.config.get("restricted.cluster.groups", "")
        if foreign := [group for group in named.split(",") if group.strip() not in ("", DEFAULT)]:
            key = "restricted.cluster.groups"
            raise Refusal(
                "Failed initializing member: Failed initializing storage pools and networks: "
                f'Failed creating local member project "{project.name}": Invalid project '
                f'configuration key "{key}" value: Cluster group "{foreign[0]}" not found'
            )
