# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`python3 init.py ORDER`: become the first process of a node, and make the node's root.

It runs in new namespaces, before anything else of the node. ORDER is JSON: see `node.Node`. It
prints "ready" once everything is mounted. It ends when its input ends, and the node ends with it.
So a node never outlives the process that started it.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

_DEVICES = ("null", "zero", "full", "random", "urandom", "tty", "fuse", "net/tun", "loop-control")
_LINKS = {"fd": "/proc/self/fd", "ptmx": "pts/ptmx", "stdin": "/proc/self/fd/0"}
_POLL_SECONDS = 1.0
# Run one command. Mounts wait for one another if many come and go on a computer.
_SECONDS = 120.0
# The image has its own mount(8). Until the node's root is in place, this is the host's.
_MOUNT, _UMOUNT, _PIVOT = "/usr/bin/mount", "/usr/bin/umount", "/usr/sbin/pivot_root"


def main() -> int:
    """Make the node's root, then wait for the end of the input."""
    order: dict[str, Any] = json.loads(sys.argv[1])
    root = Path(order["root"])
    _mount("-t", "overlay", "overlay", "-o", order["overlay"], str(root))
    for folder in order["shared"]:
        _share(root, folder)
    _bind(root, order["folder"])
    _mount("-t", "proc", "proc", str(root / "proc"))
    _mount("-t", "sysfs", "sysfs", str(root / "sys"))
    _mount_cgroups(root, order["cgroups"])
    _make_devices(root / "dev")
    _mount("-t", "tmpfs", "run", str(root / "run"))
    _write_names(root, order["hostname"], order["hosts"])
    _enter(root)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    _wait_for_end()
    return 0


def _mount(*arguments: str) -> None:
    subprocess.run([_MOUNT, *arguments], check=True, capture_output=True, timeout=_SECONDS)


def _bind(root: Path, folder: str) -> None:
    point = root / folder.lstrip("/")
    point.mkdir(parents=True, exist_ok=True)
    _mount("--bind", folder, str(point))


def _share(root: Path, folder: str) -> None:
    _bind(root, folder)
    _mount("-o", "remount,bind,ro", str(root / folder.lstrip("/")))


def _mount_cgroups(root: Path, hierarchies: dict[str, list[str]]) -> None:
    """Mount the host's hierarchies. In this cgroup namespace they begin at the node's own group."""
    base = root / "sys/fs/cgroup"
    if "." not in hierarchies:
        _mount("-t", "tmpfs", "cgroup", str(base))
    for name, (kind, options) in sorted(hierarchies.items()):
        point = base / name
        point.mkdir(exist_ok=True)
        _mount("-t", kind, "cgroup", *(["-o", options] if options else []), str(point))


def _make_devices(dev: Path) -> None:
    _mount("-t", "tmpfs", "-o", "mode=755", "dev", str(dev))
    loops = [node.name for node in Path("/dev").glob("loop[0-9]*")]
    for name in [name for name in (*_DEVICES, *loops) if Path("/dev", name).exists()]:
        status = Path("/dev", name).stat()
        (dev / name).parent.mkdir(exist_ok=True)
        os.mknod(dev / name, status.st_mode, status.st_rdev)
        (dev / name).chmod(status.st_mode & 0o777)
    for folder in ("pts", "shm"):
        (dev / folder).mkdir()
    _mount("-t", "devpts", "-o", "newinstance,ptmxmode=0666,mode=620", "devpts", str(dev / "pts"))
    _mount("-t", "tmpfs", "shm", str(dev / "shm"))
    for name, target in _LINKS.items():
        (dev / name).symlink_to(target)


def _write_names(root: Path, hostname: str, hosts: str) -> None:
    (root / "etc/hostname").write_text(f"{hostname}\n")
    (root / "etc/hosts").write_text(hosts)
    Path("/proc/sys/kernel/hostname").write_text(hostname)


def _enter(root: Path) -> None:
    os.chdir(root)
    subprocess.run([_PIVOT, ".", "mnt"], check=True, capture_output=True, timeout=_SECONDS)
    os.chdir("/")
    subprocess.run([_UMOUNT, "--lazy", "/mnt"], check=True, capture_output=True, timeout=_SECONDS)


def _wait_for_end() -> None:
    """Wait until the input ends, and reap the node's orphans meanwhile."""
    while True:
        readable, _, _ = select.select([0], [], [], _POLL_SECONDS)
        if readable and not os.read(0, 1):
            return
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            continue


if __name__ == "__main__":
    sys.exit(main())
