# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operations of tests on a machine of the lab."""

from __future__ import annotations

import shutil

from lab.machines.nspawn_machine import Machine


def boot(machine: Machine) -> None:
    """Switches it on."""
    machine.start()
    machine.wait_booted()


def shell(machine: Machine, script: str, timeout: float = 60) -> str:
    """The output of a script that must succeed."""
    completed = machine.run(["sh", "-ec", script], timeout=timeout)
    assert completed.returncode == 0, f"{script}: {completed.stdout}{completed.stderr}"
    return completed.stdout.strip()


def install_lxd(machine: Machine, version: str | None = None) -> None:
    """Installs the lab's LXD, under its own version or another. Then it answers."""
    snap = machine.image.lxd_snap(version)
    (machine.shared_dir / snap.name).write_bytes(snap.read_bytes())
    shell(machine, f"snap install --dangerous --classic /run/lab/{snap.name}", 120)
    shell(machine, "lxd waitready --timeout 60")


def launch_container(machine: Machine, name: str, options: str) -> None:
    """Starts a container of busybox in the machine; `options` are those of `lxc launch`."""
    shutil.copy(machine.image.container, machine.shared_dir / "busybox.tar.gz")
    shell(
        machine,
        f"""
        lxd.lxc image import /run/lab/busybox.tar.gz --alias busybox
        lxd.lxc launch busybox {name} {options}
        """,
        120,
    )


def container_pid(machine: Machine, name: str) -> str:
    """The process id of a container's init as the machine sees it; "" while it does not run."""
    lines = shell(machine, f"lxd.lxc info {name}").splitlines()
    pids = [line.split()[1] for line in lines if line.strip().lower().startswith("pid:")]
    return pids[0] if pids and pids[0] != "0" else ""


def daemon_pid(machine: Machine) -> str:
    """The process id of LXD's daemon as the machine sees it."""
    return shell(machine, "cat /var/snap/lxd/common/lxd.pid")


def is_gone(machine: Machine, pid: str) -> bool:
    """Whether a process of the machine has ended."""
    return shell(machine, f"test -e /proc/{pid} || echo gone") == "gone"


def start_snap(machine: Machine) -> None:
    """Starts the snap of LXD. Then it answers."""
    shell(machine, "snap start lxd; lxd waitready --timeout 60", 120)
