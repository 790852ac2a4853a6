# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The computer that runs the machines: its requirements, and cleaning up after a lab."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.machines import claims, network, teardown
from lab.machines.lab_machine import machine_folder
from lab.machines.programs import find

# The programs that the lab runs, and the Debian and Ubuntu packages that have them.
PROGRAMS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "ip": "iproute2",
    "losetup": "mount",
    "mksquashfs": "squashfs-tools",
    "mmdebstrap": "mmdebstrap",
    "mount": "mount",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "taskset": "util-linux",
    "unshare": "util-linux",
}
# The programs that virtual machines need in addition.
VM_PROGRAMS = {"mkfs.ext4": "e2fsprogs", "qemu-system-x86_64": "qemu-system-x86"}
FILES = {"/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring"}
DEVICES = {
    "/dev/fuse": "snaps are mounted through it",
    "/dev/loop-control": "storage pools in files need it",
    "/dev/net/tun": "LXD needs it",
}
FILE_SYSTEMS = {"overlay": "machines share one image through it"}


def missing_packages() -> list[str]:
    """The Debian or Ubuntu packages that the lab still needs, sorted."""
    absent = {package for program, package in PROGRAMS.items() if find(program) is None}
    absent |= {package for file, package in FILES.items() if not Path(file).exists()}
    return sorted(absent)


def missing_vm_packages() -> list[str]:
    """The packages that virtual machines still need in addition, sorted."""
    return sorted(package for program, package in VM_PROGRAMS.items() if find(program) is None)


def obstacles() -> list[str]:
    """Problems of this computer that no package solves. Each is a sentence for a person."""
    problems = [] if os.geteuid() == 0 else ["the lab needs root"]
    problems += [f"no {node}: {why}" for node, why in DEVICES.items() if not Path(node).exists()]
    file_systems = Path("/proc/filesystems").read_text().split()
    problems += [
        f"no {name} file system: {why}"
        for name, why in FILE_SYSTEMS.items()
        if name not in file_systems
    ]
    return problems


def clean(home: Path, progress: Callable[[str], None]) -> None:
    """Remove every machine of the lab at `home`, and everything that they left on this computer.

    Works with what it finds, also after a crash and when the folder itself is gone. Other things in
    `home` stay. Raises MachineError for a machine that cannot be removed.
    """
    folders = (home / "machines").glob("*")
    numbers = {int(folder.name) for folder in folders if folder.name.isdigit()}
    numbers.update(claims.held_under(home))
    with ThreadPoolExecutor() as pool:
        for number in sorted(numbers):
            progress(f"removing {network.hostname(number)}")
        removals = [
            pool.submit(teardown.destroy, number, machine_folder(home, number))
            for number in sorted(numbers)
        ]
    for removal in removals:
        removal.result()
    network.remove_bridges()
