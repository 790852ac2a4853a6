# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A unit's files on its machine: the charm, its resources and its storage."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from lab.controller.host_provider import Host
from lab.machines.machine_commands import PATH
from lab.machines.programs import MachineError
from lab.model.hooks import HookRun
from lab.model.state import Resource, StorageInstance

MIB = 1 << 20
LOSETUP_TIMEOUT = 30.0
_LINK = (
    'device=$(losetup --associated "$1" --output NAME --noheadings | head -n 1) && '
    'device=${device:-$(losetup --find --show "$1")} && '
    'mkdir -p /dev/disk/by-id && ln -sfn "$device" "/dev/disk/by-id/$2" && '
    'echo "/dev/disk/by-id/$2"'
)


def remove_others(host: Host, staying: Iterable[str]) -> None:
    """Remove the folders of all units on this machine that are not among the staying ones."""
    kept_tags = {_tag(unit) for unit in staying}
    for folder in _agents(host).glob("unit-*"):
        if folder.name not in kept_tags:
            shutil.rmtree(folder, ignore_errors=True)


def _agents(host: Host) -> Path:
    return host.root / "var/lib/juju/agents"


def _tag(unit: str) -> str:
    return f"unit-{unit.replace('/', '-')}"


class UnitFiles:
    """The folders of a unit, at Juju's paths."""

    def __init__(self, host: Host, unit: str) -> None:
        self._host = host
        self._folder = _agents(host) / _tag(unit)

    @property
    def charm_dir(self) -> Path:
        """The unpacked charm, as the computer sees it."""
        return self._folder / "charm"

    def command(self, run: HookRun, shell_command: str) -> list[str] | None:
        """The file to execute for a hook, action or command, in the charm's folder.

        None when the charm has neither `dispatch` nor a file for that hook: then the hook is
        skipped.
        """
        if run.kind == "exec":
            return ["/bin/bash", "-c", shell_command]
        kind = "actions" if run.kind == "action" else "hooks"
        for candidate in ("dispatch", f"{kind}/{run.name}"):
            if (self.charm_dir / candidate).exists():
                return [f"./{candidate}"]
        return None

    def environment(self, context_id: str) -> dict[str, str]:
        """The part of a hook's environment that describes this machine."""
        charm_dir = self._host.seen(self.charm_dir)
        tools = self._host.seen(self._host.root / "usr/lib/lab/tools")
        return {
            "PATH": f"{tools}:{PATH}",
            "CHARM_DIR": charm_dir,
            "JUJU_CHARM_DIR": charm_dir,
            "JUJU_CONTEXT_ID": context_id,
            "JUJU_AGENT_SOCKET_NETWORK": "unix",
            "JUJU_AGENT_SOCKET_ADDRESS": self._host.seen(self._host.shared_dir / "tools.sock"),
            "DEBIAN_FRONTEND": "noninteractive",
            "APT_LISTCHANGES_FRONTEND": "none",
        }

    def fetch(self, resource: Resource) -> str:
        """Copy a resource's file onto the machine unless it is there; its path there."""
        folder = self._folder / "resources" / resource.name
        target = folder / (resource.filename or resource.name)
        marker = folder / f".{target.name}.fingerprint"
        if not (target.exists() and marker.exists() and marker.read_text() == resource.fingerprint):
            folder.mkdir(parents=True, exist_ok=True)
            partial = folder / f".{target.name}.new"
            shutil.copyfile(resource.path, partial)
            partial.rename(target)
            self._host.look_again()
            marker.write_text(resource.fingerprint)
        return self._host.seen(target)

    def make_storage(self, instance: StorageInstance) -> str:
        """Make a storage instance; the mount point or block device for the unit."""
        name, _, number = instance.id.partition("/")
        folder = self._host.root / "var/lib/juju/storage" / name / number
        folder.mkdir(parents=True, exist_ok=True)
        if instance.type == "block":
            return self._attach(folder, instance)
        return self._host.seen(folder)

    def _attach(self, folder: Path, instance: StorageInstance) -> str:
        """Attach a sparse file as a block device with a link in /dev/disk/by-id; the link.

        The loop device may exist from before a reboot. The link does not: /dev is made again.
        """
        file = folder / "disk"
        with file.open("ab") as disk:
            disk.truncate(instance.size * MIB)
        name = f"lab-{instance.id.replace('/', '-')}"
        completed = self._host.run(
            ["/bin/sh", "-c", _LINK, "sh", self._host.seen(file), name], timeout=LOSETUP_TIMEOUT
        )
        if completed.returncode:
            raise MachineError(f"cannot attach {file}: {completed.stderr.strip()}")
        return completed.stdout.strip()
