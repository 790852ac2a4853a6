# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for the addresses that LXD listens on."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress

import deadlines
from act.handlers import Handlers
from lxd.errors import LxdError, LxdUnreachable
from observe import listeners
from plan.addresses import listening
from ports.ports import Ports
from state.cluster import Member
from state.view import RunHistory
from steps.addresses import ChangeAddress, Listen
from values.addresses import PORT, host
from values.status import names

logger = logging.getLogger(__name__)


def listen(step: Listen, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD listens on these endpoints, and a check confirms it."""
    values = {"core.https_address": step.https}
    if step.cluster:
        values["cluster.https_address"] = step.cluster
    _require({host(endpoint) for endpoint in values.values()}, ports)
    try:
        ports.lxd.server.listen(values)
    except LxdError:
        # A daemon that starts with a cluster address waits for its port, answers nothing, and ends.
        # One that could not get a port may have taken any other (5.0, 5.21).
        ports.lxd.server.set_config(dict.fromkeys(values, ""))
        ports.snap.reload()
        raise
    _verify({host(endpoint) for endpoint in values.values()}, ports)
    return history


def change_address(step: ChangeAddress, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD's API listens on the new address.

    Other members do not change their addresses until they reach this member again.
    """
    members = ports.lxd.members.list()
    others = [m for m in members if m.name != step.member]
    holders = {m.name for m in others}
    if not ports.lxd.notes.take(listening.LOG, step.member, holders, deadlines.TURN):
        raise LxdUnreachable("another member has been changing its address for a long time")
    try:
        _change(step, [m for m in others if m.up], ports)
    except (LxdError, LxdUnreachable):
        with suppress(LxdError, LxdUnreachable):
            _end_turn(step, ports)
        raise
    _end_turn(step, ports)
    return history


def _end_turn(step: ChangeAddress, ports: Ports) -> None:
    """Lets the next member change its address, once this member can be reached.

    Otherwise the change of the next one could cost the quorum.
    """
    if ports.lxd.server.await_listener(step.cluster, 0):
        ports.lxd.notes.append_next(listening.LOG, listening.FREE)


def _change(step: ChangeAddress, others: Iterable[Member], ports: Ports) -> None:
    https_address = host(step.https)
    _require({https_address}, ports)
    server = ports.lxd.server.get()
    not_listening = listeners.not_listening({step.cluster, https_address}, server, ports)
    if server.config.get("core.https_address") != step.https or not_listening:
        if not_listening.get(https_address):
            raise LxdError(f"{not_listening[https_address]} has port {PORT} of {https_address}")
        unreachable = ports.lxd.members.unreachable(others, server.fingerprint)
        if unreachable and step.cluster not in not_listening:
            raise LxdUnreachable(f"{names(unreachable)} cannot be reached by other members")
        _move(step, ports)
    _verify({https_address}, ports)


def _require(addresses: set[str], ports: Ports) -> None:
    """Raises LxdUnreachable for an address that is not on this machine, or not yet."""
    if missing := {address for address in addresses if not ports.machine.has_address(address)}:
        raise LxdUnreachable(f"{names(missing)} is not on this machine")


def _move(step: ChangeAddress, ports: Ports) -> None:
    """Raises LxdUnreachable if the cluster's listener does not come back."""
    refused: LxdError | None = None
    try:
        ports.lxd.server.listen({"core.https_address": step.https})
    except LxdError as error:
        refused = error
    if refused or not ports.lxd.server.await_listener(step.cluster, deadlines.HANDSHAKE):
        logger.info("LXD is reloaded: it does not open its cluster's listener by itself")
        ports.snap.reload()
        if not ports.lxd.server.await_listener(step.cluster, deadlines.START):
            raise LxdUnreachable(f"LXD does not listen on {step.cluster}")
    if refused:
        raise refused


def _verify(addresses: set[str], ports: Ports) -> None:
    """Raises LxdError for an address on which LXD does not listen."""
    for address, program in listeners.not_listening(
        addresses, ports.lxd.server.get(), ports
    ).items():
        why = f"{program} does" if program else "no program does"
        raise LxdError(f"LXD does not listen on port {PORT} of {address}: {why}")


HANDLERS: Handlers = {
    Listen: listen,
    ChangeAddress: change_address,
}
