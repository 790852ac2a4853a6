# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One virtual machine of the lab: QEMU emulates a computer with its own kernel.

It has the same names, NICs and addresses as a container of its number, and is used in the same way;
see `lab_machine.LabMachine`. It is about fifteen times slower.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.machines import cgroups, disk, machine_commands, network, processes, qemu, teardown
from lab.machines.guest import TOOLS_SOCKET
from lab.machines.lab_machine import LabMachine
from lab.machines.layers import VmImage
from lab.machines.programs import MachineError, program

# The sizes of its own disks, in MiB; they use space only when written. /dev/vda is LXD's folder,
# the others are free.
LXD_MIB = 20 * 1024
SPARE_MIB = 8 * 1024
SPARES = ("vdb", "vdc")
_SOURCES = Path(__file__).resolve().parents[2]
# Each question to a machine starts a process there.
_ASK_SECONDS = 120.0


class VirtualMachine(LabMachine):
    """A virtual machine whose folders are under `home`; `number` is its Juju machine number.

    `root` does not have LXD's folder. The machine certainly sees what the host writes there at run
    time only after `look_again`.
    """

    RUN_SECONDS = 300
    POLL_SECONDS = 0.5

    def __init__(self, home: Path, number: int, image: VmImage) -> None:
        super().__init__(home, number)
        self.image = image

    def seen(self, path: Path) -> str:
        """The name that a path under `root` or `shared_dir` has inside the machine."""
        if path == self.shared_dir / TOOLS_SOCKET.name:
            # Two kernels cannot share a socket as a file: the line carries it.
            return str(TOOLS_SOCKET)
        return super().seen(path)

    def wait_booted(self, timeout: float = 600) -> None:
        """Wait until systemd has finished booting, for at most `timeout` seconds.

        Alone on an idle computer it takes half a minute. Failed units do not count.
        """
        self._wait_booted(timeout)

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The host's command line that runs `argv` in the machine.

        `env` is added to `machine_commands.ENVIRONMENT`; the command gets no other variables.
        Killing the started process kills the command in the machine, with its process group.
        """
        if not self.is_running():
            raise MachineError(f"{self.hostname}: not running")
        order = {
            "argv": list(argv),
            "env": {**machine_commands.ENVIRONMENT, **(env or {})},
            "cwd": cwd,
        }
        socket = self.folder / "commands.sock"
        return [*python_module("lab.machines.command_client"), str(socket), json.dumps(order)]

    def look_again(self) -> None:
        """Let the machine see files under `root` that the host changed after it had read them."""
        forget = "echo 3 >/proc/sys/vm/drop_caches"
        completed = self.run(["/bin/sh", "-c", forget], timeout=_ASK_SECONDS)
        if completed.returncode:
            raise MachineError(f"{self.hostname}: {completed.stderr.strip()}")

    def reboot(self, timeout: float = 600) -> None:
        """Reboot it cleanly. Returns when the next boot has begun; see `wait_booted`."""
        before = self.boot_id()
        self.run(["systemctl", "reboot", "--no-block"], timeout=timeout)
        self._wait_other_boot(before, timeout)

    def addresses(self) -> dict[str, list[str]]:
        """The current addresses (with prefix length) of each of its NICs."""
        listing = self.run(["ip", "-json", "addr", "show"], timeout=_ASK_SECONDS)
        return network.parse_addresses(listing.stdout)

    def _switch_on(self) -> None:
        self._spawn(self._prepare())

    def _prepare(self) -> list[str]:
        """Make what is missing; QEMU's arguments."""
        disk.mount(self.folder, self.image)
        self._write_identity()
        shares = {"root": self.root, "shared": self.shared_dir}
        lxd, spares = self.folder / "lxd.disk", [self.folder / f"{name}.disk" for name in SPARES]
        disk.make_ext4(lxd, LXD_MIB)
        for spare in spares:
            disk.make_sparse(spare, SPARE_MIB)
        cgroups.create(self.hostname)
        image = VmImage((self.folder / "image").resolve())
        taps = network.connect_taps(self.number)
        return qemu.arguments(image.kernel, image.initrd, shares, (lxd, *spares), taps)

    def _spawn(self, arguments: Sequence[str]) -> None:
        groups = [str(path) for path in cgroups.boot_entries(self.hostname)]
        argv = [
            *[program("setsid"), "--fork"],
            *[str(Path(__file__).with_name("join.sh")), *groups, "--"],
            *[*python_module("lab.machines.supervise_vm"), str(self.folder)],
            *[program(qemu.PROGRAM), *arguments],
        ]
        self._start_supervisor(argv)

    def _main_process(self) -> processes.Process | None:
        """The QEMU process of the machine, a child of its supervisor."""
        supervisor = teardown.supervisor(self.folder)
        children = processes.children(supervisor) if supervisor else []
        return children[0] if children else None


def python_module(module: str) -> list[str]:
    """The command line that runs a module of the lab. The module needs only Python."""
    return [
        *[program("env"), "-C", str(_SOURCES), f"PYTHONPATH={_SOURCES}"],
        *[program("python3"), "-S", "-m", module],
    ]
