# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operators who give the members another LXD."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from lab.model.state import Resource, Unit
from tests.lxd_model.server import Server
from tests.simulation.engine import APP
from tests.simulation.schedule import Happening
from tests.simulation.site import Site
from values.lxd_versions import ordered

RESOURCE = "lxd-snap"
_RELEASES = ("5.0.2", "5.0.3", "5.21.7", "5.21.8", "6.9", "6.10")


class Exchanges:
    """A method for each kind of exchange. It returns what it did, None for nothing."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.engine = site.engine
        self._newest = site.engine.cloud.version
        """The newest LXD that the operator gave to a member, or wanted to."""
        self._build = 0
        self._attached = False
        self._files: dict[str, str] = {}
        """By version: the path of the last file that the operator attached."""
        self.cures: dict[str, Callable[..., None]] = {
            r"attach (?:a newer one|that file)|juju attach-resource": self._attach_newest,
            r"on the members, or attach LXD (\S+) again": self._attach_again,
            r"for LXD (\S+) on (\S+) \(": self._refresh_rest,
            r"for the LXD of \S+ \((\S+)\).*: this member has": self._refresh_here,
            r"waits for a member without a unit": self._end_wait,
            r"is older than its database|for one LXD on all members": self._refresh_newest,
        }
        """What a unit's status asks for, and the method that does it."""

    def attach(self, happening: Happening) -> str | None:
        """`juju attach-resource`: a later LXD, the same one in another file, or an older one."""
        place = _RELEASES.index(self._newest)
        match happening.word:
            case "next":
                version = _RELEASES[min(place + 1, len(_RELEASES) - 1)]
            case "last":
                version = _RELEASES[-1]
            case "older":
                version = _RELEASES[max(place - 1, 0)]
            case _:
                version = self._newest
        self._build += 1
        self._give(version)
        return f"{version}, file {self._build}"

    def refresh(self, happening: Happening) -> str | None:
        """`snap refresh` on one machine after the other. The store then has that LXD."""
        place = _RELEASES.index(self._newest)
        if self._attached or place + 1 == len(_RELEASES):
            return None
        version = self._newest = _RELEASES[place + 1]
        cloud, revision = self.engine.cloud, str(100 + place + 1)
        cloud.version, cloud.revision = version, revision
        cloud.released[revision] = version
        for number, server in enumerate(cloud.servers.values()):
            server.snap.version = version
            self.engine.later(
                number * happening.seconds, partial(self._refresh_next, server, revision)
            )
        return f"{version}, {happening.seconds:.0f} s for each machine"

    def _refresh_next(self, server: Server, revision: str) -> None:
        """The operator does not go on with it once they do what the statuses say."""
        if server.installed and not self._attached and not self.engine.faults_over:
            server.snap.refresh(revision)

    def _attach_newest(self, _: Unit) -> None:
        """Attaches the newest LXD again."""
        self.engine.operator_does("juju attach-resource", self._newest)
        self._give(self._newest)

    def _attach_again(self, _: Unit, version: str) -> None:
        """Attaches an earlier LXD, until a unit has joined with it."""
        if version in _RELEASES:
            self.engine.operator_does("juju attach-resource", version)
            self._give(version)

    def _refresh_newest(self, unit: Unit) -> None:
        """`snap refresh` to the newest LXD that the operator gave to a member."""
        self._refresh_rest(unit, self._newest, unit.name)

    def _refresh_here(self, unit: Unit, version: str) -> None:
        """`snap refresh` on a machine that the others do not wait for any more."""
        self._refresh_rest(unit, version, unit.name)

    def _refresh_rest(self, waiting: Unit, version: str, other: str) -> None:
        """`snap refresh` also where the others wait for it, such as on a new unit's machine.

        If LXD there has that version already, they wait for a member without a unit.
        """
        unit = self.engine.units.get(other)
        if unit is None:
            return
        server = self.engine.cloud.servers[unit.machine]
        if server.version == version:
            self._end_wait(waiting)
        else:
            self._install(server, version)

    def _install(self, server: Server, version: str) -> None:
        """From the last attached file of that version, or from the store."""
        place = f"{version} on machine {server.machine}"
        revisions = [r for r, v in self.engine.cloud.released.items() if v == version]
        if version in self._files:
            self.engine.operator_does("snap install --dangerous", place)
            server.snap.install_file_by_hand(self._files[version])
        elif revisions:
            self.engine.operator_does("snap refresh", place)
            server.snap.refresh(revisions[0])

    def _end_wait(self, unit: Unit) -> None:
        """A member without a unit gets the LXD of the others, or a dead one's record its version.

        Then the others' daemons start again.
        """
        here = self.engine.cloud.servers[unit.machine]
        servers = self.site.live_servers()
        for row in here.records.members:
            there = self.engine.cloud.servers.get(row.server)
            if row.version == here.version or row.server in {s.machine for s in servers}:
                continue
            if there is not None and there.powered and not there.destroyed:
                self._install(there, here.version)
            else:
                self.engine.operator_does("sets a version", f"{row.name} on machine {unit.machine}")
                row.version = here.version
        for server in servers:
            if server.silence() is not None:
                server.kill_daemon()
                server.start_daemon()

    def _give(self, version: str) -> None:
        self._attached = True
        self._newest = max(self._newest, version, key=ordered)
        path = self._files[version] = str(_file(version, self._build))
        self.engine.juju.attach_resource(APP, Resource(RESOURCE, path=path))


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lxd-cluster-snaps-")


@cache
def _file(version: str, build: int) -> Path:
    """A file that stands for the snap of a version. Another build has another digest."""
    path = Path(_folder().name) / f"lxd_{version}_{build}.snap"
    path.write_text(f"{version} {build}\n")
    return path
