# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests to snapd that charmlibs.snap lacks, such as the version in a channel of the store."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from host.unix_http import UnixHttpConnection

SOCKET = "/run/snapd.socket"
_SECONDS = 120.0
"""snapd itself tries to reach the store for 38 s."""
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_WITH_HOLDS = "2.58"
"""The first snapd that holds single snaps."""
_FOR_EVER = "2200"
"""The beginning of a time that is later than any hold with an end."""
_RISKS = ("stable", "candidate", "beta", "edge")


class SnapdError(Exception):
    """snapd did not answer, or gave a wrong answer."""


@dataclass(frozen=True)
class Release:
    """The content of a channel for this machine's architecture."""

    version: str
    revision: str


def release(name: str, channel: str) -> Release | None:
    """The content of a channel of a snap, None if it is empty. Raises SnapdError.

    A channel without its own release has that of the next safer risk, and a closed branch has that
    of its channel.
    """
    snaps = _get("/v2/find", {"name": name})
    if not snaps:
        raise SnapdError(f"the store has no snap {name}")
    channels: dict[str, Any] = snaps[0].get("channels") or {}
    for followed in _followed(channel):
        if row := channels.get(followed):
            return Release(str(row["version"]), str(row["revision"]))
    return None


@dataclass(frozen=True)
class Followed:
    """The channel that an installed snap follows, empty for none, and whether it is held there."""

    channel: str = ""
    held: bool = True


def followed(name: str) -> Followed:
    """What an installed snap follows. Raises SnapdError.

    A hold without an end has a time some 292 years ahead (charmlibs.snap). A shorter one ends, and
    snapd before 2.58 knows none.
    """
    info: dict[str, Any] = _get(f"/v2/snaps/{name}", {})
    held = str(info.get("hold", "")) > _FOR_EVER or is_older_than(_WITH_HOLDS)
    return Followed(str(info.get("tracking-channel", "")), held)


def is_older_than(version: str) -> bool:
    """Whether this machine's snapd is older. An unknown version does not count as older."""
    try:
        present = ordered(str(_get("/v2/system-info", {}).get("version", "")))
    except SnapdError:
        return False
    return bool(present) and present < ordered(version)


def ordered(version: str) -> tuple[int, ...]:
    """A version of snapd for comparison: 2.72+ubuntu22.04 is 2.72. Empty if it has no number."""
    match = _NUMBER.match(version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def is_changing(name: str) -> bool:
    """Whether snapd works on a snap now. Raises SnapdError.

    The first change on a machine installs the image's snaps, and does not name them.
    """
    if _get("/v2/changes", {"select": "in-progress", "for": name}):
        return True
    changes: list[dict[str, Any]] = _get("/v2/changes", {"select": "in-progress"}) or []
    return any(change.get("kind") == "seed" for change in changes)


def _followed(channel: str) -> list[str]:
    track, risk, *branch = channel.split("/")
    safer = _RISKS[: _RISKS.index(risk) + 1] if risk in _RISKS else (risk,)
    plain = [f"{track}/{name}" for name in reversed(safer)]
    return [channel, *plain] if branch else plain


def _get(path: str, query: dict[str, str]) -> Any:
    connection = UnixHttpConnection(SOCKET, _SECONDS)
    try:
        connection.request("GET", f"{path}?{urlencode(query)}" if query else path)
        answer: dict[str, Any] = json.load(connection.getresponse())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise SnapdError(f"snapd: {error}") from error
    finally:
        connection.close()
    result: Any = answer.get("result")
    if answer.get("type") == "error":
        raise SnapdError(str(result["message"]))
    return result
