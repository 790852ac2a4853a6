# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One machine of the lab: a systemd-nspawn container that boots, runs commands, reboots and dies.

Nothing about a machine is kept in memory: any process can make a `Machine` of the same home and
number, and continues from what it finds.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from lab.machines import (
    cgroups,
    disk,
    loops,
    machine_commands,
    network,
    processes,
    rootfs,
    teardown,
)
from lab.machines.layers import Image
from lab.machines.network import Interface
from lab.machines.programs import MachineError, program

# What a machine shares with the host, in addition to the loop devices.
DEVICES = ("fuse", "loop-control", "net/tun")
_SCRIPTS = Path(__file__).parent
# systemd(1): what PID 1 does on these signals.
_POWER_OFF = signal.SIGRTMIN + 4
_REBOOT = signal.SIGRTMIN + 5


class Machine:
    """A machine of the lab whose folders are under `home`.

    `number` is its Juju machine number, 0 to 30. All methods need root. Methods that act on the
    machine raise MachineError if it does not exist, does not run or does not do what was asked.
    """

    def __init__(self, home: Path, number: int, image: Image) -> None:
        if not 0 <= number <= network.MAX_NUMBER:
            raise MachineError(f"machine {number}: the lab has room for 0 to {network.MAX_NUMBER}")
        self.number = number
        self.image = image
        self.folder = machine_folder(home, number)

    @property
    def hostname(self) -> str:
        """Its host name. Its namespace and its control groups have the same name here."""
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

    @property
    def cpu(self) -> int:
        """The one CPU of the host that all its processes run on.

        On kernel 6.18 a mount namespace that was made on another CPU may get a lower id than the
        machine's own, and snap-confine then fails with EINVAL.
        """
        usable = sorted(os.sched_getaffinity(0))
        return usable[self.number % len(usable)]

    def start(self) -> None:
        """Switch it on. Makes the machine first if it is new. Returns when its PID 1 runs."""
        if self.is_running():
            return
        teardown.claim(self.number, self.folder)
        self.power_off_hard()
        self._prepare()
        self._spawn()
        self._wait_leader(timeout=15)

    def wait_booted(self, timeout: float = 60) -> None:
        """Wait until systemd has finished booting, for at most `timeout` seconds.

        Failed units do not count: a real machine may have some, too.
        """
        deadline = time.monotonic() + timeout
        state = "not running"
        while (left := deadline - time.monotonic()) > 0:
            # systemd does not answer until this socket exists. Looking for it costs nothing.
            leader = self._leader()
            if leader and Path(f"/proc/{leader.pid}/root/run/systemd/private").exists():
                state = self._system_state(left)
                if state in ("running", "degraded"):
                    return
            time.sleep(processes.POLL_SECONDS)
        raise MachineError(
            f"{self.hostname}: not booted after {timeout:g} s: {state}\n{self._last_words()}"
        )

    def is_running(self) -> bool:
        """Whether its PID 1 runs: the machine boots, is up or shuts down."""
        return self._leader() is not None

    def boot_id(self) -> str | None:
        """An identifier of this boot of the machine; None while it does not run."""
        leader = self._leader()
        return f"{leader.pid}-{leader.start}" if leader else None

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The host's command line that runs `argv` in the machine.

        It is valid for this boot only. `env` is added to ENVIRONMENT; the command gets no other
        variables. The process that it starts has a child in the machine that outlives it: kill the
        whole process group.
        """
        leader = self._leader()
        if leader is None:
            raise MachineError(f"{self.hostname}: not running")
        groups = [str(path) for path in cgroups.entries(self.hostname)]
        namespaces = ["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w"]
        variables = [
            f"{name}={value}"
            for name, value in {**machine_commands.ENVIRONMENT, **(env or {})}.items()
        ]
        return [
            *[str(_SCRIPTS / "join.sh"), *groups, "--"],
            *[program("taskset"), "-c", str(self.cpu)],
            *[program("nsenter"), "-t", str(leader.pid), *namespaces, "--"],
            *["/usr/bin/env", "-i", f"--chdir={cwd}", *variables],
            *argv,
        ]

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
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine as root and wait for it, for at most `timeout` seconds.

        The caller must check `returncode`. Raises subprocess.TimeoutExpired once the command has
        been killed.
        """
        return machine_commands.finish(self.command(argv, env, cwd), stdin, timeout)

    def reboot(self, timeout: float = 90) -> None:
        """Reboot it cleanly. Returns when the next boot has begun; see `wait_booted`."""
        leader = self._leader()
        if leader is None:
            raise MachineError(f"{self.hostname}: not running")
        processes.send(leader, _REBOOT)
        if processes.wait_gone([leader], timeout):
            raise MachineError(f"{self.hostname}: still shutting down after {timeout:g} s")
        self._wait_leader(timeout=15)

    def stop(self, timeout: float = 90) -> None:
        """Shut it down cleanly. After `timeout` seconds cut its power."""
        leader = self._leader()
        if leader is not None:
            processes.send(leader, _POWER_OFF)
            supervisor = teardown.supervisor(self.folder)
            processes.wait_gone([supervisor] if supervisor else [], timeout)
        self.power_off_hard()

    def power_off_hard(self) -> None:
        """Cut its power: everything in it is killed at once. What it wrote stays."""
        teardown.power_off(self.number, self.folder)

    def destroy(self) -> None:
        """Cut its power and remove everything of it, including its data."""
        teardown.destroy(self.number, self.folder)

    def addresses(self) -> dict[str, list[str]]:
        """The current addresses (with prefix length) of each of its NICs."""
        return network.addresses(self.number)

    def link_down(self, nic: str) -> None:
        """Disconnect a NIC, "eth0" or "eth1". It stays disconnected over reboots."""
        network.set_link(self.number, nic, "down")

    def link_up(self, nic: str) -> None:
        """Connect a NIC again."""
        network.set_link(self.number, nic, "up")

    def _prepare(self) -> None:
        disk.mount(self.folder, self.image)
        own = self.root / "etc/lab/network"
        if not own.exists():
            (self.root / "etc/hostname").write_text(f"{self.hostname}\n")
            own.parent.mkdir(exist_ok=True)
            own.write_text(network.boot_commands(self.number))
        network.connect(self.number)
        cgroups.create(self.hostname)
        (self.folder / "cgroup").mkdir(exist_ok=True)

    def _spawn(self) -> None:
        hierarchies = cgroups.hierarchies()
        namespace = network.namespace_path(self.number)
        argv = [
            *[program("setsid"), "--fork"],
            *[program("taskset"), "-c", str(self.cpu)],
            *[program("nsenter"), f"--net={namespace}"],
            *[program("unshare"), "--mount"],
            *[str(_SCRIPTS / "supervise.sh"), self.hostname, str(self.folder)],
            " ".join(hierarchies),
            *self._nspawn(loops.ensure()),
        ]
        unified = "yes" if hierarchies == [cgroups.UNIFIED] else "no"
        env = {
            **os.environ,
            "SYSTEMD_NSPAWN_API_VFS_WRITABLE": "yes",
            "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": unified,
            # The claim on the machine's number is the lock, and leaves no file behind.
            "SYSTEMD_NSPAWN_LOCK": "no",
            # Containers in the machine set their own filters.
            "SYSTEMD_SECCOMP": "0",
        }
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

    def _nspawn(self, loop_devices: Sequence[Path]) -> list[str]:
        """The command line of systemd-nspawn: the image's own, with the image's own libraries."""
        nspawn = self.image.nspawn / "usr/bin/systemd-nspawn"
        private = next(self.image.rootfs.glob("usr/lib/*-linux-gnu/systemd"))
        devices = [*loop_devices, *(Path("/dev") / node for node in DEVICES)]
        return [
            *[*rootfs.command_line(self.image.rootfs, nspawn, private), "--quiet", "--boot"],
            *[f"--directory={self.root}", f"--machine={self.hostname}"],
            *["--register=no", "--keep-unit", "--capability=all", "--console=pipe"],
            *["--resolv-conf=off", "--timezone=off", "--link-journal=no"],
            f"--bind={self.shared_dir}:/run/lab",
            *[f"--bind={device}" for device in devices if device.exists()],
        ]

    def _leader(self) -> processes.Process | None:
        """The machine's PID 1: a child of systemd-nspawn, which is a child of the supervisor."""
        supervisor = teardown.supervisor(self.folder)
        for nspawn in processes.children(supervisor) if supervisor else []:
            for child in processes.children(nspawn):
                if processes.is_first_of_namespace(child):
                    return child
        return None

    def _system_state(self, timeout: float) -> str:
        """The state of the whole system as systemd sees it, once it has finished booting."""
        try:
            done = self.run(["systemctl", "is-system-running", "--wait"], timeout=timeout)
        except (MachineError, subprocess.TimeoutExpired) as error:
            return str(error)
        return (done.stdout or done.stderr).strip()

    def _wait_leader(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self.is_running():
            if time.monotonic() > deadline:
                raise MachineError(f"{self.hostname}: does not start\n{self._last_words()}")
            time.sleep(processes.POLL_SECONDS)

    def _last_words(self) -> str:
        if not self.console_log.exists():
            return ""
        return self.console_log.read_text(errors="replace")[-2000:]


def machine_folder(home: Path, number: int) -> Path:
    """The folder with everything of machine `number` of the lab at `home`."""
    return home.resolve() / "machines" / str(number)
