# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Finds the program that listens where LXD should: LXD's configuration does not prove it."""

from __future__ import annotations

from collections.abc import Iterable

from lxd.server import Listener
from ports.ports import Ports
from state.cluster import Server
from values.addresses import PORT, endpoint

_UNNAMED = "another program"
_LXD = "lxd"


def not_listening(addresses: Iterable[str], server: Server, ports: Ports) -> dict[str, str]:
    """Addresses of this machine on which LXD does not listen.

    By address: the program that listens there instead, empty if none does.
    """
    configured = {server.config.get(f"{word}.https_address") for word in ("cluster", "core")}
    programs: dict[str, str] = {}
    for address in sorted(set(addresses)):
        listener = ports.lxd.server.listener(address, server.fingerprint)
        if listener is Listener.NOBODY:
            programs[address] = ""
        elif listener is not Listener.OURS:
            program = ports.machine.listener(address, PORT)
            may_be_lxd = _is_lxd(program) or (not program and endpoint(address) in configured)
            # An LXD that accepts a connection and does not answer is busy.
            if not (listener is Listener.SILENT and may_be_lxd):
                programs[address] = program or _UNNAMED
    return programs


def taken(addresses: Iterable[str], ports: Ports) -> dict[str, str]:
    """By address: the program, other than LXD, that has LXD's port there."""
    programs = {address: ports.machine.listener(address, PORT) for address in addresses if address}
    return {a: program for a, program in programs.items() if program and not _is_lxd(program)}


def _is_lxd(program: str) -> bool:
    return program.partition(" ")[0] == _LXD
