# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine's agent: starts the machine, and runs the hooks of its units one at a time."""

from __future__ import annotations

import fnmatch
import shutil
import threading
import time
import traceback
from pathlib import Path

from lab.controller.hook_process import kill_leftover
from lab.controller.hook_runner import Aftermath, HookRunner
from lab.controller.host_provider import Host
from lab.controller.model_store import ModelStore
from lab.controller.tools import TOOLS
from lab.controller.unit_files import UnitFiles, remove_others
from lab.controller.wire import Server
from lab.model.hooks import HookRun

# How long an idle agent sleeps before it checks whether its machine still exists.
IDLE_SECONDS = 1.0
RETRY_SECONDS = 5.0
SHUTDOWN_TIMEOUT = 90.0
_TOOL_CLIENT = Path(__file__).with_name("tool_client.py")


class MachineAgent:
    """The agent of one machine, with the agents of its units, in its own thread."""

    def __init__(self, store: ModelStore, machine: str) -> None:
        self._store = store
        self._machine = machine
        self._boot_id: str | None = None
        self._server: Server | None = None
        self.hooks = HookRunner(store, machine)
        self._thread = threading.Thread(target=self._run, name=f"machine {machine}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether the agent still works; it ends when its machine has left the model."""
        return self._thread.is_alive()

    def join(self, timeout: float) -> None:
        """Wait for the end of the agent's thread."""
        self._thread.join(timeout)

    @property
    def host(self) -> Host:
        """The agent's machine."""
        return self._store.host(self._machine)

    # The thread.

    def _run(self) -> None:
        while not self._store.closing:
            try:
                if self._step():
                    return
            except Exception as error:  # noqa: BLE001 - it tries again, whatever it was
                self._say(f"{error}", "ERROR")
                self._say(traceback.format_exc(), "DEBUG")
                self._store.rest(RETRY_SECONDS)

    def _step(self) -> bool:
        """Do the next piece of work, if there is any; True when the machine is gone for good."""
        with self._store.looking() as juju:
            machine = juju.state.machines.get(self._machine)
            status = machine.status if machine else "stopping"
            left = self._machine in juju.machines_left()
        if left:
            self._uninstall()
            return True
        if status == "stopping":
            self._destroy()
            return True
        if status == "pending":
            self._bring_up()
        elif status == "down":
            self._stay_down()
        elif not self._is_steady():
            self._come_back()
        else:
            self._remove_unit_folders()
            self._provision_storage()
            run = self._due()
            if run is None:
                self._store.rest(self._idle_seconds())
            else:
                self._run_hook(run)
        return False

    def _say(self, message: str, level: str = "INFO") -> None:
        self._store.say(self._machine, message, level)

    def _idle_seconds(self) -> float:
        now = self._store.now()
        with self._store.looking() as juju:
            due = juju.next_due(now)
        return IDLE_SECONDS if due is None else min(max(due - now, 0.01), IDLE_SECONDS)

    # The machine.

    def _bring_up(self) -> None:
        self._store.provider.prepare(self._store.kind(self._machine), self._say)
        begun = time.monotonic()
        self._say(f"starting {self.host.hostname}")
        self._boot()
        with self._store.changing() as juju:
            host = self.host
            juju.machine_up(self._store.now(), self._machine, host.hostname, host.nics())
        self._say(f"{self.host.hostname} is up after {time.monotonic() - begun:.1f} s")

    def _boot(self) -> None:
        """Start the machine if it does not run, and make it ready for hooks."""
        host = self.host
        host.start()
        self._install_tools()
        host.wait_booted(host.boot_seconds)
        self._boot_id = host.boot_id()
        if self._server is None:
            self._server = Server(host.shared_dir / "tools.sock", self.hooks.answer_tool)

    def _install_tools(self) -> None:
        folder = self.host.root / "usr/lib/lab/tools"
        folder.mkdir(parents=True, exist_ok=True)
        client = folder / ".client"
        shutil.copy(_TOOL_CLIENT, client)
        client.chmod(0o755)
        for name in TOOLS:
            link = folder / name
            link.unlink(missing_ok=True)
            link.symlink_to(client.name)

    def _is_steady(self) -> bool:
        """Whether this agent knows the machine's current boot, and no reboot is requested."""
        wishes = self._store.wishes
        if self._boot_id is None or self._server is None or self._machine in wishes.reboot:
            return False
        return self.host.boot_id() == self._boot_id

    def _come_back(self) -> None:
        """Find out whether the machine has rebooted or died, or this agent is new, and continue."""
        host = self.host
        wishes = self._store.wishes
        if self._machine in wishes.reboot:
            wishes.reboot.discard(self._machine)
            host.reboot()
        elif self._boot_id is None:
            self._find_again()
            return
        elif not host.is_running():
            # During a reboot the machine does not exist for a moment.
            time.sleep(IDLE_SECONDS)
            if not host.is_running():
                self._lose()
                return
        self._boot()
        self._rebooted()

    def _find_again(self) -> None:
        """After a restart of the controller: keep a machine that runs, start one that does not."""
        for pid_file in (self._store.folder / "running").glob(f"{self._machine}-*"):
            kill_leftover(pid_file)
        was_running = self.host.is_running()
        self._boot()
        if not was_running:
            self._rebooted()

    def _rebooted(self) -> None:
        self._say(f"{self.host.hostname} has rebooted")
        with self._store.changing() as juju:
            juju.machine_rebooted(self._store.now(), self._machine)
            juju.machine_addresses_changed(self._machine, self.host.nics())
            attached = [
                instance
                for instance in juju.state.storage.values()
                if instance.type == "block"
                and instance.location
                and instance.unit
                and juju.state.units[instance.unit].machine == self._machine
            ]
        for instance in attached:
            UnitFiles(self.host, instance.unit).make_storage(instance)

    def _lose(self) -> None:
        self._say(f"{self.host.hostname} is down", "WARNING")
        self._boot_id = None
        with self._store.changing() as juju:
            juju.machine_lost(self._store.now(), self._machine)

    def _stay_down(self) -> None:
        wishes = self._store.wishes
        if self._machine not in wishes.power_on:
            self._store.rest(IDLE_SECONDS)
            return
        wishes.power_on.discard(self._machine)
        self._boot()
        self._rebooted()

    def _uninstall(self) -> None:
        """Stop: Juju no longer has the machine. It keeps running without an agent."""
        self._say(f"{self.host.hostname} runs on without an agent")
        if self._server:
            self._server.close()

    def _destroy(self) -> None:
        self._say("destroying the machine")
        if self._server:
            self._server.close()
        self.host.destroy()
        with self._store.changing() as juju:
            if self._machine in juju.state.machines:
                juju.machine_destroyed(self._machine)

    def _remove_unit_folders(self) -> None:
        """Juju removes a unit's folder with the unit, also where another unit stays."""
        with self._store.looking() as juju:
            units = [u.name for u in juju.state.units.values() if u.machine == self._machine]
        remove_others(self.host, units)

    def _provision_storage(self) -> None:
        with self._store.looking() as juju:
            units = juju.state.units
            instances = [
                instance
                for instance in juju.storage_to_provision()
                if units[instance.unit].machine == self._machine
            ]
        for instance in instances:
            location = UnitFiles(self.host, instance.unit).make_storage(instance)
            with self._store.changing() as juju:
                juju.storage_provisioned(instance.id, location)

    # Hooks.

    def _run_hook(self, run: HookRun) -> None:
        aftermath = self.hooks.run(run, self._boot_id)
        if aftermath is Aftermath.MACHINE_WENT:
            self._await_end()
        elif aftermath is Aftermath.REBOOT_WANTED:
            self._store.wishes.reboot.add(self._machine)

    def _await_end(self) -> None:
        """Start nothing on a machine that shuts down: the shutdown would wait for it."""
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        while self.host.boot_id() == self._boot_id and time.monotonic() < deadline:
            time.sleep(0.1)

    def _due(self) -> HookRun | None:
        now = self._store.now()
        wishes = self._store.wishes
        with self._store.looking() as juju:
            units = [u.name for u in juju.state.units.values() if u.machine == self._machine]
            for unit in units:
                run = juju.next_hook(now, unit)
                if run is None:
                    continue
                pattern = wishes.held.get(unit)
                if pattern is None or not fnmatch.fnmatchcase(run.name, pattern):
                    wishes.at_hold.pop(unit, None)
                    return run
                if wishes.at_hold.get(unit) != run.name:
                    wishes.at_hold[unit] = run.name
                    self._store.wake()
        return None
