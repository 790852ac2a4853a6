# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members with a pool on LVM. The kernel calls its device unused while no volume is active."""

from __future__ import annotations

from dataclasses import replace

from state.facts import Device
from tests.lxd_model.things import Pool
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import the_cluster

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


def renamed_lvm() -> ModelApp:
    """Since a reboot the disk of the pool is /dev/sdc, and another one is /dev/sdb."""
    app = on_lvm()
    machine = app.units["lxd/0"].machine
    other = Device(OF_LVM.path, OF_LVM.size, node="/dev/sdb")
    machine.disks = [other, replace(OF_LVM, path="/dev/sdc", node="/dev/sdc")]
    machine.groups = {source: {"/dev/sdc"} for source in ("local", OF_LVM.path.split("/")[0])}
    the_cluster(app).pools["local"] = _by_group(the_cluster(app).pools["local"])
    return app


def _by_group(pool: Pool) -> Pool:
    """As LXD keeps it: the source is the volume group, and the first one is beside it."""
    members = {
        member: {**keys, "source": pool.name, "volatile.initial_source": keys.get("source", "")}
        for member, keys in pool.members.items()
    }
    return replace(pool, members=members)
