# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members with a pool on LVM. The kernel calls its device unused while no volume is active."""

from __future__ import annotations

from dataclasses import replace

from state.facts import Device
from tests.unit.model_units import ModelApp

# LXD looks whether the path exists.
OF_LVM = Device("/dev/null", 20 << 30, holds="LVM2_member", ids=("uuid-1",), node="/dev/sdb")


def on_lvm() -> ModelApp:
    """Three members with a pool on a volume group, whose volumes are not in use."""
    app = ModelApp(options={"storage_backend": "lvm", "storage_devices": OF_LVM.path})
    for number in range(3):
        unit = app.add(number)
        unit.server.drivers |= {"lvm"}
        unit.machine.disks = [replace(OF_LVM, holds="", ids=())]
    app.settle()
    for unit in app.units.values():
        unit.machine.disks = [OF_LVM, replace(OF_LVM, path="/dev/sdb")]
    return app
