"""The part of `act` that concerns the addresses that LXD listens on."""

from __future__ import annotations

import logging

import deadlines
import listeners
import listening
from addresses import PORT, host
from lxd.errors import LxdError, LxdUnreachable
from status import names
from steps import ChangeAddress, Listen
from view import Events
from world import World

logger = logging.getLogger(__name__)


def listen(step: Listen, unit: str, world: World, events: Events) -> Events:
    """LXD listens on these endpoints, and is seen to."""
    values = {"core.https_address": step.https}
    if step.cluster:
        values["cluster.https_address"] = step.cluster
    try:
        world.lxd.server.listen(values)
    except LxdError:
        # LXD may have taken any free port instead of the one that it could not have.
        world.snap.reload()
        raise
    _see({host(endpoint) for endpoint in values.values()}, world)
    return events


def change_address(step: ChangeAddress, unit: str, world: World, events: Events) -> Events:
    """The API is at its address. Other members wait with theirs until this one is reached again."""
    members = {m.name: m for m in world.lxd.members.list()}
    notes = world.lxd.notes
    if not notes.take(listening.LOG, step.member, _free(set(members)), deadlines.TURN):
        raise LxdUnreachable("another member has been changing its address for long")
    here = host(step.https)
    if _due(step, world):
        others = [m for m in members.values() if m.up and m.name != step.member]
        if deaf := world.lxd.members.unreachable(others):
            notes.pass_on(listening.LOG, listening.FREE)
            raise LxdUnreachable(f"{names(deaf)} cannot be reached by other members")
        if program := listeners.deaf({here}, world.lxd.server.get(), world).get(here):
            notes.pass_on(listening.LOG, listening.FREE)
            raise LxdError(f"{program} has port {PORT} of {here}")
        _move(step, world)
    # Whoever is next would take the quorum along if this one were not reached.
    notes.pass_on(listening.LOG, listening.FREE)
    _see({here}, world)
    return events


def _free(members: set[str]) -> listeners.Question:
    return lambda entry: entry == listening.FREE or entry not in members


def _due(step: ChangeAddress, world: World) -> bool:
    server = world.lxd.server.get()
    deaf = listeners.deaf({step.cluster, host(step.https)}, server, world)
    return server.config.get("core.https_address") != step.https or bool(deaf)


def _move(step: ChangeAddress, world: World) -> None:
    """Raises LxdUnreachable where the cluster's listener does not come back."""
    refused: LxdError | None = None
    try:
        world.lxd.server.listen({"core.https_address": step.https})
    except LxdError as error:
        refused = error
    if refused or not world.lxd.server.await_listener(step.cluster, deadlines.HANDSHAKE):
        logger.info("LXD is reloaded: it does not open its cluster's listener by itself")
        world.snap.reload()
        if not world.lxd.server.await_listener(step.cluster, deadlines.START):
            raise LxdUnreachable(f"LXD does not listen on {step.cluster}")
    if refused:
        world.lxd.notes.pass_on(listening.LOG, listening.FREE)
        raise refused


def _see(addresses: set[str], world: World) -> None:
    """Raises LxdError for an address on which LXD does not listen."""
    for address, program in listeners.deaf(addresses, world.lxd.server.get(), world).items():
        why = f"{program} does" if program else "nobody does"
        raise LxdError(f"LXD does not listen on port {PORT} of {address}: {why}")
