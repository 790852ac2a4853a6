"""Changes of what a server or its whole cluster shares: keys, notes, the profile, domains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lxd_reading import LxdError
from tests.simulation.model import networks, pools
from tests.simulation.model.records import Row

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

_LOCAL = ("core.https_address", "cluster.https_address")
"""Keys that each server has for itself."""


def set_config(server: Server, values: Mapping[str, str]) -> None:
    """Sets keys; an empty value takes one away."""
    if server.records.clustered and "cluster.https_address" in values:
        raise LxdError("Changing cluster.https_address is not supported on a clustered server")
    for key, value in values.items():
        where = server.config if key in _LOCAL else server.records.config
        if value:
            where[key] = value
        else:
            where.pop(key, None)


def write_notes(server: Server, values: Mapping[str, str]) -> None:
    """Sets keys of the default project; an empty value takes one away."""
    notes = {**server.records.notes, **values}
    server.records.notes = {key: value for key, value in notes.items() if value}


def exchange(server: Server, key: str, before: str, after: str) -> bool:
    """Sets a key if it has the value that is expected."""
    if server.records.notes.get(key, "") != before:
        return False
    write_notes(server, {key: after})
    return True


def set_profile(server: Server, profile: Mapping[str, Any]) -> None:
    """Replaces the default profile."""
    pools.refuse_move(server, profile["devices"].get("root", {}).get("pool", ""))
    networks.follow(server, profile["devices"])
    server.records.profile = {**profile, "devices": dict(profile["devices"])}


def set_domain(server: Server, name: str, domain: str) -> None:
    """Sets a member's failure domain."""
    row = server.records.rows.get(name)
    if row is None:
        raise LxdError(f'No cluster member called "{name}"')
    row.domain = domain


def set_role(server: Server, role: str, members: Mapping[str, bool]) -> None:
    """Gives members a role, or takes it from them."""
    for name, has in members.items():
        row = server.records.rows.get(name)
        if row is None:
            raise LxdError(f'No cluster member called "{name}"')
        row.given = row.given | {role} if has else row.given - {role}


def down(server: Server) -> list[Row]:
    """The members that this one cannot reach now, whatever the list says."""
    return [row for row in server.records.members if not server.hears(row)]
