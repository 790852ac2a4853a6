# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the controller needs from a machine, and the machines that it runs on."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from lab.machines import claims, network
from lab.machines.image import DEFAULT_CACHE, ensure_image
from lab.machines.lab_machine import LabMachine
from lab.machines.layers import Image, VmImage
from lab.machines.nspawn_machine import Machine
from lab.machines.programs import program
from lab.machines.virtual_machine import VirtualMachine
from lab.machines.vm_image import ensure_vm_image
from lab.model.constraints import VirtType
from lab.model.state import Interface


class Host(Protocol):
    """A machine as the controller sees it. `lab_machine.LabMachine` has the details."""

    @property
    def hostname(self) -> str:
        """The machine's host name."""
        ...

    @property
    def root(self) -> Path:
        """Its file system, as the computer sees it. It exists from the first start on."""
        ...

    @property
    def shared_dir(self) -> Path:
        """A folder of the computer that the machine sees, too."""
        ...

    def seen(self, path: Path) -> str:
        """The name that a path under `root` or `shared_dir` has inside the machine."""
        ...

    def nics(self) -> list[Interface]:
        """Its network interfaces with their current addresses."""
        ...

    def start(self) -> None:
        """Switch it on. Makes the machine first if it is new."""
        ...

    @property
    def boot_seconds(self) -> float:
        """How long it may take to boot: many times the usual time."""
        ...

    def wait_booted(self, timeout: float) -> None:
        """Wait until it has booted, `timeout` seconds at most."""
        ...

    def is_running(self) -> bool:
        """Whether it is on."""
        ...

    def boot_id(self) -> str | None:
        """An identifier of this boot; None while it is off."""
        ...

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The computer's command line that runs `argv` in it."""
        ...

    def popen(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> subprocess.Popen[bytes]:
        """Start a command in it, leading a process group of its own, with its output in pipes."""
        ...

    def run(self, argv: Sequence[str], *, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command in it, for at most `timeout` seconds."""
        ...

    def user_shell(self, command: str) -> list[str]:
        """The command line for a shell command in it as the user ubuntu, as on Juju's machines."""
        ...

    def look_again(self) -> None:
        """Let it see files that were changed under `root` after it read them."""
        ...

    def reboot(self) -> None:
        """Reboot it cleanly; returns when the next boot has begun."""
        ...

    def power_off_hard(self) -> None:
        """Cut its power."""
        ...

    def destroy(self) -> None:
        """Cut its power and remove everything of it."""
        ...

    def link_up(self, nic: str) -> None:
        """Connect an interface."""
        ...

    def link_down(self, nic: str) -> None:
        """Disconnect an interface."""
        ...


class HostProvider(Protocol):
    """Where machines come from."""

    @property
    def spaces(self) -> Sequence[str]:
        """The network spaces that its machines are in."""
        ...

    @property
    def subnets(self) -> Mapping[str, Sequence[str]]:
        """By space, its subnets."""
        ...

    def prepare(self, kind: VirtType, progress: Callable[[str], None]) -> None:
        """Make everything that machines of a kind share. May take minutes the first time."""
        ...

    def take_range(self, model: Path) -> int:
        """Claim a range of numbers for the model in that folder, while the folder exists."""
        ...

    def host(self, number: int, kind: VirtType) -> Host:
        """Machine `number`, even if it does not exist yet. Prepares first if that was not done."""
        ...


_AS_UBUNTU = (
    "id -u ubuntu >/dev/null 2>&1 || { "
    "useradd --create-home --shell /bin/bash ubuntu && mkdir -p /etc/sudoers.d && "
    'echo "ubuntu ALL=(ALL) NOPASSWD:ALL" >/etc/sudoers.d/90-ubuntu; } && '
    'exec runuser -u ubuntu -- /bin/bash -c "$1"'
)
"""An Ubuntu machine of a cloud has this user, with all rights through sudo."""


class _JujuMachine(LabMachine):
    """What the controller needs from a machine of `lab.machines` of either kind."""

    def user_shell(self, command: str) -> list[str]:
        """The command line of a shell of the user ubuntu."""
        return ["/bin/sh", "-c", _AS_UBUNTU, "sh", command]

    def nics(self) -> list[Interface]:
        """Its network interfaces with their current addresses, except link-local ones."""
        addresses = self.addresses()
        return [
            Interface(
                name=nic.name,
                mac=nic.mac,
                space=nic.space,
                addresses=[
                    address
                    for address in addresses.get(nic.name, [])
                    if not address.lower().startswith("fe80:")
                ],
            )
            for nic in self.interfaces
        ]


class NspawnHost(_JujuMachine, Machine):
    """A container of `lab.machines`."""

    boot_seconds = 120.0

    def look_again(self) -> None:
        """Nothing to do: its files are the computer's own."""

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]:
        """The computer's command line that runs `argv` in it, and does not delay its shutdown.

        systemd-shutdown stops every process before it kills it. An nsenter(1) that forks stops
        itself when its child is stopped, and never reaps the child, and PID 1 waits for that. A
        shell reaps the child.
        """
        words = super().command(["/bin/sh", "-c", '"$@"; exit $?', "sh", *argv], env, cwd)
        words.insert(words.index(program("nsenter")) + 1, "--no-fork")
        return words


class VirtualHost(_JujuMachine, VirtualMachine):
    """A virtual machine of `lab.machines`."""

    boot_seconds = 900.0


class MachineProvider:
    """Machines of `lab.machines`, under one home. All machines of a kind use one image."""

    spaces = tuple(one.space for one in network.NETWORKS)
    subnets = MappingProxyType({one.space: (one.ipv4, one.ipv6) for one in network.NETWORKS})

    def __init__(self, home: Path, cache: Path = DEFAULT_CACHE) -> None:
        self._home = home
        self._cache = cache
        self._lock = threading.Lock()
        self._image: Image | None = None
        self._vm_image: VmImage | None = None

    def prepare(self, kind: VirtType, progress: Callable[[str], None]) -> None:
        """Find or build the image; the first of several threads does it, the others wait."""
        if kind == "container":
            self._ensure(progress)
        else:
            self._ensure_vm(progress)

    def take_range(self, model: Path) -> int:
        """Claim a range of numbers that no model of this computer has. Raises MachineError."""
        return claims.take_range(network.MODELS, model)

    def host(self, number: int, kind: VirtType) -> Host:
        """Machine `number`, even if it does not exist yet. Prepares first if that was not done."""
        if kind == "container":
            return NspawnHost(self._home, number, self._ensure(lambda _: None))
        return VirtualHost(self._home, number, self._ensure_vm(lambda _: None))

    def _ensure(self, progress: Callable[[str], None]) -> Image:
        with self._lock:
            if self._image is None:
                self._image = ensure_image(self._cache, progress)
            return self._image

    def _ensure_vm(self, progress: Callable[[str], None]) -> VmImage:
        with self._lock:
            if self._vm_image is None:
                self._vm_image = ensure_vm_image(self._cache, progress)
            return self._vm_image
