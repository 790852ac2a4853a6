# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Real machines of the lab with real LXD, driven from the host through the charm's own port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.machines import host
from lab.machines.image import DEFAULT_CACHE, ensure_image
from lab.machines.layers import Image
from lab.machines.nspawn_machine import Machine
from lxd.api import LxdApi
from lxd.errors import LxdUnreachable
from tests.conformance.machine_socket import MachineSocket
from tests.conformance.side import MACHINES, POOL
from tests.lxd_model.generations import of_version

# High numbers: a demo may run on this computer with the low ones.
_FIRST = 24
_PORT = 8443
_START = 40.0
_DAEMON = "snap.lxd.daemon.service"
# While a stop is in progress systemd does not start again what is killed.
_KILL = f"""
systemctl stop --no-block {_DAEMON}
pkill --signal KILL --full '^lxd --logfile' || true
snap stop lxd
"""
_EMPTY = f"""{_KILL}
while read -r _ mount _; do
    case $mount in /var/snap/lxd/common/lxd/*) umount "$mount" || umount --lazy "$mount" ;; esac
done </proc/self/mounts
find /var/snap/lxd/common/lxd -mindepth 1 -not -name server.crt -not -name server.key -delete
pkill --full '^dnsmasq .*/var/snap/lxd' || true
for bridge in $(ls /sys/class/net); do
    case $bridge in br-*) ip link delete "$bridge" ;; esac
done
# Once of some hundred times systemd takes the killed process for the one that it starts.
snap start lxd || (sleep 2 && snap start lxd)
"""


class RealSide:
    """Four machines, booted once. `fresh` resets them between histories."""

    def __init__(self, home: Path, image: Image) -> None:
        self._home = home
        self.generation = of_version(image.lxd_version).name
        """The version of the machines' LXD."""
        self._machines = {
            letter: Machine(home, _FIRST + index, image) for index, letter in enumerate(MACHINES)
        }
        self._used = set[str]()

    @staticmethod
    def boot(home: Path) -> RealSide:
        """The machines of a lab at `home`, with LXD's snap on them."""
        side = RealSide(home, ensure_image(DEFAULT_CACHE, print))
        try:
            with ThreadPoolExecutor() as pool:
                list(pool.map(side._boot, MACHINES))
        except BaseException:
            side.close()
            raise
        return side

    def close(self) -> None:
        """Removes the machines."""
        host.clean(self._home, print)

    def fresh(self) -> None:
        """Every machine is on, and its empty LXD answers."""
        used, self._used = self._used, set[str]()
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._renew, sorted(used)))

    def shell(self, machine: str, script: str, timeout: float = 120) -> str:
        """Runs a script in a machine."""
        self._used.add(machine)
        done = self._machines[machine].run(["sh", "-ec", script], timeout=timeout)
        if done.returncode:
            raise AssertionError(f"{machine}: {script}: {done.stdout}{done.stderr}")
        return done.stdout.strip()

    def lxd(self, machine: str) -> LxdApi:
        return LxdApi(self.port(machine))

    def port(self, machine: str) -> MachineSocket:
        self._used.add(machine)
        return MachineSocket(self._machines[machine])

    def hostname(self, machine: str) -> str:
        return self._machines[machine].hostname

    def endpoint(self, machine: str) -> str:
        addresses = self._machines[machine].interfaces[0].addresses
        return f"{addresses[0].partition('/')[0]}:{_PORT}"

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def together(self, *calls: Callable[[], None]) -> None:
        threads = [threading.Thread(target=call) for call in calls]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def launch(self, machine: str, name: str, evacuate: str) -> None:
        keep = f"-c cluster.evacuate={evacuate}" if evacuate != "auto" else ""
        target = f"--target {self.hostname(machine)}"
        self.shell(machine, f"lxd.lxc init --empty {name} -s {POOL} {keep} {target}")

    def launch_by_profile(self, machine: str, name: str) -> None:
        self.shell(machine, f"lxd.lxc init --empty {name} --target {self.hostname(machine)}")

    def add_volume(self, machine: str, name: str) -> None:
        target = f"--target {self.hostname(machine)}"
        self.shell(machine, f"lxd.lxc storage volume create {POOL} {name} {target}")

    def power_off(self, machine: str) -> None:
        self._used.add(machine)
        self._machines[machine].power_off_hard()

    def power_on(self, machine: str) -> None:
        self._machines[machine].start()
        self._machines[machine].wait_booted()
        self._await(machine)

    def kill_daemon(self, machine: str) -> None:
        self.shell(machine, _KILL)

    def start_daemon(self, machine: str) -> None:
        self.shell(machine, "snap start lxd")
        self._await(machine)

    def freeze(self, machine: str) -> None:
        self.shell(machine, "kill -STOP $(pidof lxd)")

    def thaw(self, machine: str) -> None:
        self.shell(machine, "kill -CONT $(pidof lxd)")

    def isolate(self, machine: str) -> None:
        self._used.add(machine)
        self._machines[machine].link_down("eth0")

    def heal(self, machine: str) -> None:
        self._machines[machine].link_up("eth0")

    def recover(self, machine: str) -> None:
        self.kill_daemon(machine)
        try:
            self.shell(machine, "snap run lxd cluster recover-from-quorum-loss --quiet")
        finally:
            self.start_daemon(machine)

    def wipe(self, machine: str) -> None:
        self.shell(machine, _EMPTY)
        self._await(machine)

    def _boot(self, letter: str) -> None:
        machine = self._machines[letter]
        machine.start()
        machine.wait_booted()
        snap = machine.image.lxd_snap()
        (machine.shared_dir / snap.name).write_bytes(snap.read_bytes())
        self.shell(letter, f"snap install --dangerous --classic /run/lab/{snap.name}")
        self.shell(letter, "lxd waitready --timeout 60")
        self._used.discard(letter)

    def _renew(self, letter: str) -> None:
        self._machines[letter].link_up("eth0")
        if not self._machines[letter].is_running():
            self._machines[letter].start()
            self._machines[letter].wait_booted()
        self.wipe(letter)
        self._used.discard(letter)

    def _await(self, machine: str) -> None:
        """LXD answers, or has had the time to: it may have no database."""
        api = self.lxd(machine)
        end = time.monotonic() + _START
        while not api.server.answers_at_all() and time.monotonic() < end:
            time.sleep(0.2)
        while time.monotonic() < end:
            try:
                api.server.get()
            except LxdUnreachable:
                time.sleep(0.2)
            else:
                return
