# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD snap of a model machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import deadlines
from host.snap import ChannelUnknownError, SnapError, resource
from state.facts import Resource, SnapFacts
from tests.lxd_model import times

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lxd_model.server import Server


class ModelSnap:
    """Snapd on a model machine. The store has every channel except those in `unknown`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._digests: dict[str, str] = {}
        """By revision: the digest of its file."""
        self._channel = ""
        self._unfinished = False
        self._ours = ""
        """The revision that the charm installed last."""
        self.unknown: set[str] = set()
        self.version = server.cloud.version
        """The version of LXD that the next installation gets."""

    def facts(self, wanted: Resource | None) -> SnapFacts:
        """What is installed, and whether it is the attached file."""
        same = wanted is None or wanted.digest == self._digest
        return SnapFacts(
            snapd=True,
            deb=False,
            installed=self._server.installed,
            revision=self._server.revision,
            version=self._server.version if self._server.installed else "",
            channel="" if self._server.revision.startswith("x") else self._channel,
            offered="" if same or wanted is None else self._version_in(wanted.path),
            same_as_resource=same,
            foreign=self._server.installed and self._server.revision != self._ours,
            untouched=self._server.installed and not self._server.run,
            unfinished=self._unfinished,
        )

    def install(self, channel: str, revision: str) -> None:
        """LXD from the store."""
        if channel in self.unknown:
            raise ChannelUnknownError(f"no LXD on {channel}")
        known = self._server.cloud.released
        version = known.get(revision, self.version) if revision else self.version
        revision = revision or self._server.cloud.revision
        self._call("snap.install", times.INSTALL, lambda: self._install(revision, version))
        self._channel = channel
        self._ours = self._server.revision
        self._unfinished = False

    def install_version(self, channel: str, version: str) -> None:
        """The same: all machines have one architecture."""
        if version != self.version:
            raise ChannelUnknownError(f"{channel} has LXD {self.version}")
        self.install(channel, "")

    def install_file(self, path: str) -> None:
        """LXD from a local file."""
        revision, version, digest = self._next_local(), self._version_in(path), _digest_of(path)
        self._call(
            "snap.install_file",
            times.INSTALL,
            lambda: self._install(revision, version, digest),
        )
        self._ours = self._server.revision
        self._unfinished = False

    def refresh(self, revision: str) -> None:
        """`snap refresh --revision`, by hand."""
        self._use(revision, self._server.cloud.released[revision])

    def install_file_by_hand(self, path: str) -> None:
        """`snap install --dangerous FILE`, by hand."""
        revision = self._next_local()
        self._digests[revision] = _digest_of(path)
        self._use(revision, self._version_in(path))

    def remove(self) -> None:
        """Removes LXD with everything in it."""
        self._call("snap.remove", times.DAEMON_START, self._remove)
        self._ours = self._channel = ""
        self._digests.clear()

    def stop(self) -> None:
        """Stops the daemon and, as the real snap does, all instances here."""
        self._call("snap.stop", times.DAEMON_START, self._stop)

    def start(self) -> None:
        """Starts the daemon, and the instances that `stop` stopped."""
        self._call("snap.start", times.REQUEST, self._server.start_daemon)

    def restart(self) -> None:
        """Both: instances stop and start."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Starts the daemon again; instances keep running."""
        self._call("snap.reload", times.DAEMON_START, self._reload)

    def _stop(self) -> None:
        self._server.stop_instances()
        self._server.kill_daemon()

    def _reload(self) -> None:
        self._server.kill_daemon()
        self._server.start_daemon()

    def _remove(self) -> None:
        self._server.uninstall()

    @property
    def _digest(self) -> str:
        return self._digests.get(self._server.revision, "")

    def _version_in(self, path: str) -> str:
        """The version of LXD in a file, which has it as text."""
        file = Path(path)
        return file.read_text().split()[0] if file.is_file() else self.version

    def _next_local(self) -> str:
        """The revision that snapd gives to a local file: x1, x2, and so on."""
        before = self._server.revision
        return f"x{int(before[1:]) + 1}" if before.startswith("x") else "x1"

    def _install(self, revision: str, version: str, digest: str = "") -> None:
        server = self._server
        self._unfinished = True
        if (server.revision, self._digest) == (revision, digest):
            return
        self._digests[revision] = digest
        self._use(revision, version)

    def _use(self, revision: str, version: str) -> None:
        self._server.kill_daemon()
        self._server.revision, self._server.version = revision, version
        self._server.start_daemon()

    def _call(self, what: str, seconds: float, effect: Callable[[], None]) -> None:
        cloud = self._server.cloud
        cloud.pause(0.0, what)
        fault = cloud.fault(self._server.machine, what)
        if fault == "refuse":
            raise SnapError(f"{what} was refused")
        if fault == "timeout":
            cloud.pause(deadlines.SNAP, what)
            raise SnapError(f"did not end within {deadlines.SNAP:.0f} s")
        effect()
        cloud.pause(seconds, what)
        if fault == "lost":
            raise SnapError("the answer was lost")


def _digest_of(path: str) -> str:
    """As the charm's. The path of a file that does not exist stands for it."""
    found = resource(Path(path)) if Path(path).is_file() else None
    return found.digest if found else path
