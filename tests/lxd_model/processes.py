# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The machines on which an instance really runs, whatever LXD's database says.

An instance in a Ceph can run on two machines at once: on a machine that the others cannot reach,
and where they start it again. Two kernels that write to one disk destroy it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lxd_model.server import Server
    from tests.lxd_model.things import Instance


def location(server: Server, instance: Instance) -> Server:
    """The machine of the member that has an instance, by the database of `server`."""
    row = server.records.rows.get(instance.location)
    return server.cloud.servers[row.server] if row is not None else server


def begin(there: Server, instance: Instance) -> None:
    """The machine runs the instance from now on."""
    name = str(instance)
    there.cloud.two_writers += [
        f"{name} on machines {there.machine} and {other.machine}"
        for other in there.cloud.servers.values()
        if other is not there and name in other.processes
    ]
    there.processes.add(name)


def end(there: Server, instance: Instance) -> None:
    """The machine runs the instance no more."""
    there.processes.discard(str(instance))
