# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Block storage on a machine: known by its link, and found again after a reboot."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from lab.controller.unit_files import UnitFiles, remove_others
from lab.model.state import StorageInstance
from plain_hosts import PlainHost

LOSETUP = """#!/bin/sh
case $1 in
--associated) cat {there} 2>/dev/null ;;
--find) echo /dev/loop7 | tee {there}; echo attached >>{log} ;;
esac
"""


class HostWithLoops(PlainHost):
    """A host with its own losetup, and its /dev in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 0)
        self.log = folder / "log"
        self.dev = folder / "dev"
        self.bin = folder / "bin"
        self.bin.mkdir()
        program = self.bin / "losetup"
        program.write_text(LOSETUP.format(there=folder / "there", log=self.log))
        program.chmod(0o755)

    def run(self, argv: Sequence[str], *, timeout: float) -> subprocess.CompletedProcess[str]:
        words = [word.replace("/dev/disk", f"{self.dev}/disk") for word in argv]
        env = {"PATH": f"{self.bin}:{os.defpath}"}
        return subprocess.run(
            words, env=env, capture_output=True, text=True, timeout=timeout, check=False
        )


@pytest.fixture
def host(tmp_path: Path) -> HostWithLoops:
    return HostWithLoops(tmp_path)


def test_a_block_device_is_named_by_its_link_and_attached_once(host: HostWithLoops):
    disk = StorageInstance("local/3", "local", "block", "maas", 1, 0.0, unit="app/0")
    files = UnitFiles(host, "app/0")

    location = files.make_storage(disk)

    assert location == f"{host.dev}/disk/by-id/lab-local-3"
    link = Path(location)
    assert link.readlink() == Path("/dev/loop7")
    # After a reboot /dev is another one.
    link.unlink()
    assert files.make_storage(disk) == location
    assert link.readlink() == Path("/dev/loop7")
    assert host.log.read_text() == "attached\n"
    assert (host.root / "var/lib/juju/storage/local/3/disk").stat().st_size == 1 << 20


def test_the_folder_of_a_unit_goes_with_it(host: HostWithLoops):
    agents = host.root / "var/lib/juju/agents"
    for name in ("unit-app-0", "unit-app-1", "machine-0"):
        (agents / name / "charm").mkdir(parents=True)

    remove_others(host, ["app/1"])

    assert sorted(folder.name for folder in agents.iterdir()) == ["machine-0", "unit-app-1"]
