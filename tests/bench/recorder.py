# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests to LXD and its answers, as rows of a recording: see tests/recordings."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from host.unix_http import UnixHttpConnection
from lab.bench.node import Node

Row = dict[str, Any]

_SECRET_KEYS = {
    "certificate": "<certificate>",
    "cluster_certificate": "<certificate>",
    "cluster_certificate_key": "<private key>",
    "secret": "<secret>",
    "cluster_token": "<join token>",
    "cluster_password": "<join token>",
}
"""Keys that are not recorded, and what replaces their values."""
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----.*?-----END [A-Z ]+-----\n?", re.DOTALL)


@dataclass
class Recorder:
    """Sends requests and keeps the rows. `label` names the current operation."""

    label: str = ""
    rows: list[Row] = field(default_factory=list[Row])

    def send(
        self, node: Node, method: str, path: str, body: Any = None, seconds: float = 60
    ) -> Any:
        """The answer's JSON; None if there was none."""
        row: Row = {
            "label": self.label,
            "member": node.place.hostname,
            "method": method,
            "path": path,
            "body": _without_secrets(body),
        }
        begin = time.monotonic()
        answer: Any = None
        try:
            status, headers, answer = _exchange(node, method, path, body, seconds)
            headers_kept = {
                "status": status,
                "etag": headers["etag"],
                "location": headers["location"],
            }
            row |= {**headers_kept, "answer": _without_secrets(answer)}
        except (OSError, http.client.HTTPException, ValueError) as error:
            row["failed"] = f"{type(error).__name__}: {error}"
        row["seconds"] = round(time.monotonic() - begin, 2)
        self.rows.append(row)
        return answer

    def get(self, node: Node, *paths: str, seconds: float = 60) -> None:
        """Reads some paths."""
        for path in paths:
            self.send(node, "GET", path, seconds=seconds)

    def change(
        self, node: Node, method: str, path: str, body: Any = None, seconds: float = 120
    ) -> Any:
        """The same, with the end of the operation, if it is one, in another row."""
        label = self.label
        answer = self.send(node, method, path, body, seconds)
        if answer is not None and answer["type"] == "async":
            self.label = f"{label}, the operation awaited"
            answer = self.send(node, "GET", f"{operation(answer)}/wait?timeout={seconds:.0f}")
            self.label = label
        return answer


def operation(answer: Any) -> str:
    """The path of the operation that a request started. LXD 5.0 adds a query to it."""
    return f"/1.0/operations/{answer['metadata']['id']}"


def _exchange(
    node: Node, method: str, path: str, body: Any, seconds: float
) -> tuple[int, Mapping[str, str | None], Any]:
    connection = UnixHttpConnection(str(node.socket), seconds)
    try:
        content = None if body is None else json.dumps(body)
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        headers = {"etag": response.headers["ETag"], "location": response.headers["Location"]}
        return response.status, headers, json.load(response)
    finally:
        connection.close()


def _without_secrets(value: Any, key: str = "") -> Any:
    if key in _SECRET_KEYS and isinstance(value, str) and value:
        return _SECRET_KEYS[key]
    if isinstance(value, dict):
        found = cast("dict[str, Any]", value)
        return {name: _without_secrets(part, name) for name, part in found.items()}
    if isinstance(value, list):
        return [_without_secrets(part) for part in cast("list[Any]", value)]
    return _PEM.sub("<certificate>", value) if isinstance(value, str) else value
