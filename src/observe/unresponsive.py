"""The view of an LXD that does not answer, or refused a request."""

from __future__ import annotations

from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from observe import listeners, unresponsive_reason
from observe.addresses import addresses, deaf
from ports.world import World
from state.hook_input import Juju
from state.unresponsive import Silence, Silent

_ENDS = frozenset({Silence.STOPPED, Silence.STARTING})
"""The failures of a daemon that ends before it answers, and is started again and again."""
_WAITED = "context deadline exceeded"
"""The end of LXD's error if its database did not answer LXD in time. LXD 6.9 with a full disk still
answers simpler requests (measured).
"""


def of_stopped(error: LxdStopped, juju: Juju, world: World) -> Silent:
    """Why no daemon listens."""
    kind = unresponsive_reason.of_stopped(world)
    why = unresponsive_reason.unmountable(world) if kind is Silence.STOPPED else None
    if why is not None:
        return Silent(str(error), Silence.UNMOUNTABLE, unmountable=why)
    return Silent(str(error), kind, taken(juju, world))


def of_error(error: LxdError | LxdUnreachable, juju: Juju, world: World) -> Silent:
    """Why LXD did not do what it was asked. One refused request does not count as no answer."""
    member = juju.peers is not None and bool(juju.peers.own.cluster)
    kind = unresponsive_reason.of_failed(
        juju.peers.own.address if juju.peers and member else "", world
    )
    if kind is Silence.REFUSED and str(error).endswith(_WAITED):
        return Silent(str(error), Silence.NO_DATABASE)
    if kind is Silence.REFUSED:
        asked = f"{error.request}: " if isinstance(error, LxdError) and error.request else ""
        return Silent(f"{asked}{error}", kind)
    ends = unresponsive_reason.unmountable if kind in _ENDS else unresponsive_reason.unmountable_now
    if why := ends(world):
        return Silent(str(error), Silence.UNMOUNTABLE, unmountable=why)
    look = _deaf_member if kind is Silence.NO_DATABASE else taken
    return Silent(str(error), kind, look(juju, world))


def taken(juju: Juju, world: World) -> dict[str, str]:
    """Addresses whose port another program has: a daemon waits for the port, then gives up."""
    return {} if juju.leaving else listeners.taken(addresses(juju, None, world), world)


def _deaf_member(juju: Juju, world: World) -> dict[str, str]:
    """The same for a daemon that shows its addresses; and the cluster's one without a listener."""
    if juju.leaving:
        return {}
    try:
        server = world.lxd.server.get()
    except (LxdUnreachable, LxdError):
        return {}
    found = deaf(juju, server, world)
    own = addresses(juju, server, world).cluster
    return {address: who for address, who in found.items() if who or address == own}
