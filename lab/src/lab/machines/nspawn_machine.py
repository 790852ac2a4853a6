# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine of the lab as a systemd-nspawn container."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

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
from lab.machines.lab_machine import LabMachine
from lab.machines.layers import Image
from lab.machines.programs import MachineError, program

# What a machine shares with the host, in addition to the loop devices.
DEVICES = ("fuse", "loop-control", "net/tun")
_SCRIPTS = Path(__file__).parent
# systemd(1): what PID 1 does on these signals.
_POWER_OFF = signal.SIGRTMIN + 4
_REBOOT = signal.SIGRTMIN + 5


class Machine(LabMachine):
    """A container whose folders are under `home`; `number` is its Juju machine number."""

    RUN_SECONDS = 60
    POLL_SECONDS = processes.POLL_SECONDS

    def __init__(self, home: Path, number: int, image: Image) -> None:
        super().__init__(home, number)
        self.image = image

    @property
    def cpu(self) -> int:
        """The one CPU of the host that all its processes run on.

        On kernel 6.18 a mount namespace that was made on another CPU may get a lower id than the
        machine's own, and snap-confine then fails with EINVAL.
        """
        usable = sorted(os.sched_getaffinity(0))
        return usable[self.number % len(usable)]

    def wait_booted(self, timeout: float = 60) -> None:
        """Wait until systemd has finished booting, for at most `timeout` seconds.

        Failed units do not count: a real machine may have some, too.
        """
        self._wait_booted(timeout)

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The host's command line that runs `argv` in the machine.

        It is valid for this boot only. `env` is added to `machine_commands.ENVIRONMENT`; the
        command gets no other variables. The process that it starts has a child in the machine that
        outlives it: kill the whole process group.
        """
        leader = self._main_process()
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

    def reboot(self, timeout: float = 90) -> None:
        """Reboot it cleanly. Returns when the next boot has begun; see `wait_booted`."""
        leader = self._main_process()
        if leader is None:
            raise MachineError(f"{self.hostname}: not running")
        processes.send(leader, _REBOOT)
        if processes.wait_gone([leader], timeout):
            raise MachineError(f"{self.hostname}: still shutting down after {timeout:g} s")
        self._wait_other_boot(None, timeout=15)

    def stop(self, timeout: float = 90) -> None:
        """Shut it down cleanly. After `timeout` seconds cut its power."""
        leader = self._main_process()
        if leader is not None:
            processes.send(leader, _POWER_OFF)
            supervisor = teardown.supervisor(self.folder)
            processes.wait_gone([supervisor] if supervisor else [], timeout)
        self.power_off_hard()

    def addresses(self) -> dict[str, list[str]]:
        """The current addresses (with prefix length) of each of its NICs."""
        return network.addresses(self.number)

    def _switch_on(self) -> None:
        disk.mount(self.folder, self.image)
        self._write_identity()
        network.connect(self.number)
        cgroups.create(self.hostname)
        (self.folder / "cgroup").mkdir(exist_ok=True)
        self._spawn()

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
        self._start_supervisor(argv, env)

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

    def _main_process(self) -> processes.Process | None:
        """The machine's PID 1: a child of systemd-nspawn, which is a child of the supervisor."""
        supervisor = teardown.supervisor(self.folder)
        for nspawn in processes.children(supervisor) if supervisor else []:
            for child in processes.children(nspawn):
                if processes.is_first_of_namespace(child):
                    return child
        return None

    def _is_ready_for_commands(self) -> bool:
        # systemd does not answer until this socket exists.
        leader = self._main_process()
        return bool(leader and Path(f"/proc/{leader.pid}/root/run/systemd/private").exists())
