# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Real machines of the lab: they boot, run commands, reboot, lose power and leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.machines import cgroups, claims, host, loops, network
from lab.machines.image import DEFAULT_CACHE, Image, ensure_image
from lab.machines.nspawn_machine import Machine
from lab.machines.programs import MachineError, run
from lab.testing.on_a_machine import boot, install_lxd, shell

pytestmark = pytest.mark.machines

# High numbers: a demo may run on this computer with the low ones.
FIRST, SECOND, ALONE = 21, 22, 23


@pytest.fixture(scope="module")
def image() -> Image:
    return ensure_image(DEFAULT_CACHE, print)


@pytest.fixture(scope="module")
def pair(home: Path, image: Image) -> list[Machine]:
    machines = [Machine(home, number, image) for number in (FIRST, SECOND)]
    with ThreadPoolExecutor() as pool:
        list(pool.map(boot, machines))
    return machines


@pytest.fixture
def alone(home: Path, image: Image) -> Iterator[Machine]:
    machine = Machine(home, ALONE, image)
    yield machine
    machine.destroy()


def test_boots_with_every_unit_up(pair: list[Machine]):
    assert shell(pair[0], "systemctl is-system-running") == "running"


@pytest.mark.usefixtures("pair")
def test_the_gateways_keep_their_mac_while_machines_come_and_go():
    for net in network.NETWORKS:
        found = Path("/sys/class/net", net.bridge, "address").read_text().strip()
        assert found == net.mac(network.HOST_PART)


def test_has_a_name_of_its_own(pair: list[Machine]):
    assert [shell(machine, "hostname") for machine in pair] == ["juju-lab-21", "juju-lab-22"]


def test_run_gives_output_errors_and_status(pair: list[Machine]):
    done = pair[0].run(["sh", "-c", 'cat; pwd; echo "$A" >&2; exit 3'], {"A": "b"}, "/var", "in\n")
    assert (done.stdout, done.stderr, done.returncode) == ("in\n/var\n", "b\n", 3)


def test_nothing_of_the_hosts_environment_gets_in(
    pair: list[Machine], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FROM_THE_HOST", "1")
    assert "FROM_THE_HOST" not in shell(pair[0], "env")


def test_a_command_past_its_deadline_is_killed_inside(pair: list[Machine]):
    with pytest.raises(subprocess.TimeoutExpired):
        pair[0].run(["sleep", "4711"], timeout=0.5)
    assert "sleep 4711" not in shell(pair[0], "ps -eo args")


def test_killing_the_group_of_a_started_command_kills_it_inside(pair: list[Machine]):
    with pair[0].popen(["sleep", "4712"]) as process:
        while "sleep 4712" not in shell(pair[0], "ps -eo args"):
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
    assert "sleep 4712" not in shell(pair[0], "ps -eo args")


def test_shares_a_folder_with_the_host(pair: list[Machine]):
    (pair[0].shared_dir / "note").write_text("from the host")
    assert shell(pair[0], "cat /run/lab/note") == "from the host"


def test_the_host_writes_into_a_running_machine(pair: list[Machine]):
    (pair[0].root / "opt/note").write_text("from the host")
    assert shell(pair[0], "cat /opt/note") == "from the host"


def test_another_process_finds_it(pair: list[Machine], home: Path, image: Image):
    assert Machine(home, FIRST, image).boot_id() == pair[0].boot_id()


@pytest.mark.parametrize("nic", [0, 1])
@pytest.mark.parametrize("family", [0, 1])
def test_machines_reach_each_other(pair: list[Machine], nic: int, family: int):
    target = pair[1].interfaces[nic].addresses[family].partition("/")[0]
    shell(pair[0], f"ping -c1 -W2 {target}")


def test_says_what_addresses_it_has(pair: list[Machine]):
    assert pair[0].addresses() == {nic.name: list(nic.addresses) for nic in pair[0].interfaces}


def test_an_unplugged_cable_carries_nothing(pair: list[Machine]):
    pair[1].link_down("eth1")
    try:
        assert pair[0].run(["ping", "-c1", "-W1", "10.99.1.23"]).returncode != 0
    finally:
        pair[1].link_up("eth1")


def test_machines_of_another_lab_are_left_alone(pair: list[Machine], tmp_path: Path, image: Image):
    rival = Machine(tmp_path, FIRST, image)
    with pytest.raises(MachineError, match="clean --home"):
        rival.start()
    rival.destroy()
    assert pair[0].is_running()


@pytest.mark.parametrize("how", ["from outside", "from inside"])
def test_keeps_disk_and_addresses_over_a_reboot(pair: list[Machine], how: str):
    machine = pair[1]
    before = machine.boot_id()
    shell(machine, "echo kept >/var/note; ip link add lxdbr9 type bridge; nft add table ip left")
    if how == "from outside":
        machine.reboot()
    else:
        machine.run(["systemctl", "reboot"])
        while machine.boot_id() in (before, None):
            time.sleep(0.05)
    machine.wait_booted()
    links = shell(machine, "ls /sys/class/net").split()
    assert shell(machine, "cat /var/note; nft list ruleset") == "kept"
    assert links == ["eth0", "eth1", "lo"]
    assert machine.addresses() == {nic.name: list(nic.addresses) for nic in machine.interfaces}


def test_keeps_its_disk_over_a_power_cut(pair: list[Machine]):
    shell(pair[1], "echo kept >/var/cut")
    pair[1].power_off_hard()
    assert not pair[1].is_running()
    boot(pair[1])
    assert shell(pair[1], "cat /var/cut") == "kept"


def test_lxd_runs_containers_on_a_btrfs_pool(pair: list[Machine]):
    install_lxd(pair[0])
    (pair[0].shared_dir / "busybox.tar.gz").write_bytes(pair[0].image.container.read_bytes())
    shell(
        pair[0],
        """
        lxc="lxd.lxc"
        $lxc storage create local btrfs size=1GiB
        $lxc network create lxdbr0 ipv4.address=10.98.1.1/24 ipv4.nat=true ipv6.address=none
        $lxc image import /run/lab/busybox.tar.gz --alias busybox
        $lxc launch busybox one --storage local --network lxdbr0 -c limits.memory=64MiB
        """,
        120,
    )
    assert shell(pair[0], "lxd.lxc exec one -- cat /proc/1/comm") == "init"


def test_leaves_nothing_when_destroyed_with_all_in_use(alone: Machine):
    boot(alone)
    root = alone.root.stat()
    shell(
        alone,
        """
        truncate -s 200M /var/disk
        loop=$(losetup --find --show /var/disk)
        mkfs.btrfs -q "$loop"
        mount "$loop" /mnt
        mkdir /sys/fs/cgroup/freezer/frozen 2>/dev/null || exit 0
        sleep 4713 >/dev/null 2>&1 &
        echo $! >/sys/fs/cgroup/freezer/frozen/cgroup.procs
        echo FROZEN >/sys/fs/cgroup/freezer/frozen/freezer.state
        """,
    )
    alone.destroy()
    left = {
        "folder": alone.folder.exists(),
        "claim": claims.holder(ALONE),
        "namespace": network.namespace_path(ALONE).exists(),
        "groups": list(cgroups.ROOT.glob(f"*/{alone.hostname}")),
        "mounts": str(alone.folder) in Path("/proc/self/mounts").read_text(),
        "processes": "sleep 4713" in run("ps", "-eo", "args"),
        "NICs": [path.name for path in Path("/sys/class/net").glob(f"lab{ALONE}-*")],
        "loops": [device for device in loops.attached() if device.backing_device == root.st_dev],
    }
    assert not any(left.values()), left


def test_clean_removes_a_lab_whose_folder_is_gone(tmp_path: Path, image: Image):
    machine = Machine(tmp_path / "home", ALONE, image)
    machine.start()
    run("umount", "--lazy", str(machine.root))
    run("rm", "-rf", str(tmp_path / "home"))
    host.clean(tmp_path / "home", print)
    assert not cgroups.members(machine.hostname)
    assert claims.holder(ALONE) is None


def test_a_dead_machine_of_another_lab_leaves_its_number(
    alone: Machine, tmp_path: Path, image: Image
):
    other = Machine(tmp_path / "home", ALONE, image)
    other.start()
    with pytest.raises(MachineError, match=f"clean --home {tmp_path}/home"):
        alone.start()
    other.power_off_hard()
    boot(alone)
    other.destroy()
    assert alone.is_running()
