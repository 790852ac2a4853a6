# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The requirer of an OVN database: what the two interfaces that offer one have in common."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from relations import ovn
from tests.interface.requirer import Requirer
from tests.unit.model_units import formed
from tests.unit.scenarios import the_cluster

WANTS = "blocked: ovn: integrate it with ovn-central, or set ovn-northbound"
UNUSABLE = "blocked: ovn: its database's address is not an address: see juju show-unit lxd/0"


class RequirerUnit(BaseModel):
    """The databag of a unit of the client: it has no key."""

    model_config = ConfigDict(extra="forbid")


def ovn_requirer(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Requirer:
    """The first member, which has opened the database with a certificate from elsewhere."""
    app = formed(3)
    for unit in app.units.values():
        unit.machine.others_opened_ovn = True
    config = {"network-mode": "ovn", "network-name": "ovn0"}
    return Requirer(app, "lxd/0", endpoint, config, monkeypatch)


def used(requirer: Requirer) -> str:
    """LXD's connection to the database."""
    return the_cluster(requirer.app).config.get(ovn.KEY_OF_DATABASE, "")
