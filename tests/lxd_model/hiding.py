# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks that a restricted project hides: LXD leaves them out of every answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.lxd_model.things import is_true

if TYPE_CHECKING:
    from tests.lxd_model.records import Records


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
