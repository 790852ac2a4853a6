# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One node of a bench: namespaces, a root of its own, and an LXD daemon in them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lab.bench import slots, visit
from lab.machines import cgroups, processes
from lab.machines.layers import Image
from lab.machines.programs import MachineError, program, run

_T = TypeVar("_T")
_SCRIPTS = Path(__file__).parent
_JOIN = _SCRIPTS.parent / "machines/join.sh"
# A daemon that fails is started again, as systemd does it, unless `_down` exists.
# Like systemd, this ends what a daemon leaves behind, such as dnsmasq: it holds the ports.
_KEEP = """end_others() { kill $(pidof dnsmasq) 2>/dev/null; }
end_others
while ! "$@"; do [ ! -e "$0" ] || exit 1; end_others; sleep 1; done"""
_AGAIN_SECONDS = 1.0
_START_SECONDS = 30.0
_PARTS = ("root", "upper", "work")
_NAMESPACES = ("mount", "uts", "ipc", "net", "pid", "cgroup")


@dataclass(frozen=True)
class Place:
    """Where a node is: the bench's slot, its number there and its name."""

    slot: int
    number: int
    hostname: str

    @property
    def name(self) -> str:
        """The node's name on the host."""
        return slots.name(self.slot, self.hostname)

    @property
    def folder(self) -> Path:
        """The node's folder on the host's disk. It has the same path in the node."""
        return slots.home(self.slot) / self.hostname

    @property
    def address(self) -> str:
        """The node's address in the bench's network."""
        return slots.address(self.slot, self.number + 1)


class Node:
    """A node runs from `__init__` to `end`. `lxds` are folders of LXD that it may run.

    Its daemon is LXD's process alone: what the daemon has started, such as containers, keeps
    running when the daemon is killed. A daemon that fails is started again. All methods raise
    MachineError.
    """

    def __init__(self, place: Place, image: Image, lxds: Sequence[Path], hosts: str) -> None:
        self.place = place
        self.lxd = lxds[0]
        self._keeper: subprocess.Popen[bytes] | None = None
        for folder in (self.lxd_dir, self.state, *map(self._own, _PARTS)):
            folder.mkdir(parents=True)
        cgroups.create(place.name)
        self._init = self._spawn(image, lxds, hosts)
        self._first = self._find_first()
        self._connect()

    @property
    def lxd_dir(self) -> Path:
        """LXD's folder."""
        return self._own("lxd")

    @property
    def socket(self) -> Path:
        """LXD's socket, which the host can use."""
        return self.lxd_dir / "unix.socket"

    @property
    def state(self) -> Path:
        """A folder for programs that run beside LXD on this node."""
        return self._own("state")

    @property
    def log(self) -> Path:
        """LXD's log, over all its starts."""
        return self.lxd_dir / "logs/lxd.log"

    @property
    def _down(self) -> Path:
        """A file that exists while LXD must not be started again."""
        return self._own("down")

    def _own(self, part: str) -> Path:
        return self.place.folder / part

    def _spawn(self, image: Image, lxds: Sequence[Path], hosts: str) -> subprocess.Popen[bytes]:
        layers = f"lowerdir={image.rootfs},upperdir={self._own('upper')}"
        order = {
            "root": str(self._own("root")),
            "folder": str(self.place.folder),
            "overlay": f"{layers},workdir={self._own('work')}",
            "shared": sorted({str(folder) for folder in lxds}),
            "cgroups": _hierarchies(),
            "hostname": self.place.hostname,
            "hosts": hosts,
        }
        argv = [
            *[str(_JOIN), *map(str, cgroups.boot_entries(self.place.name)), "--"],
            *[program("unshare"), *(f"--{kind}" for kind in _NAMESPACES)],
            *["--fork", "--kill-child", "--propagation", "private"],
            *["/usr/bin/python3", "-I", "-S", str(_SCRIPTS / "init.py"), json.dumps(order)],
        ]
        with self._own("init.log").open("wb") as log:
            init = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
        if not init.stdout or init.stdout.readline() != b"ready\n":
            init.kill()
            init.wait()
            raise MachineError(f"{self.place.name}: {self._own('init.log').read_text()}")
        return init

    def _find_first(self) -> processes.Process:
        unshare = processes.find(self._init.pid)
        children = processes.children(unshare) if unshare else []
        if not children:
            raise MachineError(f"{self.place.name}: its first process is gone")
        return children[0]

    def _connect(self) -> None:
        peer = ["peer", "name", "eth0", "netns", str(self._first.pid)]
        run("ip", "link", "add", self.place.name, "type", "veth", *peer)
        bridge = slots.bridge(self.place.slot)
        run("ip", "link", "set", self.place.name, "master", bridge, "up")
        for command in (
            ["link", "set", "lo", "up"],
            ["addr", "add", f"{self.place.address}/24", "dev", "eth0"],
            ["link", "set", "eth0", "up"],
        ):
            self.check(["/usr/sbin/ip", *command])

    def command(self, argv: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """The host's command line that runs `argv` in the node. It has LXD's environment."""
        entries = [str(path) for path in cgroups.boot_entries(self.place.name)]
        variables = {**self._environment(), **(env or {})}
        return [
            *[str(_JOIN), *entries, "--"],
            *[program("nsenter"), "-t", str(self._first.pid)],
            *["-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--"],
            *["/usr/bin/env", "-i", *(f"{key}={value}" for key, value in variables.items())],
            *argv,
        ]

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{self.lxd}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LD_LIBRARY_PATH": f"{self.lxd}/lib",
            "LXD_DIR": str(self.lxd_dir),
            "HOME": "/root",
            "LANG": "C.UTF-8",
        }

    def exchange(self, lxd: Path) -> None:
        """Use the LXD in this folder for everything that starts from now on."""
        self.lxd = lxd

    def run(
        self, argv: Sequence[str], timeout: float = 60, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the node and wait for it. Raises subprocess.TimeoutExpired."""
        return subprocess.run(
            self.command(argv),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def check(self, argv: Sequence[str], timeout: float = 60, stdin: str = "") -> str:
        """Run a command and return its output. Raises MachineError with its output if it fails."""
        completed = self.run(argv, timeout, stdin)
        if completed.returncode != 0:
            words = (completed.stderr or completed.stdout).strip()
            raise MachineError(f"{self.place.name}: {' '.join(argv)}: {words[-2000:]}")
        return completed.stdout

    def lxc(self, *arguments: str, timeout: float = 120, stdin: str = "") -> str:
        """Run `lxc` of the node's LXD in the node."""
        return self.check([f"{self.lxd}/bin/lxc", *arguments], timeout, stdin)

    def inside(self, deed: Callable[[], _T]) -> _T:
        """Call `deed` in a separate process in the node, with its result or its exception."""
        return visit.call(self._first.pid, deed)

    def start_daemon(self) -> None:
        """Start LXD, unless it runs. It may take seconds until it listens."""
        if self._keeper is not None and self._keeper.poll() is None:
            return
        self._down.unlink(missing_ok=True)
        self.log.parent.mkdir(exist_ok=True)
        lxd = [f"{self.lxd}/bin/lxd", "--logfile", str(self.log), "--group", "root"]
        with (self._own("lxd.out")).open("ab") as output:
            self._keeper = subprocess.Popen(
                self.command(["/bin/sh", "-c", _KEEP, str(self._down), *lxd]),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def daemon_runs(self) -> bool:
        """Whether LXD's process exists, even if it does not answer."""
        return self._daemon() is not None

    def signal_daemon(self, number: int) -> None:
        """Send LXD's process a signal: SIGSTOP freezes it, SIGCONT lets it continue."""
        if process := self._daemon():
            processes.send(process, number)

    def kill_daemon(self) -> None:
        """Kill LXD, and do not start it again. Its containers keep running."""
        self._end_daemon(signal.SIGKILL, 10)

    def crash_daemon(self) -> None:
        """Kill LXD. It is started again, as systemd does it."""
        self.signal_daemon(signal.SIGKILL)

    def stop_daemon(self, timeout: float = 60) -> None:
        """Stop LXD cleanly. Its containers keep running."""
        self._end_daemon(signal.SIGTERM, timeout)

    def shut_down(self, timeout: float = 120) -> None:
        """Stop LXD and all instances, as a machine that shuts down does."""
        self._end_daemon(signal.SIGPWR, timeout)

    def await_lxd(self, seconds: float = _START_SECONDS) -> None:
        """Return once LXD is ready to work. Raises MachineError after `seconds`."""
        self.check([f"{self.lxd}/bin/lxd", "waitready", f"--timeout={seconds:.0f}"], seconds + 5)

    def set_link(self, state: str) -> None:
        """Disconnect ("down") or connect ("up") the node's network."""
        run("ip", "link", "set", self.place.name, state)

    def end(self) -> None:
        """Remove everything of the node except its folder. Works from any state."""
        if self._init.stdin:
            self._init.stdin.close()
        self._init.kill()
        self._init.wait()
        if self._init.stdout:
            self._init.stdout.close()
        slots.end(self.place.name)
        if self._keeper is not None:
            self._keeper.wait()

    def _daemon(self) -> processes.Process | None:
        """LXD's process. nsenter started a shell in the node, and that shell started LXD."""
        process = processes.find(self._keeper.pid) if self._keeper else None
        for _ in range(2):
            children = processes.children(process) if process else []
            process = children[0] if children else None
        return process if process is not None and _program(process) == "lxd" else None

    def _end_daemon(self, number: int, timeout: float) -> None:
        self._down.touch()
        end = time.monotonic() + timeout
        while self._keeper is not None and self._keeper.poll() is None:
            if time.monotonic() > end:
                raise MachineError(f"{self.place.name}: LXD still runs after {timeout:g} s")
            # The daemon may have been started a moment ago, and not exist yet.
            self.signal_daemon(number)
            with suppress(subprocess.TimeoutExpired):
                self._keeper.wait(_AGAIN_SECONDS)


def _program(process: processes.Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/comm").read_text().strip()
    except FileNotFoundError:
        return ""


def _hierarchies() -> dict[str, list[str]]:
    """By folder: type and options with which this computer has mounted its cgroup hierarchies."""
    folders = set(cgroups.hierarchies())
    mounts: dict[str, list[str]] = {}
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, point, kind, options, *_ = line.split()
        folder = os.path.relpath(point, cgroups.ROOT)
        if kind in ("cgroup", "cgroup2") and folder in folders:
            mounts[folder] = [kind, _controllers(options) if kind == "cgroup" else ""]
    return mounts


def _controllers(options: str) -> str:
    flags = {"rw", "ro", "nosuid", "nodev", "noexec", "relatime"}
    controllers = [word for word in options.split(",") if word not in flags]
    # A hierarchy that has only a name has no controllers, and mount needs the option `none` then.
    named = all("=" in word or word == "xattr" for word in controllers)
    return ",".join(["none", *controllers] if named else controllers)
