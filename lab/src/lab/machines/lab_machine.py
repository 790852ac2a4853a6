# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the lab's containers and virtual machines have in common.

Nothing about a machine is kept in memory: any process can make an object of the same home and
number, and continues from what it finds.
"""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, ClassVar

from lab.machines import machine_commands, network, processes, teardown
from lab.machines.network import Interface
from lab.machines.programs import MachineError

_START_SECONDS = 15


class LabMachine(ABC):
    """A machine of the lab whose folders are under `home`.

    `number` is its Juju machine number, 0 to 30. All methods need root. Methods that act on the
    machine raise MachineError if it does not exist, does not run or does not do what was asked.
    """

    RUN_SECONDS: ClassVar[float]
    """The time that a command has if the caller of `run` does not say."""
    POLL_SECONDS: ClassVar[float]
    """The time between two looks at a machine that boots."""

    def __init__(self, home: Path, number: int) -> None:
        if not 0 <= number <= network.MAX_NUMBER:
            raise MachineError(f"machine {number}: the lab has room for 0 to {network.MAX_NUMBER}")
        self.number = number
        self.folder = machine_folder(home, number)

    @property
    def hostname(self) -> str:
        """Its host name. Its control groups have the same name here."""
        return network.hostname(self.number)

    @property
    def root(self) -> Path:
        """Its file system as the host sees it. It exists from the first start until destroy."""
        return self.folder / "root"

    @property
    def shared_dir(self) -> Path:
        """A folder of the host, made if necessary, that the machine sees as /run/lab."""
        shared = self.folder / "shared"
        shared.mkdir(parents=True, exist_ok=True)
        return shared

    @property
    def console_log(self) -> Path:
        """The machine's console output, over all its boots."""
        return self.folder / "console.log"

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Its NICs with the addresses at boot."""
        return network.interfaces(self.number)

    def seen(self, path: Path) -> str:
        """The name that a path under `root` or `shared_dir` has inside the machine."""
        if path.is_relative_to(self.shared_dir):
            return str("/run/lab" / path.relative_to(self.shared_dir))
        return str("/" / path.relative_to(self.root))

    def start(self) -> None:
        """Switch it on. Makes the machine first if it is new. Returns when it has begun to boot."""
        if self.is_running():
            return
        teardown.claim(self.number, self.folder)
        self.power_off_hard()
        self._switch_on()
        self._wait_other_boot(None, _START_SECONDS)

    def is_running(self) -> bool:
        """Whether it is on: it boots, is up or shuts down."""
        return self._main_process() is not None

    def boot_id(self) -> str | None:
        """An identifier of this boot of the machine; None while it is off."""
        process = self._main_process()
        return f"{process.pid}-{process.start}" if process else None

    @abstractmethod
    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The host's command line that runs `argv` in the machine.

        `env` is added to `machine_commands.ENVIRONMENT`; the command gets no other variables.
        """

    def popen(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a command in the machine as root; see `machine_commands.start`."""
        return machine_commands.start(self.command(argv, env, cwd), stdin, stdout, stderr)

    def run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        stdin: str = "",
        timeout: float | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine as root and wait for it.

        It has `timeout` seconds, or RUN_SECONDS. The caller must check `returncode`. Raises
        subprocess.TimeoutExpired once the command has been killed.
        """
        seconds = self.RUN_SECONDS if timeout is None else timeout
        return machine_commands.finish(self.command(argv, env, cwd), stdin, seconds)

    def power_off_hard(self) -> None:
        """Cut its power: everything in it is killed at once. What it wrote stays."""
        teardown.power_off(self.number, self.folder)

    def destroy(self) -> None:
        """Cut its power and remove everything of it, including its data."""
        teardown.destroy(self.number, self.folder)

    @abstractmethod
    def addresses(self) -> dict[str, list[str]]:
        """The current addresses (with prefix length) of each of its NICs."""

    def link_down(self, nic: str) -> None:
        """Disconnect a NIC, "eth0" or "eth1". It stays disconnected over reboots."""
        network.set_link(self.number, nic, "down")

    def link_up(self, nic: str) -> None:
        """Connect a NIC again."""
        network.set_link(self.number, nic, "up")

    @abstractmethod
    def _switch_on(self) -> None:
        """Prepare its files and start its supervisor; its power is off."""

    @abstractmethod
    def _main_process(self) -> processes.Process | None:
        """The process of the host that runs as long as the machine is on."""

    def _is_ready_for_commands(self) -> bool:
        """Whether it makes sense to ask systemd; looking must cost little."""
        return True

    def _write_identity(self) -> None:
        """Give a new machine its host name and its network."""
        boot_commands = self.root / "etc/lab/network"
        if not boot_commands.exists():
            (self.root / "etc/hostname").write_text(f"{self.hostname}\n")
            boot_commands.parent.mkdir(exist_ok=True)
            boot_commands.write_text(network.boot_commands(self.number))

    def _start_supervisor(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Run a command line that leaves the supervisor behind; its output is the console's."""
        with self.console_log.open("ab") as log:
            subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=env,
                timeout=15,
                check=True,
            )

    def _wait_other_boot(self, before: str | None, timeout: float) -> None:
        """Wait until it is on, with another `boot_id` than `before`."""
        deadline = time.monotonic() + timeout
        while self.boot_id() in (None, before):
            if time.monotonic() > deadline:
                raise MachineError(f"{self.hostname}: does not start\n{self._last_words()}")
            time.sleep(processes.POLL_SECONDS)

    def _wait_booted(self, timeout: float) -> None:
        """Wait until systemd has finished booting. Failed units do not count."""
        deadline = time.monotonic() + timeout
        state = "not running"
        while (left := deadline - time.monotonic()) > 0:
            if self._is_ready_for_commands():
                state = self._system_state(left)
                if state in ("running", "degraded"):
                    return
            time.sleep(self.POLL_SECONDS)
        raise MachineError(
            f"{self.hostname}: not booted after {timeout:g} s: {state}\n{self._last_words()}"
        )

    def _system_state(self, timeout: float) -> str:
        """The state of the whole system as systemd sees it, once it has finished booting."""
        try:
            completed = self.run(["systemctl", "is-system-running", "--wait"], timeout=timeout)
        except (MachineError, subprocess.TimeoutExpired) as error:
            return str(error)
        return (completed.stdout or completed.stderr).strip()

    def _last_words(self) -> str:
        if not self.console_log.exists():
            return ""
        return self.console_log.read_text(errors="replace")[-2000:]


def machine_folder(home: Path, number: int) -> Path:
    """The folder with everything of machine `number` of the lab at `home`."""
    return home.resolve() / "machines" / str(number)
