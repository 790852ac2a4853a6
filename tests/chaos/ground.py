# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster for the faults: operations on it and questions about it."""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path

import jubilant
from jubilant.statustypes import UnitStatus

from lab.machines import image
from tests.integration import cluster
from tests.integration.conftest import APP, LAB, ROOT, Files

MODEL = "chaos"
MOST = 4
"""Extra members are removed before the next fault: two cores are too slow for more."""
PATIENCE = 180.0
"""Seconds until everything must be healthy again."""
_WORD = 120.0
"""Seconds for the remaining units to publish the age of their databases."""
# Not through systemd: it knows only a script of the snap that waits for the daemon.
STOP_LXD = "kill -STOP $(cat /var/snap/lxd/common/lxd.pid)"
KILL_LXD = "kill -KILL $(cat /var/snap/lxd/common/lxd.pid)"
ALIAS = "small"


class Ground:
    """One application in its own model, which is made when a fault first needs it.

    Its containers must run, except those in `lost`.
    """

    def __init__(self, juju: jubilant.Juju, files: Files, say: Callable[[str], None]) -> None:
        """`say` gets a line for each event."""
        self.juju = juju
        self.files = files
        self.say = say
        self.lost: set[str] = set()
        self._containers: set[str] = set()

    # Before and after a fault.

    def prepare(self, members: int) -> None:
        """Makes that many healthy members, each with a container; no members for an empty model."""
        if members == 0:
            self.clear()
            self._open()
            return
        if self.juju.model is None or not self.units():
            self.clear()
            self._open()
            self.deploy(members)
        surplus = len(self.units()) - max(members, MOST)
        if surplus > 0:
            self.juju.remove_unit(*sorted(self.units(), key=_number)[-surplus:])
        elif len(self.units()) < members:
            self.juju.add_unit(APP, num_units=members - len(self.units()))
        self.whole()
        self._launch()

    def healed(self) -> None:
        """Returns once the cluster is healthy and every container that can run is running."""
        self.whole()
        cluster.eventually(lambda: not self._not_running(), PATIENCE)

    def clear(self) -> None:
        """Destroys the model, in any state."""
        listed = json.loads(self.juju.cli("models", "--format=json", include_model=False))
        if MODEL in {model["short-name"] for model in listed["models"]}:
            self.juju.destroy_model(MODEL, destroy_storage=True, force=True)
        self.lost.clear()
        self._containers.clear()

    def _open(self) -> None:
        # If no other event runs the charm, this does: Juju's own default is five minutes.
        self.juju.add_model(MODEL, config={"update-status-hook-interval": "10s"})

    # What the operator does.

    def deploy(self, units: int, *, resources: bool = True) -> None:
        """Deploys the charm."""
        self.juju.deploy(
            self.files.charm,
            APP,
            num_units=units,
            config={
                "storage-backend": "btrfs",
                "storage-size": "1GiB",
                # LXD's minimum plus a margin: dead members are found sooner.
                "cluster-offline-threshold": 12,
            },
            resources=self.files.resources if resources else None,
        )

    def add_unit(self) -> str:
        """Adds a unit; its name."""
        before = set(self.units())
        self.juju.add_unit(APP)
        (new,) = set(self.units()) - before
        return new

    def add_unit_held(self, hook: str) -> str:
        """Adds a unit that is held before a hook (a glob); its name."""
        unit = self.add_unit()
        self.lab("hold", unit, hook)
        self.lab("wait-held", unit)
        return unit

    def recover_quorum(self, unit: str) -> None:
        """Lets a unit recover with its copy of the database. Raises jubilant.TaskError.

        The other survivors must say first that their database does not answer. They do that in a
        later hook.
        """
        end = time.monotonic() + _WORD
        while True:
            try:
                self.juju.run(
                    unit,
                    "recover-quorum",
                    {"confirm": f"recover-{unit.replace('/', '-')}"},
                    wait=600,
                )
            except jubilant.TaskError as error:
                if "has not said yet" not in str(error) or time.monotonic() > end:
                    raise
                time.sleep(5)
            else:
                return

    # Which unit is which.

    def units(self) -> dict[str, UnitStatus]:
        """The application's units by name."""
        status = self.juju.status()
        return dict(status.apps[APP].units) if APP in status.apps else {}

    def leader(self) -> str:
        """The unit with the leadership."""
        return next(name for name, unit in self.units().items() if unit.leader)

    def raft_leader(self) -> str:
        """The unit of the database's Raft leader."""
        rows = cluster.members(self.juju, self.first())
        name = next(n for n, row in rows.items() if "database-leader" in row["roles"])
        return self.unit_of(name)

    def first(self) -> str:
        """The unit with the lowest number."""
        return min(self.units(), key=_number)

    def last(self) -> str:
        """The unit with the highest number."""
        return max(self.units(), key=_number)

    def others(self, *units: str) -> list[str]:
        """All units but these."""
        return sorted(set(self.units()) - set(units), key=_number)

    def machine(self, unit: str) -> str:
        """The id of a unit's machine."""
        return self.units()[unit].machine

    def member(self, unit: str) -> str:
        """A unit's member name: from its status, otherwise its machine's name."""
        status = self.juju.status()
        found = status.apps[APP].units[unit]
        named = re.match(r"member ([^, ]+)", found.workload_status.message)
        return named[1] if named else status.machines[found.machine].hostname

    def unit_of(self, member: str) -> str:
        """The unit of the member with this name."""
        return next(unit for unit in self.units() if self.member(unit) == member)

    # Questions.

    def whole(self) -> None:
        """Returns once every unit is an active member of one cluster without other members."""

        def settled(status: jubilant.Status) -> bool:
            return jubilant.all_active(status, APP) and jubilant.all_agents_idle(status, APP)

        self.juju.wait(settled, timeout=PATIENCE, delay=0.5, successes=1)
        cluster.whole(self.juju, len(self.units()))

    def until(self, unit: str, *messages: str, seconds: float = PATIENCE) -> None:
        """Returns once the unit's status matches one of the globs, like `blocked: *`."""
        shown = ""
        end = time.monotonic() + seconds
        while not any(fnmatch.fnmatchcase(shown, glob) for glob in messages):
            assert time.monotonic() < end, f"{unit} says {shown!r}, not {' or '.join(messages)}"
            time.sleep(0.3)
            status = self.juju.status()
            if unit in status.apps[APP].units:
                shown = cluster.message(status, unit)

    def until_app(self, *messages: str, seconds: float = PATIENCE) -> None:
        """Returns once the application's status matches one of the globs."""
        shown = ""
        end = time.monotonic() + seconds
        while not any(fnmatch.fnmatchcase(shown, glob) for glob in messages):
            assert time.monotonic() < end, f"{APP} says {shown!r}, not {' or '.join(messages)}"
            time.sleep(0.3)
            found = self.juju.status().apps[APP].app_status
            shown = f"{found.current}: {found.message}"

    def until_gone(self, *units: str) -> None:
        """Returns once Juju no longer has these units."""
        cluster.eventually(lambda: not set(units) & set(self.units()), PATIENCE)

    def ailing(self) -> list[str]:
        """The statuses of the application and of each unit that are not active."""
        status = self.juju.status()
        app = status.apps.get(APP)
        if app is None:
            return ["nothing is deployed"]
        shown = {APP: app.app_status, **{n: u.workload_status for n, u in app.units.items()}}
        ill = {name: one for name, one in shown.items() if one.current != "active"}
        return [f"{name} {one.current}: {one.message}" for name, one in ill.items()]

    # Operations of faults.

    def lab(self, *words: str) -> str:
        """Runs one of the lab's own verbs; its output."""
        verb, *rest = words
        return self.juju.cli("lab", verb, "--model", MODEL, *rest, include_model=False).strip()

    def ssh(self, unit: str, command: str) -> str:
        """Runs a command on a unit's machine as root."""
        return self.juju.ssh(unit, command)

    def kill_lxd(self, unit: str) -> None:
        """kill -9 of a unit's LXD; systemd starts it again."""
        self.ssh(unit, KILL_LXD)

    def kill_hook_at(self, unit: str, message: str, after: str = "300ms") -> str:
        """Kills the hook of the unit, or of any unit (APP), some time after it shows the message.

        The hook's name.
        """
        return self.lab("kill-hook", "--at", message, "--after", after, unit)

    def at(self, unit: str, message: str, command: str, on: str = "") -> str:
        """Runs a command on the unit's machine, or `on` another, when the unit shows the message.

        The name of the unit that showed it.
        """
        elsewhere = ["--on", on] if on else []
        return self.lab("at", *elsewhere, "--after", "300ms", unit, message, command)

    def link(self, units: Sequence[str], state: str) -> None:
        """Takes the machines' network between members down, or up again."""
        for unit in units:
            self.lab("link", self.machine(unit), "eth0", state)

    def lose(self, unit: str) -> None:
        """From now on the containers on a unit's member need not run."""
        rows = cluster.query(self.juju, "/1.0/instances?recursion=1", self.first())
        member = self.member(unit)
        self.lost |= {row["name"] for row in rows if row["location"] == member}

    # Containers.

    def _launch(self) -> None:
        """A container on each member without one."""
        at = self.first()
        names = cluster.members(self.juju, at)
        rows = cluster.query(self.juju, "/1.0/instances?recursion=1", at)
        missing = set(names) - {row["location"] for row in rows}
        if missing and not self._containers:
            assert self.files.container is not None, "CONTAINER_IMAGE names no image"
            self.juju.scp(str(self.files.container), f"{at}:/var/tmp/container.tar.gz")
            cluster.lxc(self.juju, f"image import /var/tmp/container.tar.gz --alias {ALIAS}", at)
        for member in sorted(missing):
            name = f"on-{member}"
            while name in self._containers | self.lost:
                name += "-again"
            cluster.lxc(self.juju, f"launch -q {ALIAS} {name} --target {member}", at)
            self._containers.add(name)

    def _not_running(self) -> set[str]:
        rows = cluster.query(self.juju, "/1.0/instances?recursion=1", self.first())
        running = {row["name"] for row in rows if row["status"] == "Running"}
        return self._containers - self.lost - running


@contextlib.contextmanager
def on_the_lab(say: Callable[[str], None]) -> Generator[Ground]:
    """A cluster in the lab, removed afterwards. CHARM names another charm than the lab's."""
    made = image.ensure_image(image.DEFAULT_CACHE, say)
    charm = Path(os.environ.get("CHARM") or ROOT / ".cache" / "lxd-cluster_lab.charm")
    juju = jubilant.Juju(cli_binary=str(LAB))
    ground = Ground(juju, Files(charm, made.lxd_snap(), None, made.container), say)
    try:
        ground.clear()
        yield ground
    finally:
        juju.cli("lab", "down", include_model=False)


def _number(unit: str) -> int:
    return int(unit.rpartition("/")[2])
