"""What the controller asks of a machine, and the machines that it runs on."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

from lab.machines.image import DEFAULT_CACHE, Image, ensure_image
from lab.machines.machine import Machine
from lab.machines.network import NETWORKS
from lab.model.state import Interface


class Host(Protocol):
    """A machine as the controller sees it; `lab.machines.machine.Machine` says what each does."""

    @property
    def hostname(self) -> str: ...

    @property
    def root(self) -> Path: ...

    @property
    def shared_dir(self) -> Path: ...

    def seen(self, path: Path) -> str:
        """The name that a path under `root` or `shared_dir` has inside the machine."""
        ...

    def nics(self) -> list[Interface]:
        """The machine's network interfaces with their addresses of now."""
        ...

    def start(self) -> None: ...

    def wait_booted(self, timeout: float = 60) -> None: ...

    def is_running(self) -> bool: ...

    def boot_id(self) -> str | None: ...

    def command(
        self, argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: str = "/"
    ) -> list[str]: ...

    def popen(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]: ...

    def run(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        cwd: str = "/",
        stdin: str = "",
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]: ...

    def reboot(self, timeout: float = 90) -> None: ...

    def power_off_hard(self) -> None: ...

    def destroy(self) -> None: ...

    def link_up(self, nic: str) -> None: ...

    def link_down(self, nic: str) -> None: ...


class HostProvider(Protocol):
    """Where machines come from."""

    spaces: Sequence[str]

    def prepare(self, progress: Callable[[str], None]) -> None:
        """Make all that machines have in common. May take minutes the first time."""
        ...

    def host(self, number: int) -> Host:
        """Machine `number`, whether it is there or not. Only after `prepare`."""
        ...


class NspawnHost(Machine):
    """A machine of `lab.machines`, with the names that things have inside it."""

    def seen(self, path: Path) -> str:
        """The name that a path under `root` or `shared_dir` has inside the machine."""
        if path.is_relative_to(self.shared_dir):
            return str("/run/lab" / path.relative_to(self.shared_dir))
        return str("/" / path.relative_to(self.root))

    def nics(self) -> list[Interface]:
        """The machine's network interfaces with their addresses of now, link-local ones left out."""
        now = self.addresses()
        return [
            Interface(
                name=nic.name,
                mac=nic.mac,
                space=nic.space,
                addresses=[a for a in now.get(nic.name, []) if not a.lower().startswith("fe80:")],
            )
            for nic in self.interfaces
        ]


class NspawnProvider:
    """Machines of `lab.machines`, under one home, from one image."""

    spaces = [network.space for network in NETWORKS]

    def __init__(self, home: Path, cache: Path = DEFAULT_CACHE) -> None:
        self._home = home
        self._cache = cache
        self._lock = threading.Lock()
        self._image: Image | None = None

    def prepare(self, progress: Callable[[str], None]) -> None:
        """Find or build the image; the first of several threads does it, the others wait."""
        with self._lock:
            if self._image is None:
                self._image = ensure_image(self._cache, progress)

    def host(self, number: int) -> Host:
        """Machine `number`, whether it is there or not. Only after `prepare`."""
        if self._image is None:
            raise RuntimeError("there is no image yet: prepare() comes first")
        return NspawnHost(self._home, number, self._image)
