# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests to LXD and its responses, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

API = "/1.0"


@dataclass(frozen=True)
class Request:
    """One HTTP request. The parts of `path` are quoted; `query` and `body` are not encoded yet."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Response:
    """LXD's answer: the HTTP status, the decoded JSON body, and the ETag, empty without one.

    The body belongs to its sender: a reader must not change it.
    """

    status: int
    body: Any
    etag: str = ""

    @property
    def error(self) -> str:
        """Why LXD refused the request, empty if it did not. A 200 may also be an error."""
        if self.body.get("type") == "error":
            return str(self.body.get("error") or f"status {self.status}")
        return "" if self.status < HTTPStatus.BAD_REQUEST else f"status {self.status}"


@lru_cache(maxsize=1024)
def api_path(*parts: str) -> str:
    """The path of an object: `api_path("storage-pools", "a?b")` is /1.0/storage-pools/a%3Fb."""
    return "/".join((API, *(quote(part, safe="") for part in parts)))
