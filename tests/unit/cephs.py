# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A Ceph and machines that can use it, for the tests of pools there."""

from __future__ import annotations

import pytest

from host import capabilities
from state.facts import Ceph
from tests.unit.model_units import ModelApp, formed

KEY = "AQDsecretkeyAA=="
READY = Ceph(user="lxd", key=KEY, monitors=("10.0.9.1", "10.0.9.2"), granted=True)


def known_to_kernels(monkeypatch: pytest.MonkeyPatch, *file_systems: str) -> None:
    """The machines' kernels can mount these."""

    def mounts(file_system: str) -> bool:
        return file_system in file_systems

    monkeypatch.setattr(capabilities, "_mounts", mounts)


def on_ceph(app: ModelApp) -> ModelApp:
    """Machines whose LXD can use a Ceph."""
    for unit in app.units.values():
        unit.server.drivers |= {"ceph", "cephfs"}
    return app


def integrated(monkeypatch: pytest.MonkeyPatch, generation: str = "5.21") -> ModelApp:
    """Two members with a Ceph, a kernel that mounts its file systems, and its admin's key."""
    known_to_kernels(monkeypatch, "ceph")
    app = on_ceph(formed(2, generation))
    app.related["ceph"] = READY
    app.cloud.ceph_admins |= set(app.cloud.servers)
    return app
