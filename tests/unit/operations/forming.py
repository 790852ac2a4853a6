# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operations that form a cluster or let a unit leave it: the next hook of the unit does them."""

from __future__ import annotations

from state.facts import Device
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import leaving, with_instance


def founding() -> tuple[ModelApp, str]:
    app = ModelApp()
    app.add(0)
    app.hook("lxd/0")
    return app, "lxd/0"


def joining() -> tuple[ModelApp, str]:
    app = formed(1)
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(unit)
    return app, "lxd/1"


def resetting() -> tuple[ModelApp, str]:
    """A join that LXD refuses half way: another member has another version by then."""
    app = formed(3)
    app.options["storage_devices"] = "/dev/sdb"
    app.add(3).machine.disks = [Device("/dev/sdb", 1 << 30)]
    for unit in ("lxd/3", "lxd/0", "lxd/2"):
        app.hook(unit)
    refresh_another(app, f"{app.cloud.version}9")
    return app, "lxd/3"


def refresh_another(app: ModelApp, version: str) -> None:
    server = app.units["lxd/1"].server
    server.version = version
    server.restart()


def admitting() -> tuple[ModelApp, str]:
    app = formed(1)
    app.add(1)
    app.hook("lxd/1")
    return app, "lxd/0"


def spreading() -> tuple[ModelApp, str]:
    app = formed(2)
    app.options |= {"network_mode": "vxlan", "network_name": "seg0", "storage_backend": "dir"}
    app.hook("lxd/1")  # It says by which interface its tunnels go.
    return app, "lxd/0"


def departing() -> tuple[ModelApp, str]:
    return leaving(with_instance(formed(3), "m2"), "lxd/2"), "lxd/2"


ACTS = [founding, joining, resetting, admitting, spreading, departing]
