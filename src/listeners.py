"""Looks at who listens where LXD should: its configuration is no proof that it does."""

from __future__ import annotations

from collections.abc import Iterable

from addresses import PORT
from lxd.server import Listener
from view import Server
from world import World

_UNNAMED = "another program"
_LXD = "lxd"


def deaf(addresses: Iterable[str], server: Server, world: World) -> dict[str, str]:
    """Those of this machine's addresses on which LXD does not listen.

    By address: the program that listens there instead, empty if none does.
    """
    found: dict[str, str] = {}
    for address in sorted(set(addresses)):
        seen = world.lxd.server.listener(address, server.fingerprint)
        if seen is Listener.NOBODY:
            found[address] = ""
        elif seen is Listener.ANOTHER:
            found[address] = world.machine.listener(address, PORT) or _UNNAMED
        elif seen is Listener.SILENT and (program := _other(address, world)):
            found[address] = program
    return found


def _other(address: str, world: World) -> str:
    """The program that listens there if it is not LXD, which may only be busy."""
    program = world.machine.listener(address, PORT)
    return "" if program.partition(" ")[0] == _LXD else program
