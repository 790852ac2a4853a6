# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operations of tests on a machine of the lab."""

from __future__ import annotations

from lab.machines.nspawn_machine import Machine


def boot(machine: Machine) -> None:
    """Switches it on."""
    machine.start()
    machine.wait_booted()


def shell(machine: Machine, script: str, timeout: float = 60) -> str:
    """The output of a script that must succeed."""
    done = machine.run(["sh", "-ec", script], timeout=timeout)
    assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def install_lxd(machine: Machine, version: str | None = None) -> None:
    """Installs the lab's LXD, under its own version or another. Then it answers."""
    snap = machine.image.lxd_snap(version)
    (machine.shared_dir / snap.name).write_bytes(snap.read_bytes())
    shell(machine, f"snap install --dangerous --classic /run/lab/{snap.name}", 120)
    shell(machine, "lxd waitready --timeout 60")
