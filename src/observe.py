"""Looks at LXD, the snap and the machine, and changes nothing.

LXD is asked no more than a plan needs: two things on most members, four on the steward.
"""

from __future__ import annotations

from dataclasses import dataclass

import deadlines
from lxd_reading import LxdError, LxdStopped, LxdUnreachable
from membership import is_steward
from options import Options
from view import Events, Lxd, Member, Peers, Resource, Silent, View
from world import World


@dataclass(frozen=True)
class Juju:
    """What Juju says to this unit, read once at the beginning of a hook."""

    unit: str
    leader: bool
    options: Options
    resource: Resource | None
    cluster_address: str
    https_address: str
    zone: str
    peers: Peers | None
    known_units: frozenset[str] | None = None


def observe(juju: Juju, world: World, events: Events) -> View:
    """Everything that a plan may depend on, as it is now."""
    snap = world.snap.facts(juju.resource)
    return View(
        unit=juju.unit,
        leader=juju.leader,
        now=world.clock(),
        options=juju.options,
        resource=juju.resource,
        hostname=world.machine.hostname(),
        cluster_address=juju.cluster_address,
        https_address=juju.https_address,
        zone=juju.zone,
        public_key=world.machine.public_key(),
        snap=snap,
        lxd=_lxd(juju, world) if snap.installed else None,
        peers=juju.peers,
        known_units=juju.known_units,
        forming=world.machine.forming(),
        events=events,
    )


def _lxd(juju: Juju, world: World) -> Lxd | Silent:
    try:
        return _answers(juju, world)
    except LxdStopped:
        return _answers_soon(juju, world)
    except (LxdUnreachable, LxdError) as error:
        return Silent(str(error))


def _answers_soon(juju: Juju, world: World) -> Lxd | Silent:
    """The daemon may be starting: after an installation, a reboot, a reset."""
    try:
        world.lxd.await_start(deadlines.START)
        return _answers(juju, world)
    except (LxdUnreachable, LxdError) as error:
        return Silent(str(error))


def _members(own: str, world: World) -> tuple[Member, ...]:
    """The members. A daemon that answers and is called offline has started a moment ago.

    It is waited for: no event would tell later that it is online.
    """
    members = world.lxd.members()
    if any(m.name == own and not m.online for m in members):
        return world.lxd.await_heartbeat(own, deadlines.HEARTBEAT)
    return members


def _answers(juju: Juju, world: World) -> Lxd:
    server = world.lxd.server()
    if not server.clustered:
        return Lxd(
            server,
            pools=world.lxd.pools(),
            networks=world.lxd.networks(),
            instances=world.lxd.instances(),
        )
    seen = Lxd(server, _members(server.name, world))
    if juju.peers is None or not is_steward(juju.unit, juju.peers, seen):
        return seen
    return Lxd(server, seen.members, world.lxd.pools(), world.lxd.networks())
