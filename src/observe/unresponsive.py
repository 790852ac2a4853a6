# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The view of an LXD that does not answer, or refused a request."""

from __future__ import annotations

from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from observe import listeners, unresponsive_reason
from observe.addresses import addresses, not_listening
from ports.ports import Ports
from state.hook_input import HookInput
from state.unresponsive import WITHOUT_DATABASE, Unresponsive, UnresponsiveReason

_ENDS = frozenset({UnresponsiveReason.STOPPED, UnresponsiveReason.STARTING})
"""The failures of a daemon that ends before it answers, and is started again and again."""
_WAITED = "context deadline exceeded"
"""The end of LXD's error if its database did not answer LXD in time. LXD 6.9 with a full disk still
answers simpler requests (measured).
"""


def of_stopped(error: LxdStopped, juju: HookInput, ports: Ports) -> Unresponsive:
    """Why no daemon listens."""
    kind = unresponsive_reason.of_stopped(ports)
    why = unresponsive_reason.unmountable(ports) if kind is UnresponsiveReason.STOPPED else None
    if why is not None:
        return Unresponsive(str(error), UnresponsiveReason.UNMOUNTABLE, unmountable=why)
    if kind is UnresponsiveReason.STOPPED and unresponsive_reason.damaged(ports):
        return Unresponsive(str(error), UnresponsiveReason.DAMAGED)
    cause = unresponsive_reason.start_failure(ports) if kind is UnresponsiveReason.STOPPED else ""
    return Unresponsive(str(error), kind, taken(juju, ports), cause=cause)


def of_error(error: LxdError | LxdUnreachable, juju: HookInput, ports: Ports) -> Unresponsive:
    """Why a request to LXD failed. One refused request does not count as no answer."""
    kind = unresponsive_reason.of_failed(_member_address(juju), ports)
    if kind is UnresponsiveReason.REFUSED:
        return _refused_request(error)
    ends = unresponsive_reason.unmountable if kind in _ENDS else unresponsive_reason.unmountable_now
    if why := ends(ports):
        return Unresponsive(str(error), UnresponsiveReason.UNMOUNTABLE, unmountable=why)
    if kind in _ENDS and unresponsive_reason.damaged(ports):
        return Unresponsive(str(error), UnresponsiveReason.DAMAGED)
    find = _taken_of_member if kind is UnresponsiveReason.NO_DATABASE else taken
    expired = kind in WITHOUT_DATABASE and unresponsive_reason.expired(ports)
    return Unresponsive(str(error), kind, find(juju, ports), expired=expired)


def _member_address(juju: HookInput) -> str:
    """The address of this unit as a member, empty if it is not a member."""
    peers = juju.peers
    return peers.own.address if peers is not None and peers.own.cluster else ""


def _refused_request(error: LxdError | LxdUnreachable) -> Unresponsive:
    """Why LXD, which answers other requests, refused this one."""
    if str(error).endswith(_WAITED):
        return Unresponsive(str(error), UnresponsiveReason.NO_DATABASE)
    prefix = f"{error.request}: " if isinstance(error, LxdError) and error.request else ""
    return Unresponsive(f"{prefix}{error}", UnresponsiveReason.REFUSED)


def taken(juju: HookInput, ports: Ports) -> dict[str, str]:
    """Addresses whose port another program has: a daemon waits for the port, then gives up."""
    return {} if juju.leaving else listeners.taken(addresses(juju, None, ports), ports)


def _taken_of_member(juju: HookInput, ports: Ports) -> dict[str, str]:
    """The same for a daemon that answers, and its cluster address if no program listens there."""
    if juju.leaving:
        return {}
    try:
        server = ports.lxd.server.get()
    except (LxdUnreachable, LxdError):
        return {}
    programs = not_listening(juju, server, ports)
    own = addresses(juju, server, ports).cluster
    return {address: program for address, program in programs.items() if program or address == own}
