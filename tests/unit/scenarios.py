# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Changes of an application in memory: leaving units, objects on members, dead members."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from records import join_lock
from state.facts import Device
from state.notes import entries_of
from tests.lxd_model import by_hand, joining
from tests.lxd_model.cloud import Fault
from tests.lxd_model.records import Records
from tests.lxd_model.server import Server
from tests.unit.model_units import ModelApp
from values.interface import Interface

ADDRESSED = Interface("eth0", subnets=("192.0.2.1/24",), defaults=frozenset({4}))
ETH1, ENS3 = Interface("eth1"), Interface("ens3")
BR0 = Interface("br0", bridge=True)
DISK = Device("/dev/sdb", 20 << 30)

SILENT = 40.0
"""Seconds without a heartbeat after which LXD calls a member offline."""


def the_cluster(app: ModelApp) -> Records:
    """The database of the only cluster."""
    (records,) = (r for r in app.cloud.databases if r.rows)
    return records


def names(app: ModelApp) -> list[str]:
    """The names of the cluster's members."""
    return sorted(row.name for row in the_cluster(app).members)


def server(app: ModelApp, member: str) -> Server:
    """The machine of a member."""
    return app.cloud.servers[the_cluster(app).rows[member].server]


def locations(app: ModelApp) -> dict[str, str]:
    """By instance: the member that it is on."""
    return {i.name: i.location for i in the_cluster(app).instances.values()}


def leaving(app: ModelApp, *units: str) -> ModelApp:
    """The operator has removed these units."""
    app.leaving |= set(units)
    return app


def with_instance(app: ModelApp, member: str, evacuate: str = "", name: str = "c1") -> ModelApp:
    """A running instance is on the member."""
    by_hand.launch(server(app, member), name, evacuate)
    return app


def with_volume(app: ModelApp, member: str) -> ModelApp:
    """A custom volume is on the member."""
    by_hand.add_volume(server(app, member), "local", "data")
    return app


def with_pool(
    app: ModelApp, name: str, driver: str = "dir", config: Mapping[str, str] | None = None
) -> ModelApp:
    """The operator has made a pool on all members, whose machines have the driver."""
    for unit in app.units.values():
        unit.server.drivers |= {driver}
    api(app).pools.create(name, driver, config or {}, {member: {} for member in names(app)})
    return app


def with_half_made_pool(app: ModelApp, name: str, driver: str, status: str) -> ModelApp:
    """Somebody began to make a pool: it is defined, and on all members but one also Errored."""
    last = server(app, names(app)[-1])

    def ends() -> None:
        if status == "Pending":
            raise LxdUnreachable("its issuer ended")
        last.kill_daemon()

    with suppress(LxdError, LxdUnreachable):
        api(app).pools.create(name, driver, {}, {member: {} for member in names(app)}, ends)
    last.start_daemon()
    return later(app, 10.0)


def on_machines(app: ModelApp, *interfaces: Interface) -> ModelApp:
    """Each machine in turn has one of these, the last has the rest."""
    for number, unit in enumerate(app.units.values()):
        unit.machine.interfaces_ = [ADDRESSED, interfaces[min(number, len(interfaces) - 1)]]
    return app


def api(app: ModelApp, unit: str = "lxd/0") -> LxdApi:
    """LXD on a unit's machine, as an operator uses it."""
    return app.units[unit].ports.lxd


def with_ranges(app: ModelApp) -> ModelApp:
    """The operator has given `lxdbr0` addresses for OVN, as in LXD's guide to OVN."""
    ranges = {"ipv4.dhcp.ranges": "10.0.0.2-10.0.0.99", "ipv4.ovn.ranges": "10.0.0.200-10.0.0.250"}
    api(app).networks.update("lxdbr0", ranges, {})
    return app


def changed(app: ModelApp, **options: Any) -> ModelApp:
    """The operator has set these options, and the units have run their hooks."""
    app.options |= options
    app.settle()
    return app


def without(app: ModelApp, *members: str) -> ModelApp:
    """These members' machines are dead, and LXD has noticed."""
    for name in members:
        server(app, name).power_off()
    return later(app, SILENT)


def joined_by_hand(app: ModelApp) -> Server:
    """An operator joins a server without a unit: the member `byhand`."""
    other = app.cloud.add("byhand", "byhand", "10.0.0.99")
    other.revision = "100"
    other.start_daemon()
    later(app, 10.0)
    by_hand.join(other, server(app, "m0"))
    return other


def later(app: ModelApp, seconds: float) -> ModelApp:
    """Time passes."""
    app.cloud.now += seconds
    app.cloud.tick()
    return app


def cluster_api(app: ModelApp) -> LxdApi:
    """LXD's API on a member that answers."""
    holding = app.cloud.holding(the_cluster(app))
    return next(LxdApi(server.lxd) for server in holding if server.silence() is None)


def notes(app: ModelApp) -> dict[str, str]:
    """The charm's notes in the cluster's database."""
    return cluster_api(app).notes.read()


def note(app: ModelApp, name: str, value: str) -> ModelApp:
    """Somebody has written a note; an empty value removes it."""
    cluster_api(app).notes.write({name: value})
    return app


def fail(app: ModelApp, unit: str, *calls: str, how: Fault = "refuse") -> ModelApp:
    """From now on these calls of LXD on the unit's machine fail, and no others."""
    failing = app.units[unit].server.machine
    app.cloud.fault = lambda machine, call: how if machine == failing and call in calls else ""
    return app


def heal(app: ModelApp) -> ModelApp:
    """No call fails any more."""
    return fail(app, next(iter(app.units)))


def use_token(app: ModelApp, member: str) -> ModelApp:
    """Somebody has begun to join with the token for this name, and is not a member yet."""
    records = the_cluster(app)
    assert member in records.tokens
    joining.void(records, member, app.cloud.now)
    return app


def give_join_lock(app: ModelApp, lock: str) -> ModelApp:
    """Another member has given a unit the turn to join."""
    number = max(entries_of(join_lock.LOG, notes(app)), default=0) + 1
    assert cluster_api(app).notes.append(join_lock.LOG, number, lock)
    return app
