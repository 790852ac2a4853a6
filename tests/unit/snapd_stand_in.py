# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A small stand-in for snapd: its socket, and the part of its REST API that the charm uses.

Answers and kinds of errors are from snapd's documentation of its REST API. It knows one snap, lxd,
and puts an installed revision into a folder as snapd does in /snap/lxd.
"""

from __future__ import annotations

import json
import os
import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = dict[str, Any]


@dataclass
class Installed:
    """The installed LXD."""

    revision: str
    version: str
    channel: str
    held: bool = False
    until: str = "2318-11-30T20:00:00.123456789Z"
    """The end of the hold: this one is for ever."""


@dataclass
class Snapd:
    """The content of the store, the installed snap, and the requests.

    `releases` has by channel the version and the revision, `busy` makes the next so many changes
    fail because of another one, which is `meanwhile`; `broken` lets changes begin and then fail.
    """

    folder: Path
    releases: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    installed: Installed | None = None
    busy: int = 0
    meanwhile: Callable[[], None] = lambda: None
    broken: str = ""
    knows_hold: bool = True
    version: str = "2.72+ubuntu24.04"
    """Its own."""
    in_progress: list[Answer] = field(default_factory=list[Answer])
    """Changes, each with its kind, and the snap that it is `for`."""
    called: list[str] = field(default_factory=list[str])
    asked: int = 0
    """How often somebody has asked about the installed snap."""
    saved: int = 0
    changes: dict[str, list[Answer]] = field(default_factory=dict[str, list[Answer]])

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / "snapd.socket"

    @property
    def current(self) -> Path:
        """Where the installed revision is."""
        return self.folder / "lxd/current"

    @property
    def state(self) -> Path:
        """The file in which it keeps what is installed."""
        return self.folder / "state.json"

    def switch(self, channel: str) -> None:
        """`snap switch`: the same revision follows another channel."""
        assert self.installed is not None
        self.installed.channel = channel
        self._save()

    def _save(self) -> None:
        self.saved += 1
        self.state.touch()
        os.utime(self.state, (self.saved, self.saved))

    def lay_out(self, revision: str, version: str, channel: str) -> None:
        """That revision is installed."""
        held = self.installed is not None and self.installed.held
        self.installed = Installed(revision, version, channel, held)
        meta = self.current.parent / revision / "meta"
        meta.mkdir(parents=True, exist_ok=True)
        (meta / "snap.yaml").write_text(f"name: lxd\nversion: {version}\n")
        (self.folder / f"lxd_{revision}.snap").touch()
        self.current.unlink(missing_ok=True)
        self.current.symlink_to(revision)
        self._save()

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        """The answer to one request."""
        if path == "/v2/system-info":
            return sync({"version": self.version})
        if path == "/v2/find" and query.get("name") == ["lxd"]:
            return sync([{"name": "lxd", "channels": self._channels()}])
        if path.startswith("/v2/changes/"):
            steps = self.changes[path.removeprefix("/v2/changes/")]
            return sync(steps.pop(0) if len(steps) > 1 else steps[0])
        if path == "/v2/snaps/lxd" and method == "GET":
            return self._info()
        if path == "/v2/snaps/lxd":
            return self._change(body)
        if path == "/v2/changes":
            names = query.get("for", [])
            return sync([c for c in self.in_progress if not names or c["for"] in names])
        if path in ("/v2/apps", "/v2/interfaces", "/v2/aliases"):
            self.called.append(f"{path.removeprefix('/v2/')} {body['action']}")
            return self._begin()
        return error(404, "", f"cannot find {path}")

    def _channels(self) -> dict[str, Answer]:
        return {
            channel: {"channel": channel, "version": version, "revision": revision}
            for channel, (version, revision) in self.releases.items()
        }

    def _info(self) -> Answer:
        self.asked += 1
        if self.installed is None:
            return error(404, "snap-not-found", "snap not installed")
        return sync(
            {
                "name": "lxd",
                "revision": self.installed.revision,
                "version": self.installed.version,
                "confinement": "strict",
                "tracking-channel": self.installed.channel,
                **({"hold": self.installed.until} if self.installed.held else {}),
            }
        )

    def _change(self, body: Answer) -> Answer:
        action = body["action"]
        wanted = [str(body[key]) for key in ("channel", "revision") if key in body]
        self.called.append(" ".join([action, *wanted]))
        if self.busy:
            self.busy -= 1
            self.meanwhile()
            why = f'snap "lxd" has "{action}-snap" change in progress'
            return error(409, "snap-change-conflict", why)
        if action == "hold":
            return self._hold()
        if action == "remove":
            return self._remove()
        return self._install(body.get("channel", "latest/stable"), body.get("revision"))

    def _hold(self) -> Answer:
        if not self.knows_hold or self.installed is None:
            return error(400, "", "unknown action hold")
        self.installed.held = True
        self._save()
        return self._begin()

    def _remove(self) -> Answer:
        self.installed = None
        self.current.unlink()
        for file in self.folder.glob("lxd_*.snap"):
            file.unlink()
        return self._begin()

    def _install(self, channel: str, revision: str | None) -> Answer:
        if channel not in self.releases:
            return error(404, "snap-channel-not-available", f"no snap revision on {channel}")
        newest = self.releases[channel]
        found = {r: v for v, r in self.releases.values()}
        if revision is not None and revision not in found:
            return error(404, "snap-revision-not-available", "no snap revision available")
        if not self.broken:
            chosen = revision or newest[1]
            self.lay_out(chosen, found[chosen], channel)
        return self._begin()

    def _begin(self) -> Answer:
        number = str(len(self.changes) + 1)
        last: Answer = {"status": "Done", "ready": True}
        if self.broken:
            last = {"status": "Error", "ready": True, "err": self.broken}
        self.changes[number] = [{"status": "Doing", "ready": False}, last]
        return {"type": "async", "status-code": 202, "change": number, "result": None}


def sync(result: Any) -> Answer:
    """An answer at once."""
    return {"type": "sync", "status-code": 200, "result": result}


def error(status: int, kind: str, message: str) -> Answer:
    """A refusal."""
    return {"type": "error", "status-code": status, "result": {"kind": kind, "message": message}}


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

    def __init__(self, snapd: Snapd) -> None:
        self.snapd = snapd
        super().__init__(str(snapd.socket), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._answer(json.loads(self.rfile.read(length)))

    def _answer(self, body: Any) -> None:
        url = urlsplit(self.path)
        assert isinstance(self.server, _Server)
        answer = self.server.snapd.answer(self.command, url.path, parse_qs(url.query), body)
        content = json.dumps(answer).encode()
        self.send_response(answer["status-code"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing is printed."""

    def address_string(self) -> str:
        """A client on a Unix socket has no address."""
        return "client"


@contextmanager
def serving(snapd: Snapd) -> Generator[Snapd]:
    """It listens while the context lasts."""
    with _Server(snapd) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield snapd
        finally:
            server.shutdown()
            thread.join()
