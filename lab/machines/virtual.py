"""One virtual machine of the lab: QEMU that emulates a computer with a kernel of its own.

It has the names, NICs and addresses that a container of its number would have, and is used the same
way; see `machine.Machine`. It is some fifteen times slower.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.machines import cgroups, disk, entered, network, processes, qemu, teardown
from lab.machines.command import MachineError, program
from lab.machines.guest import TOOLS_SOCKET
from lab.machines.layers import VmImage
from lab.machines.machine import machine_folder
from lab.machines.network import Interface

# What it has on disks of its own, in MiB; they take what is written. /dev/vda is LXD's folder,
# the others are free.
LXD_MIB = 20 * 1024
SPARE_MIB = 8 * 1024
SPARES = ("vdb", "vdc")
_PROJECT = Path(__file__).resolve().parents[2]
_POLL_SECONDS = 0.5
# Each question to a machine is a process there.
_ASK_SECONDS = 120.0


class VirtualMachine:
    """A virtual machine whose folders are under `home`; `number` is its Juju machine number.

    All methods need root; those that act on the machine raise MachineError when it is not there,
    not running or does not do what is asked.
    """

    def __init__(self, home: Path, number: int, image: VmImage) -> None:
        if not 0 <= number <= network.MAX_NUMBER:
            raise MachineError(f"machine {number}: the lab has room for 0 to {network.MAX_NUMBER}")
        self.number = number
        self.image = image
        self.folder = machine_folder(home, number)

    @property
    def hostname(self) -> str:
        """The name it gives itself, and the name of its control groups here."""
        return network.hostname(self.number)

    @property
    def root(self) -> Path:
        """Its file system as the host sees it, but for LXD's folder.

        What the host writes to it while the machine runs is seen for sure after `look_again`.
        """
        return self.folder / "root"

    @property
    def shared_dir(self) -> Path:
        """A folder of the host, made if need be, that the machine sees as /run/lab."""
        shared = self.folder / "shared"
        shared.mkdir(parents=True, exist_ok=True)
        return shared

    @property
    def console_log(self) -> Path:
        """What the machine wrote on its console, over all its boots."""
        return self.folder / "console.log"

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """Its NICs with the addresses that it boots with."""
        return network.interfaces(self.number)

    def seen(self, path: Path) -> str:
        """The name that a path under `root` or `shared_dir` has inside the machine."""
        if path == self.shared_dir / TOOLS_SOCKET.name:
            # A socket is no file that two kernels can share: the line carries it.
            return str(TOOLS_SOCKET)
        if path.is_relative_to(self.shared_dir):
            return str("/run/lab" / path.relative_to(self.shared_dir))
        return str("/" / path.relative_to(self.root))

    def start(self) -> None:
        """Switch it on, making it first if it is new. Returns when QEMU runs."""
        if self.is_running():
            return
        teardown.claim(self.number, self.folder)
        self.power_off_hard()
        self._spawn(self._prepare())
        self._wait_other_boot(None, timeout=15)

    def wait_booted(self, timeout: float = 600) -> None:
        """Wait until systemd has finished booting, `timeout` seconds at most.

        Alone on a computer at rest it takes half a minute. Units that failed do not count.
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
        """Whether it is on: booting, up or shutting down."""
        return self._qemu() is not None

    def boot_id(self) -> str | None:
        """What tells this boot from every other of the machine; None while it is off."""
        found = self._qemu()
        return f"{found.pid}-{found.start}" if found else None

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The host's command line that runs `argv` in the machine.

        `env` is added to `entered.ENVIRONMENT`; nothing else gets in. Killing what it starts kills
        the command in the machine, with its process group.
        """
        if not self.is_running():
            raise MachineError(f"{self.hostname}: not running")
        order = {"argv": list(argv), "env": {**entered.ENVIRONMENT, **(env or {})}, "cwd": cwd}
        socket = self.folder / "commands.sock"
        return [*python_module("lab.machines.enter"), str(socket), json.dumps(order)]

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> subprocess.Popen[bytes]:
        """Start a command in the machine as root; see `entered.start`."""
        return entered.start(self.command(argv, env, cwd))

    def run(
        self, argv: Sequence[str], *, stdin: str = "", timeout: float = 300
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine as root and wait for it; see `machine.Machine.run`."""
        return entered.finish(self.command(argv), stdin, timeout)

    def look_again(self) -> None:
        """Let the machine see files that the host has changed under `root` since it read them."""
        forget = "echo 3 >/proc/sys/vm/drop_caches"
        done = self.run(["/bin/sh", "-c", forget], timeout=_ASK_SECONDS)
        if done.returncode:
            raise MachineError(f"{self.hostname}: {done.stderr.strip()}")

    def reboot(self, timeout: float = 600) -> None:
        """Reboot it in good order. Returns when the next boot has begun; see `wait_booted`."""
        before = self.boot_id()
        self.run(["systemctl", "reboot", "--no-block"], timeout=timeout)
        self._wait_other_boot(before, timeout)

    def power_off_hard(self) -> None:
        """Pull the plug: QEMU is killed. What it wrote stays."""
        teardown.power_off(self.number, self.folder)

    def destroy(self) -> None:
        """Pull the plug and remove all that there is of it, its data too."""
        teardown.destroy(self.number, self.folder)

    def addresses(self) -> dict[str, list[str]]:
        """The addresses (with prefix length) that each of its NICs has now, by NIC."""
        listing = self.run(["ip", "-json", "addr", "show"], timeout=_ASK_SECONDS)
        return network.parse_addresses(listing.stdout)

    def link_down(self, nic: str) -> None:
        """Unplug the cable of a NIC, "eth0" or "eth1". It stays so over reboots."""
        network.set_link(self.number, nic, "down")

    def link_up(self, nic: str) -> None:
        """Plug the cable of a NIC in again."""
        network.set_link(self.number, nic, "up")

    def _prepare(self) -> list[str]:
        """Make what is not there; QEMU's arguments."""
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
        """The process that is the machine, which is its supervisor's child."""
        supervisor = teardown.supervisor(self.folder)
        found = processes.children(supervisor) if supervisor else []
        return found[0] if found else None

    def _system_state(self, timeout: float) -> str:
        """What systemd says of the whole, once it has finished booting."""
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
    """The command line that runs a module of the project, which needs nothing but Python."""
    return [
        *[program("env"), "-C", str(_PROJECT), f"PYTHONPATH={_PROJECT}"],
        *[program("python3"), "-S", "-m", module],
    ]
