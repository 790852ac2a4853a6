"""What LXD's API answers, as values of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from view import Instance, Member, Network, Pool, Server


@dataclass(frozen=True)
class LxdWarning:
    """A warning of one member's about something that LXD has."""

    type: str
    member: str
    project: str
    name: str
    """Of what it is about, empty where it is about the server."""
    message: str
    resolved: bool


def server(info: Any) -> Server:
    """GET /1.0."""
    environment = info["environment"]
    return Server(
        version=environment["server_version"],
        clustered=environment["server_clustered"],
        name=environment["server_name"],
        fingerprint=environment["certificate_fingerprint"],
        drivers=frozenset(d["Name"] for d in environment["storage_supported_drivers"]),
        config={key: str(value) for key, value in info["config"].items()},
        extensions=frozenset(info["api_extensions"]),
    )


def member(row: Any) -> Member:
    """A row of /1.0/cluster/members."""
    return Member(
        name=row["server_name"],
        address=urlsplit(str(row["url"])).hostname or "",
        status=row["status"].upper(),
        roles=frozenset(row["roles"] or ()),
        failure_domain=row["failure_domain"],
        message=row["message"],
    )


def instance(row: Any) -> Instance:
    """A row of /1.0/instances."""
    # LXD leaves it out where it is empty, and for instances of a member that does not answer.
    evacuate = row.get("expanded_config", {}).get("cluster.evacuate") or "auto"
    running = str(row["status"]).upper() == "RUNNING"
    return Instance(row["project"], row["name"], row["location"], evacuate, running)


def _used_by(row: Any) -> frozenset[str]:
    return frozenset(row["used_by"] or ())


def pool(row: Any) -> Pool:
    """A row of /1.0/storage-pools."""
    return Pool(row["name"], row["driver"], row["status"], _used_by(row), row["config"] or {})


def network(row: Any) -> Network:
    """A row of /1.0/networks."""
    return Network(row["name"], row["type"], row["status"], row["config"], _used_by(row))


def warning(row: Any) -> LxdWarning:
    """A row of /1.0/warnings."""
    path = urlsplit(str(row["entity_url"])).path
    return LxdWarning(
        type=row["type"],
        member=row["location"],
        project=row["project"],
        name=unquote(path.rpartition("/")[2]),
        message=row["last_message"],
        resolved=row["status"] == "resolved",
    )
