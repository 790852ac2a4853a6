# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One virtual machine of the lab: QEMU emulates a computer with its own kernel.

It has the same names, NICs and addresses as a container of its number, and is used in the same way;
see `machine.Machine`. It is about fifteen times slower.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.machines import cgroups, disk, machine_commands, network, processes, qemu, teardown
from lab.machines.guest import TOOLS_SOCKET
from lab.machines.layers import VmImage
from lab.machines.network import Interface
from lab.machines.nspawn_machine import machine_folder
from lab.machines.programs import MachineError, program

# The sizes of its own disks, in MiB; they use space only when written. /dev/vda is LXD's folder,
# the others are free.
LXD_MIB = 20 * 1024
SPARE_MIB = 8 * 1024
SPARES = ("vdb", "vdc")
_SOURCES = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.5
# Each question to a machine starts a process there.
_ASK_SECONDS = 120.0


class VirtualMachine:
    """A virtual machine whose folders are under `home`; `number` is its Juju machine number.

    All methods need root. Methods that act on the machine raise MachineError if it does not exist,
    does not run or does not do what was asked.
    """

    def __init__(self, home: Path, number: int, image: VmImage) -> None:
        if not 0 <= number <= network.MAX_NUMBER:
            raise MachineError(f"machine {number}: the lab has room for 0 to {network.MAX_NUMBER}")
        self.number = number
        self.image = image
        self.folder = machine_folder(home, number)

    @property
    def hostname(self) -> str:
        """Its host name. Its control groups have the same name here."""
        return network.hostname(self.number)

    @property
    def root(self) -> Path:
        """Its file system as the host sees it, except LXD's folder.

        The machine certainly sees what the host writes to it at run time only after `look_again`.
        """
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
        if path == self.shared_dir / TOOLS_SOCKET.name:
            # Two kernels cannot share a socket as a file: the line carries it.
            return str(TOOLS_SOCKET)
        if path.is_relative_to(self.shared_dir):
            return str("/run/lab" / path.relative_to(self.shared_dir))
        return str("/" / path.relative_to(self.root))

    def start(self) -> None:
        """Switch it on. Makes the machine first if it is new. Returns when QEMU runs."""
        if self.is_running():
            return
        teardown.claim(self.number, self.folder)
        self.power_off_hard()
        self._spawn(self._prepare())
        self._wait_other_boot(None, timeout=15)

    def wait_booted(self, timeout: float = 600) -> None:
        """Wait until systemd has finished booting, for at most `timeout` seconds.

        Alone on an idle computer it takes half a minute. Failed units do not count.
        """
        deadline = time.monotonic() + timeout
        state = "not running"
        while (left := deadline - time.monotonic()) > 0:
            state = self._system_state(left)
            if state in ("running", "degraded"):
                return
            time.sleep(_POLL_SECONDS)
        raise MachineError(
            f"{self.hostname}: not booted after {timeout:g} s: {state}\n{self._last_words()}"
        )

    def is_running(self) -> bool:
        """Whether it is on: it boots, is up or shuts down."""
        return self._qemu() is not None

    def boot_id(self) -> str | None:
        """An identifier of this boot of the machine; None while it is off."""
        found = self._qemu()
        return f"{found.pid}-{found.start}" if found else None

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

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> subprocess.Popen[bytes]:
        """Start a command in the machine as root; see `machine_commands.start`."""
        return machine_commands.start(self.command(argv, env, cwd))

    def run(
        self, argv: Sequence[str], *, stdin: str = "", timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine as root and wait for it; see `machine.Machine.run`."""
        return machine_commands.finish(self.command(argv), stdin, timeout)

    def look_again(self) -> None:
        """Let the machine see files under `root` that the host changed after it had read them."""
        forget = "echo 3 >/proc/sys/vm/drop_caches"
        done = self.run(["/bin/sh", "-c", forget], timeout=_ASK_SECONDS)
        if done.returncode:
            raise MachineError(f"{self.hostname}: {done.stderr.strip()}")

    def reboot(self, timeout: float = 600) -> None:
        """Reboot it cleanly. Returns when the next boot has begun; see `wait_booted`."""
        before = self.boot_id()
        self.run(["systemctl", "reboot", "--no-block"], timeout=timeout)
        self._wait_other_boot(before, timeout)

    def power_off_hard(self) -> None:
        """Cut its power: QEMU is killed. What it wrote stays."""
        teardown.power_off(self.number, self.folder)

    def destroy(self) -> None:
        """Cut its power and remove everything of it, including its data."""
        teardown.destroy(self.number, self.folder)

    def addresses(self) -> dict[str, list[str]]:
        """The current addresses (with prefix length) of each of its NICs."""
        listing = self.run(["ip", "-json", "addr", "show"], timeout=_ASK_SECONDS)
        return network.parse_addresses(listing.stdout)

    def link_down(self, nic: str) -> None:
        """Disconnect a NIC, "eth0" or "eth1". It stays disconnected over reboots."""
        network.set_link(self.number, nic, "down")

    def link_up(self, nic: str) -> None:
        """Connect a NIC again."""
        network.set_link(self.number, nic, "up")

    def _prepare(self) -> list[str]:
        """Make what is missing; QEMU's arguments."""
        disk.mount(self.folder, self.image)
        own = self.root / "etc/lab/network"
        if not own.exists():
            (self.root / "etc/hostname").write_text(f"{self.hostname}\n")
            own.parent.mkdir(exist_ok=True)
            own.write_text(network.boot_commands(self.number))
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
        with self.console_log.open("ab") as log:
            subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=15, check=True
            )

    def _qemu(self) -> processes.Process | None:
        """The QEMU process of the machine, a child of its supervisor."""
        supervisor = teardown.supervisor(self.folder)
        found = processes.children(supervisor) if supervisor else []
        return found[0] if found else None

    def _system_state(self, timeout: float) -> str:
        """The state of the whole system as systemd sees it, once it has finished booting."""
        try:
            done = self.run(["systemctl", "is-system-running", "--wait"], timeout=timeout)
        except (MachineError, subprocess.TimeoutExpired) as error:
            return str(error)
        return (done.stdout or done.stderr).strip()

    def _wait_other_boot(self, before: str | None, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while self.boot_id() in (None, before):
            if time.monotonic() > deadline:
                raise MachineError(f"{self.hostname}: does not start\n{self._last_words()}")
            time.sleep(processes.POLL_SECONDS)

    def _last_words(self) -> str:
        if not self.console_log.exists():
            return ""
        return self.console_log.read_text(errors="replace")[-2000:]


def python_module(module: str) -> list[str]:
    """The command line that runs a module of the lab. The module needs only Python."""
    return [
        *[program("env"), "-C", str(_SOURCES), f"PYTHONPATH={_SOURCES}"],
        *[program("python3"), "-S", "-m", module],
    ]
