# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A virtual machine of the lab alone: commands, files, reboots and power cuts."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.machines import host, network
from lab.machines.image import DEFAULT_CACHE
from lab.machines.virtual_machine import VirtualMachine
from lab.machines.vm_image import ensure_vm_image

NUMBER = 30
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMachine]:
    """A booted machine, which is removed afterwards."""
    home = tmp_path_factory.mktemp("lab")
    machine = VirtualMachine(home, NUMBER, ensure_vm_image(DEFAULT_CACHE, print))
    machine.start()
    machine.wait_booted()
    yield machine
    host.clean(home, print)
    assert not machine.folder.exists()
    assert not machine.is_running()


def said(machine: VirtualMachine, *argv: str) -> str:
    done = machine.run(argv)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_has_the_name_and_the_addresses_of_its_number(machine: VirtualMachine):
    assert said(machine, "hostname") == machine.hostname
    assert machine.addresses() == {nic.name: list(nic.addresses) for nic in machine.interfaces}


def test_its_kernel_has_what_the_pools_need(machine: VirtualMachine):
    loaded = {line.split()[0] for line in said(machine, "cat", "/proc/modules").splitlines()}
    assert {"8021q", "dm_snapshot", "dm_thin_pool", "zfs"} <= loaded
    for module in ("btrfs", "nbd", "openvswitch", "rbd"):
        said(machine, "modprobe", module)


def test_it_sees_files_that_changed_once_it_has_read_them_again(machine: VirtualMachine):
    note = machine.root / "var/lib/note"
    note.write_text("first")
    assert said(machine, "cat", "/var/lib/note") == "first"
    note.write_text("second, and longer")
    machine.look_again()
    assert said(machine, "cat", "/var/lib/note") == "second, and longer"


def test_a_cable_is_unplugged_and_plugged_in_again(machine: VirtualMachine):
    host_address = network.NETWORKS[1].addresses(network.HOST_PART)[0].partition("/")[0]
    ping = ["ping", "-c", "1", "-W", "5", host_address]
    said(machine, *ping)
    machine.link_down("eth1")
    assert machine.run(ping).returncode == 1
    machine.link_up("eth1")
    said(machine, *ping)


def test_a_command_dies_with_its_client(machine: VirtualMachine):
    process = machine.popen(["/bin/sh", "-c", "echo begun; sleep 1000; :"])
    assert process.stdout
    assert process.stdout.readline() == b"begun\n"
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 30
    while machine.run(["pgrep", "--exact", "sleep"]).returncode == 0:
        assert time.monotonic() < deadline


def test_what_it_wrote_survives_a_reboot_and_a_power_cut(machine: VirtualMachine):
    said(machine, "sh", "-c", "echo kept >/var/lib/kept; echo kept >/var/snap/lxd/kept; sync")
    boots = [machine.boot_id()]
    machine.reboot()
    machine.wait_booted()
    boots.append(machine.boot_id())
    machine.power_off_hard()
    assert machine.boot_id() is None
    machine.start()
    machine.wait_booted()
    boots.append(machine.boot_id())
    assert len(set(boots)) == len(boots)
    assert said(machine, "cat", "/var/lib/kept", "/var/snap/lxd/kept") == "kept\nkept"


def test_a_machine_that_is_found_again_goes_on(machine: VirtualMachine):
    again = VirtualMachine(Path(machine.folder).parents[1], NUMBER, machine.image)
    assert again.boot_id() == machine.boot_id()
    assert said(again, "hostname") == machine.hostname


RELEASE = """
import sys
from pathlib import Path
sys.path.insert(0, "/var/lib/charm")
from host import storage_leftovers
storage_leftovers.release(["/dev/vdb", "/dev/vdc"], Path("/var/snap/lxd/common/lxd"))
"""


def test_what_a_failed_join_made_of_disks_is_released(machine: VirtualMachine):
    charm = machine.root / "var/lib/charm"
    (charm / "host").mkdir(parents=True)
    for module in ("host/storage_leftovers.py", "deadlines.py"):
        shutil.copy(ROOT / "src" / module, charm / module)
    machine.look_again()
    said(machine, "zpool", "create", "-m", "none", "local", "/dev/vdb")
    said(machine, "vgcreate", "--yes", "fast", "/dev/vdc")
    said(machine, "lvcreate", "--yes", "--type=thin-pool", "--size=1G", "--name=pool", "fast")

    said(machine, "python3", "-c", RELEASE)

    assert said(machine, "zpool", "list", "-H", "-o", "name") == ""
    assert "pool: local" in said(machine, "zpool", "import", "-d", "/dev")
    assert said(machine, "vgs", "--noheadings") == ""
    for device in ("/dev/vdb", "/dev/vdc"):
        said(machine, "python3", "-c", f"import os; os.open('{device}', os.O_RDWR | os.O_EXCL)")
