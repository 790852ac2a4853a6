# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Leadership: a lease for each application, renewed by the holder's agent.

A lease lasts 60 s and is renewed every 30 s, so a true answer of `is-leader` holds for 30 s more.
An agent that is up renews by itself; the model looks at the clock only for a holder without an
agent.
"""

from __future__ import annotations

import math

from lab.model.errors import JujuError
from lab.model.state import Application, Lease, State, Unit

LEASE_SECONDS = 60.0
RENEWAL_SECONDS = 30.0


def is_leader(state: State, now: float, unit: Unit) -> bool:
    """Whether the unit holds its application's lease at this moment."""
    lease = state.applications[unit.app].lease
    return (
        lease is not None
        and lease.holder == unit.name
        and (lease.expires is None or now < lease.expires)
    )


def holds(state: State, unit: Unit) -> bool:
    """Whether the unit is the leader, for a unit with an agent: such an agent has renewed."""
    lease = state.applications[unit.app].lease
    return lease is not None and lease.holder == unit.name


def claim(state: State, now: float, unit: Unit) -> None:
    """The unit's agent is up: it takes a free lease, and renews its own."""
    app = state.applications[unit.app]
    if app.lease is None:
        _grant(state, now, app, unit.name)
    elif app.lease.holder == unit.name and app.lease.expires is not None:
        app.lease.acquired = now
        app.lease.expires = None


def lapse(state: State, now: float, unit: Unit) -> None:
    """The unit's lease is not renewed from now on: it ends 60 s after the last renewal."""
    lease = state.applications[unit.app].lease
    if lease is None or lease.holder != unit.name or lease.expires is not None:
        return
    renewals = math.floor((now - lease.acquired) / RENEWAL_SECONDS)
    lease.expires = lease.acquired + renewals * RENEWAL_SECONDS + LEASE_SECONDS


def release(state: State, now: float, unit: Unit) -> None:
    """The unit has left in order: Juju revokes its lease, and another unit takes it."""
    app = state.applications[unit.app]
    if app.lease is None or app.lease.holder != unit.name:
        return
    app.lease = None
    successor = _candidate(state, app)
    if successor is not None:
        _grant(state, now, app, successor.name)


def expire_leases(state: State, now: float) -> list[str]:
    """Give expired leases to a unit that can take them; returns these applications."""
    moved: list[str] = []
    for app in state.applications.values():
        if app.lease is None or app.lease.expires is None or now < app.lease.expires:
            continue
        successor = _candidate(state, app)
        if successor is not None:
            _grant(state, now, app, successor.name)
            moved.append(app.name)
    return moved


def next_expiry(state: State, now: float) -> float | None:
    """When, after `now`, the next lease expires that another unit waits for."""
    moments = [
        app.lease.expires
        for app in state.applications.values()
        if app.lease is not None
        and app.lease.expires is not None
        and app.lease.expires > now
        and _candidate(state, app) is not None
    ]
    return min(moments, default=None)


def move(state: State, now: float, app_name: str, unit_name: str) -> None:
    """Give the lease to a unit. Raises JujuError when the unit is not in the application."""
    unit = state.units.get(unit_name)
    if unit is None or unit.app != app_name:
        raise JujuError(f'unit "{unit_name}" not found')
    _grant(state, now, state.applications[app_name], unit_name)
    if unit.agent != "up":
        lapse(state, now, unit)


def _candidate(state: State, app: Application) -> Unit | None:
    """The unit that claims a free lease: the one with the lowest number among those that can."""
    able = [
        unit
        for unit in state.units.values()
        if unit.app == app.name and unit.agent == "up" and unit.life == "alive"
    ]
    return min(able, key=lambda unit: unit.number, default=None)


def _grant(state: State, now: float, app: Application, unit_name: str) -> None:
    if app.lease is not None and app.lease.holder != unit_name:
        leader_before = state.units.get(app.lease.holder)
        if leader_before is not None:
            leader_before.leader_accepted = False
    app.lease = Lease(holder=unit_name, acquired=now)
