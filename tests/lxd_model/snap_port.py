# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD snap of a model machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import deadlines
from host.snap import ChannelUnknownError, SnapError
from state.facts import Resource, SnapFacts
from tests.lxd_model import times

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lxd_model.server import Server


class ModelSnap:
    """Snapd on a model machine. The store has every channel except those in `unknown`."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._digest = ""
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
            offered="" if same else self.version,
            same_as_resource=same,
            foreign=self._server.installed and self._server.revision != self._ours,
            untouched=self._server.installed and not self._server.run,
            unfinished=self._unfinished,
        )

    def install(self, channel: str, revision: str) -> None:
        """LXD from the store."""
        if channel in self.unknown:
            raise ChannelUnknownError(f"no LXD on {channel}")
        self._call("snap.install", times.INSTALL, lambda: self._install(revision or "100", ""))
        self._channel = channel
        self._ours = self._server.revision
        self._unfinished = False

    def install_version(self, channel: str, version: str) -> None:
        """The same: all machines have one architecture."""
        if version != self.version:
            raise ChannelUnknownError(f"{channel} has LXD {self.version}")
        self.install(channel, "")

    def install_file(self, path: str) -> None:
        """LXD from a local file. Its path stands for its digest here."""
        before = self._server.revision
        number = int(before[1:]) + 1 if before.startswith("x") else 1
        self._call("snap.install_file", times.INSTALL, lambda: self._install(f"x{number}", path))
        self._ours = self._server.revision
        self._unfinished = False

    def remove(self) -> None:
        """Removes LXD with everything in it."""
        self._call("snap.remove", times.DAEMON_START, self._remove)
        self._ours = self._digest = self._channel = ""

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

    def _install(self, revision: str, digest: str) -> None:
        server = self._server
        self._unfinished = True
        if (server.revision, self._digest) == (revision, digest):
            return
        server.kill_daemon()
        server.revision = revision
        server.version = self.version
        self._digest = digest
        server.start_daemon()

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
