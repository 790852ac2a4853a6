# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Stand-ins for machines: folders where hooks run as this computer's own processes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from lab.machines import network
from lab.machines.programs import MachineError
from lab.model.constraints import VirtType
from lab.model.state import Interface


class PlainHost:
    """A folder that answers like a machine."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder = folder
        self.number = number
        self.root = folder / "root"
        self.shared_dir = folder / "shared"
        self.boots = 0
        self.is_on = False
        self.processes: list[subprocess.Popen[bytes]] = []
        self.of_users: list[str] = []
        """Commands that ran as the machine's user, not as root."""

    @property
    def hostname(self) -> str:
        return f"plain-{self.number}"

    def seen(self, path: Path) -> str:
        return str(path)

    def nics(self) -> list[Interface]:
        return [
            Interface(f"eth{index}", f"02:00:00:00:0{index}:{self.number:02x}", space, [address])
            for index, (space, address) in enumerate(
                [
                    ("alpha", f"10.99.0.{self.number + 1}/24"),
                    ("internal", f"10.99.1.{self.number + 1}/24"),
                ]
            )
        ]

    def start(self) -> None:
        for folder in (self.root, self.shared_dir):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.is_on:
            self.boots += 1
            self.is_on = True

    boot_seconds = 60.0

    def wait_booted(self, timeout: float) -> None:
        if not self.is_on:
            raise MachineError(f"{self.hostname} is off")

    def is_running(self) -> bool:
        return self.is_on

    def boot_id(self) -> str | None:
        return str(self.boots) if self.is_on else None

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        words = [f"{name}={value}" for name, value in {"PATH": os.defpath, **(env or {})}.items()]
        return ["/usr/bin/env", "-i", f"--chdir={cwd}", *words, *argv]

    def popen(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
    ) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            self.command(argv, env, cwd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def run(self, argv: Sequence[str], *, timeout: float) -> subprocess.CompletedProcess[str]:
        if argv[0] == "systemctl":
            return subprocess.CompletedProcess(list(argv), 0, "running\n", "")
        return subprocess.run(
            self.command(argv), capture_output=True, text=True, timeout=timeout, check=False
        )

    def user_shell(self, command: str) -> list[str]:
        self.of_users.append(command)
        return ["/bin/bash", "-c", command]

    def look_again(self) -> None:
        pass

    def reboot(self) -> None:
        self.power_off_hard()
        self.start()

    def power_off_hard(self) -> None:
        self.is_on = False
        for process in self.processes:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
        self.processes = []

    def destroy(self) -> None:
        self.power_off_hard()

    def link_up(self, nic: str) -> None:
        raise NotImplementedError

    def link_down(self, nic: str) -> None:
        raise NotImplementedError


class PlainProvider:
    """Makes and remembers plain hosts."""

    spaces = ("alpha", "internal")
    subnets = MappingProxyType({"alpha": ("10.99.0.0/24",), "internal": ("10.99.1.0/24",)})

    def __init__(self, home: Path) -> None:
        self._home = home
        self._hosts: dict[int, PlainHost] = {}
        self._ranges: dict[int, Path] = {}
        self.kinds: dict[int, VirtType] = {}
        """By number: the kind of machine that the controller asked for last."""

    def prepare(self, kind: VirtType, progress: Callable[[str], None]) -> None:
        progress("nothing to prepare")

    def take_range(self, model: Path) -> int:
        gone = [n for n, folder in self._ranges.items() if not folder.exists()]
        for number in gone:
            del self._ranges[number]
        free = set(range(network.MODELS)) - set(self._ranges)
        if not free:
            raise MachineError(f"room for {network.MODELS} models")
        self._ranges[min(free)] = model
        return min(free)

    def host(self, number: int, kind: VirtType = "container") -> PlainHost:
        self.kinds[number] = kind
        return self._hosts.setdefault(
            number, PlainHost(self._home / "machines" / str(number), number)
        )
