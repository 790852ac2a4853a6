# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The command line on real machines: what folders cannot show."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jubilant
import pytest

from lab.machines import claims
from lab.testing.charm_files import add_packages, pack
from probes import LAB_JUJU

CHARMS = Path(__file__).parent / "charms"
pytestmark = pytest.mark.machines

OPS = ("ops", "yaml", "opentelemetry", "websocket", "importlib_metadata", "typing_extensions")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab's home; the lab is removed at the end."""
    home = tmp_path_factory.mktemp("lab")
    before = os.environ.get("LXD_CLUSTER_LAB")
    os.environ["LXD_CLUSTER_LAB"] = str(home)
    yield home
    subprocess.run([LAB_JUJU, "lab", "down"], check=True, timeout=120)
    if before is None:
        del os.environ["LXD_CLUSTER_LAB"]
    else:
        os.environ["LXD_CLUSTER_LAB"] = before


@pytest.fixture(scope="module")
def juju(home: Path, tmp_path_factory: pytest.TempPathFactory) -> jubilant.Juju:
    """Three units of a charm written with ops, on three machines, active."""
    charm = pack("greeter", tmp_path_factory.mktemp("charms"), CHARMS)
    add_packages(charm, *OPS)
    juju = jubilant.Juju(cli_binary=LAB_JUJU, wait_timeout=120)
    # The first run builds the machines' image.
    juju.cli("lab", "prepare", include_model=False)
    juju.deploy(charm, num_units=3)
    wait_for_peers(juju, 3)
    return juju


def wait_for_peers(juju: jubilant.Juju, units: int) -> None:
    """Wait until that many units know each other and say what they are configured to say."""
    greeting = juju.config("greeter")["greeting"]

    def ready(status: jubilant.Status) -> bool:
        found = status.apps["greeter"].units.values()
        messages = [unit.workload_status.message for unit in found]
        wanted = [f"{greeting} {units - 1} peers"] * units
        return messages == wanted and jubilant.all_agents_idle(status)

    juju.wait(ready, delay=0.3, successes=1)


def eventually(check: Callable[[], bool], timeout: float = 60.0) -> None:
    """Wait until a check is true."""
    deadline = time.monotonic() + timeout
    while not check():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def boots(juju: jubilant.Juju, unit: str) -> str:
    """An identifier of a machine's boot, from inside; empty while it cannot be entered."""
    try:
        return juju.ssh(unit, "cat /proc/sys/kernel/random/boot_id")
    except jubilant.CLIError:
        return ""


def controller_pid(home: Path) -> int:
    """The pid of the lab's controller."""
    found = subprocess.run(
        ["pgrep", "-f", f"lab.controller --home {home}$"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout)


def test_a_charm_written_with_ops_runs_on_three_machines(juju: jubilant.Juju):
    units = juju.status().apps["greeter"].units
    assert {unit.open_ports[0] for unit in units.values()} == {"8443/tcp"}
    assert sum(unit.leader for unit in units.values()) == 1
    assert juju.run("greeter/leader", "greet", {"name": "Bob"}).results == {"said": "hello Bob"}


def test_the_machines_are_of_their_own(juju: jubilant.Juju):
    names = {juju.exec("hostname", unit=f"greeter/{n}").stdout.strip() for n in range(3)}
    assert names == {machine.hostname for machine in juju.status().machines.values()}
    assert len(names) == 3
    assert juju.exec("systemctl is-system-running", machine=1).stdout.strip() == "running"


def test_files_are_copied_both_ways(juju: jubilant.Juju, tmp_path: Path):
    there, back = tmp_path / "there", tmp_path / "back"
    there.write_text("text")
    juju.scp(there, "greeter/1:/tmp/file")
    juju.scp("greeter/1:/tmp/file", back)
    assert back.read_text() == "text"


def test_a_unit_more_and_a_unit_less(juju: jubilant.Juju):
    juju.add_unit("greeter")
    wait_for_peers(juju, 4)
    number = int(juju.status().machines["3"].hostname.rpartition("-")[2])
    juju.remove_unit("greeter/3")
    eventually(lambda: "3" not in juju.status().machines)
    # By the rules of Juju 4.0 no hook tells the others.
    juju.config("greeter", {"greeting": "fewer"})
    wait_for_peers(juju, 3)
    assert claims.holder(number) is None


def test_a_reboot_in_the_middle_of_a_hook(juju: jubilant.Juju):
    before = boots(juju, "greeter/1")
    juju.config("greeter", {"greeting": "rebooted"})
    juju.cli("lab", "reboot", "1", include_model=False)
    wait_for_peers(juju, 3)
    assert boots(juju, "greeter/1") != before
    eventually(lambda: 'ran "start" hook' in juju.cli("debug-log", "--include", "greeter/1"))


def test_a_machine_rebooted_from_inside_with_a_session_open(juju: jubilant.Juju):
    before = boots(juju, "greeter/2")
    session = subprocess.Popen([LAB_JUJU, "ssh", "greeter/2", "sleep 100"])
    try:
        juju.ssh("greeter/2", "systemctl reboot")
        eventually(lambda: boots(juju, "greeter/2") not in ("", before), timeout=30)
    finally:
        session.kill()
        session.wait()
    wait_for_peers(juju, 3)


def test_a_controller_killed_with_its_hooks_running(juju: jubilant.Juju, home: Path):
    juju.config("greeter", {"greeting": "survived"})
    eventually(
        lambda: any(
            unit.juju_status.current == "executing"
            for unit in juju.status().apps["greeter"].units.values()
        )
    )
    os.kill(controller_pid(home), signal.SIGKILL)
    wait_for_peers(juju, 3)


def test_a_power_cut_moves_the_leadership(juju: jubilant.Juju):
    units = juju.status().apps["greeter"].units
    leader, machine = next((name, u.machine) for name, u in units.items() if u.leader)
    juju.cli("lab", "power-cut", machine, include_model=False)
    juju.wait(
        lambda status: any(
            unit.leader for name, unit in status.apps["greeter"].units.items() if name != leader
        ),
        timeout=90,
        successes=1,
    )
    juju.cli("lab", "power-on", machine, include_model=False)
    wait_for_peers(juju, 3)
