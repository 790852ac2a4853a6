# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How an operator removes a member from the cluster by hand."""

from __future__ import annotations

from contextlib import suppress

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model import instances
from tests.lxd_model.records import Row, State
from tests.lxd_model.server import Server
from tests.lxd_model.things import Instance, Thing
from tests.simulation.commands import held_on
from tests.simulation.site import evacuate


def stays(server: Server, row: Row) -> list[Thing]:
    """What an evacuation does not move: an evacuated member is not evacuated again."""
    records = server.records
    again = row.state is not State.EVACUATED
    return [
        thing
        for thing in held_on(records, row.name)
        if not (again and isinstance(thing, Instance) and instances.moves(records, thing))
    ]


def evacuate_and_remove(server: Server, name: str) -> None:
    """`lxc cluster evacuate`, then `lxc cluster remove`, with any result."""
    lxd = LxdApi(server.lxd)
    _trust_as(server, name)
    with suppress(LxdError, LxdUnreachable):
        if server.records.rows[name].state is not State.EVACUATED:
            _empty(server, name)
        lxd.members.leave(name)


def _trust_as(server: Server, name: str) -> None:
    """`lxc config trust edit`: LXD trusts a member that somebody renamed under its old name.

    The charm mends this for members with a unit only: docs/how-to/recover.md.
    """
    records = server.records
    records.trusted[server.cloud.servers[records.rows[name].server].certificate] = name


def _empty(server: Server, name: str) -> None:
    """`lxc cluster evacuate`, or `lxc move` if LXD refuses it: 6.9 refuses it with two members."""
    try:
        evacuate(server, name)
    except LxdError:
        other = next(row.name for row in server.records.rows.values() if row.name != name)
        lxd = LxdApi(server.lxd).instances
        for instance in server.records.on(name):
            if instance.running:
                # LXD does not move a running container.
                lxd.stop(instance.project, instance.name, 30)
            lxd.move(instance.project, instance.name, other, live=False)
