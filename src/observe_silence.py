"""Why LXD does not answer, or refused what it was asked."""

from __future__ import annotations

import listeners
from hook_input import Juju, addresses, deaf
from lxd.errors import LxdError, LxdUnreachable
from silent import Silence, Silent
from world import World

_UNREGISTERED = "No node registered with address"
_WAITS_FOR_VERSIONS = ("Wait for other cluster nodes", "Wait for other cluster members")


def why_stopped(world: World) -> Silence:
    """A daemon whose join was cut short does not start again, and says why in its log alone."""
    forming = world.machine.forming()
    joined = forming is not None and forming.what == "join"
    half = joined and _UNREGISTERED in world.machine.lxd_log()
    return Silence.HALF_JOINED if half else Silence.STOPPED


def of_error(error: LxdError | LxdUnreachable, juju: Juju, world: World) -> Silent:
    """Why LXD did not do what it was asked. That it refused one request is no silence."""
    reason = str(error)
    try:
        ready = world.lxd.server.ready()
    except LxdUnreachable:
        return Silent(reason, _why_hung(juju, world), taken(juju, world))
    if ready and not world.lxd.server.answers_at_all():
        return Silent(reason, _why_hung(juju, world), taken(juju, world))
    if not ready:
        waits = any(text in world.machine.lxd_log() for text in _WAITS_FOR_VERSIONS)
        return Silent(
            reason, Silence.OTHER_VERSIONS if waits else Silence.STARTING, taken(juju, world)
        )
    if not world.lxd.server.database_answers():
        return Silent(reason, Silence.NO_DATABASE, _deaf_member(juju, world))
    asked = f"{error.request}: " if isinstance(error, LxdError) and error.request else ""
    return Silent(f"{asked}{reason}", Silence.REFUSED)


def _why_hung(juju: Juju, world: World) -> Silence:
    """A client that connects and says nothing keeps all later ones from LXD's socket.

    LXD looks at the first bytes of each connection before it takes the next (LXD issue 18705). The
    port that it has for others still answers then.
    """
    address = juju.peers.own.address if juju.peers and juju.peers.own.cluster else ""
    blocked = address and world.lxd.members.shows_certificate(address)
    return Silence.SOCKET_BLOCKED if blocked else Silence.HUNG


def taken(juju: Juju, world: World) -> dict[str, str]:
    """Addresses whose port another program has: a daemon waits for it, then gives up."""
    return {} if juju.leaving else listeners.taken(addresses(juju, None), world)


def _deaf_member(juju: Juju, world: World) -> dict[str, str]:
    """The same of a daemon that says what it has; and the cluster's address, if nobody listens."""
    if juju.leaving:
        return {}
    try:
        server = world.lxd.server.get()
    except (LxdUnreachable, LxdError):
        return {}
    found = deaf(juju, server, world)
    own = addresses(juju, server).cluster
    return {address: who for address, who in found.items() if who or address == own}
