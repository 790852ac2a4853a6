# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Recorded answers of real daemons, and a comparison of the model's answers with them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from lxd.http import Request, Response

_FOLDER = Path(__file__).parents[1] / "recordings"

_HASH = re.compile(r"\b[0-9a-f]{8,}\b")

MAPS = frozenset(
    {"config", "devices", "expanded_config", "expanded_devices", "properties", "storage_pools"}
)
"""Objects whose keys are names: these differ from one object to the next."""

UNREAD = frozenset(
    {
        "backup_metadata_version_range",
        "create_instance_from_image_unpack_progress",
        "driver_version",
        "evacuation_progress",
        "instance_types",
        "kernel_features",
        "kernel_version",
        "lxc_features",
        "os_name",
        "os_version",
        "progress",
    }
)
"""Keys of real daemons that the model does not have, because nothing reads them."""


@dataclass(frozen=True)
class Row:
    """One request and LXD's answer."""

    label: str
    member: str
    method: str
    path: str
    body: Any
    status: int
    etag: str
    answer: dict[str, Any]
    seconds: float

    @property
    def kind(self) -> str:
        """`sync`, `async` or `error`."""
        return str(self.answer["type"])

    @property
    def operation(self) -> str:
        """The id of the operation that was started, empty without one."""
        return str(self.answer["metadata"]["id"]) if self.kind == "async" else ""

    def request(self, ids: Mapping[str, str], match: str = "") -> Request:
        """The same for the model: `ids` are its own ids of the recorded operations."""
        path, _, query = self.path.partition("?")
        for recorded, own in ids.items():
            path = path.replace(recorded, own)
        headers = {"If-Match": match} if match else dict[str, str]()
        return Request(self.method, path, dict(parse_qsl(query)), self.body, headers)


def recorded_versions() -> list[str]:
    """The versions with recordings of how members join and leave."""
    return sorted(path.stem.removesuffix("-members") for path in _FOLDER.glob("*-members.json"))


def histories(version: str) -> list[Row]:
    """The recordings of how members of a version join and leave."""
    return rows(f"{version}-members")


def rows(version: str) -> list[Row]:
    """The recordings of a version."""
    found = json.loads((_FOLDER / f"{version}.json").read_text())
    return [
        Row(
            label=row["label"],
            member=row["member"],
            method=row["method"],
            path=row["path"],
            body=row["body"],
            status=row.get("status", 0),
            etag=row.get("etag") or "",
            answer=row.get("answer", {}),
            seconds=row["seconds"],
        )
        for row in found
    ]


def differences(row: Row, response: Response) -> Iterator[str]:
    """The differences of the model's answer."""
    body = response.body
    if response.status != row.status:
        yield f"status {response.status}, not {row.status}"
    if body["type"] != row.kind:
        yield f"{body['type']} ({body.get('error')}), not {row.kind} ({row.answer.get('error')})"
        return
    if bool(response.etag) != bool(row.etag):
        yield f"etag {response.etag or 'missing'}"
    if row.kind == "error" and _plain(body["error"]) != _plain(row.answer["error"]):
        yield f"error {body['error']!r}, not {row.answer['error']!r}"
    if _failure(body["metadata"]) != _failure(row.answer["metadata"]):
        yield f"failed: {_failure(body['metadata'])}, not {_failure(row.answer['metadata'])}"
    yield from _shapes("", {"metadata": body["metadata"]}, {"metadata": row.answer["metadata"]})
    yield from _shapes("", body, row.answer, deep=False)
    own, recorded = facts(row, body["metadata"]), facts(row, row.answer["metadata"])
    if own != recorded:
        yield f"{own}, not {recorded}"


def _failure(metadata: Any) -> str:
    """The reason of a failed operation: 5.0 reports it like any other operation."""
    return _plain(metadata.get("err", "")) if isinstance(metadata, dict) else ""  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]


def _shapes(where: str, own: Any, recorded: Any, *, deep: bool = True) -> Iterator[str]:
    """Keys that differ, and values of another type."""
    if type(own) is not type(recorded):
        if {type(own), type(recorded)} != {int, float}:
            yield f"{where}: {_kind(own)}, not {_kind(recorded)}"
        return
    if isinstance(own, dict):
        yield from _keys(where, own, recorded)  # pyright: ignore[reportUnknownArgumentType]
        for key in own.keys() & recorded.keys() if deep else ():  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
            if key not in MAPS:
                yield from _shapes(f"{where}.{key}", own[key], recorded[key])
    elif isinstance(own, list) and own and recorded and isinstance(own[0], dict):
        # Rows of one list may differ: each must be like a recorded one.
        for row in own:  # pyright: ignore[reportUnknownVariableType]
            found = [list(_shapes(f"{where}[]", row, other)) for other in recorded]
            yield from min(found, key=len)


def facts(row: Row, metadata: Any) -> Any:
    """The facts in an answer that must be the same in the model."""
    path = row.path.partition("?")[0]
    read = _FACTS.get(path) or _FACTS.get(path.rpartition("/")[0] + "/NAME")
    if row.kind != "sync" or row.method != "GET" or read is None or metadata is None:
        return None
    if not isinstance(metadata, list):
        return read(metadata)
    found: list[Any] = [read(entry) for entry in metadata if isinstance(entry, dict)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    return sorted((entry for entry in found if entry), key=str)


def _server(info: dict[str, Any]) -> Any:
    environment = info["environment"]
    return (
        environment["server_name"],
        environment["server_version"],
        environment["server_clustered"],
        sorted(info["config"]),
    )


def _member(row: dict[str, Any]) -> Any:
    message = row["message"].partition(" for ")[0]
    roles = sorted(row["roles"])
    return row["server_name"], row["url"], row["status"], message, roles, row["database"]


def _pool(row: dict[str, Any]) -> Any:
    return (
        row["name"],
        row["driver"],
        row["status"],
        row["config"],
        sorted(row["used_by"] or ()),
        sorted(row["locations"] or ()),
    )


def _network(row: dict[str, Any]) -> Any:
    if not row["managed"]:
        return None
    return (
        row["name"],
        row["type"],
        row["status"],
        sorted(row["config"]),
        sorted(row["used_by"] or ()),
        sorted(row["locations"] or ()),
    )


def _instance(row: dict[str, Any]) -> Any:
    return row["project"], row["name"], row["location"], row["status"], row["profiles"]


def _volume(row: dict[str, Any]) -> Any:
    return row["project"], row["name"], row["location"]


def _project(row: dict[str, Any]) -> Any:
    return row["name"], row["description"], sorted(row["config"]), sorted(row["used_by"])


def _profile(row: dict[str, Any]) -> Any:
    return row["name"], row["description"], row["devices"], sorted(row["used_by"])


def _certificate(row: dict[str, Any]) -> Any:
    return row["name"], row["type"]


_FACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "/1.0": _server,
    "/1.0/cluster/members": _member,
    "/1.0/cluster/members/NAME": _member,
    "/1.0/storage-pools": _pool,
    "/1.0/storage-pools/NAME": _pool,
    "/1.0/networks": _network,
    "/1.0/networks/NAME": _network,
    "/1.0/instances": _instance,
    "/1.0/storage-pools/fast/volumes/custom": _volume,
    "/1.0/storage-volumes": _volume,
    "/1.0/projects": _project,
    "/1.0/projects/NAME": _project,
    "/1.0/profiles/NAME": _profile,
    "/1.0/certificates": _certificate,
}


def _plain(text: str) -> str:
    """The text without hashes, which differ."""
    return _HASH.sub("#", text)


def _keys(where: str, own: dict[str, Any], recorded: dict[str, Any]) -> Iterator[str]:
    name = where.rpartition(".")[2]
    if name in MAPS:
        return
    if more := sorted(own.keys() - recorded.keys()):
        yield f"{where}: {', '.join(more)} too many"
    if less := sorted(recorded.keys() - own.keys() - UNREAD):
        yield f"{where}: {', '.join(less)} missing"


def _kind(value: Any) -> str:
    return type(value).__name__


def flat_operations(metadata: Mapping[str, list[Any]]) -> list[Any]:
    """GET /1.0/operations as one list, without the statuses that sort its operations."""
    return [operation for operations in metadata.values() for operation in operations]


def flat(row: Row, response: Response) -> tuple[Row, Response]:
    """The statuses of current operations are random."""
    if row.kind != "sync" or response.body["type"] != "sync":
        return row, response
    answer = {**row.answer, "metadata": flat_operations(row.answer["metadata"])}
    body = {**response.body, "metadata": flat_operations(response.body["metadata"])}
    return replace(row, answer=answer), Response(response.status, body, response.etag)
