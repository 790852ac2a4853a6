"""A machine's agent: brings the machine up, runs the hooks of its units one at a time."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
import threading
import time
import traceback
from pathlib import Path

from lab.controller import charms
from lab.controller.hook_process import HookProcess, Outcome, kill_leftover
from lab.controller.hosts import Host
from lab.controller.keeper import HookFigures, Keeper
from lab.controller.tools import SENT_AT_ONCE, TOOLS, Call, ToolReply, ToolRequest, run_tool
from lab.controller.unit_files import UnitFiles
from lab.controller.wire import Server
from lab.machines.command import MachineError
from lab.model.context import HookContext
from lab.model.errors import JujuError
from lab.model.state import HookRun

BOOT_TIMEOUT = 120.0
# How long an idle agent sleeps before it looks whether its machine is still there.
IDLE_SECONDS = 1.0
RETRY_SECONDS = 5.0
# A process that a shutdown has killed may end this long before the machine does.
SHUTDOWN_GRACE = 5.0
SHUTDOWN_TIMEOUT = 90.0
_TOOL_CLIENT = Path(__file__).with_name("tool_client.py")


class MachineAgent:
    """The agents of one machine, in a thread of their own."""

    def __init__(self, keeper: Keeper, machine: str) -> None:
        self._keeper = keeper
        self._machine = machine
        self._boot_id: str | None = None
        self._server: Server | None = None
        self._context: HookContext | None = None
        self._context_id = ""
        self._process: HookProcess | None = None
        self._killed = False
        self._thread = threading.Thread(target=self._run, name=f"machine {machine}", daemon=True)

    def start(self) -> None:
        """Begin."""
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
        return self._keeper.provider.host(int(self._machine))

    def kill_hook(self, unit: str) -> str:
        """Kill the running hook as if the agent had died in it; returns its name.

        Raises JujuError when that unit runs none.
        """
        context, process = self._context, self._process
        if context is None or process is None or context.unit != unit:
            raise JujuError(f"{unit} is not running a hook")
        self._killed = True
        process.kill()
        return context.run.name

    def abandon(self) -> None:
        """Kill the running hook: the controller ends, and the next one runs it again."""
        process = self._process
        if process is not None:
            self._killed = True
            process.kill()

    # The thread.

    def _run(self) -> None:
        while not self._keeper.closing:
            try:
                if self._step():
                    return
            except Exception as error:  # noqa: BLE001 - it tries again, whatever it was
                self._say(f"{error}", "ERROR")
                self._say(traceback.format_exc(), "DEBUG")
                self._keeper.rest(RETRY_SECONDS)

    def _step(self) -> bool:
        """Do the next thing there is to do; True when the machine is gone for good."""
        with self._keeper.looking() as juju:
            machine = juju.state.machines.get(self._machine)
            status = machine.status if machine else "stopping"
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
            self._provision_storage()
            run = self._due()
            if run is None:
                self._keeper.rest(self._idle_seconds())
            else:
                self._run_hook(run)
        return False

    def _say(self, message: str, level: str = "INFO") -> None:
        self._keeper.say(self._machine, message, level)

    def _idle_seconds(self) -> float:
        now = self._keeper.now()
        with self._keeper.looking() as juju:
            due = juju.next_due(now)
        return IDLE_SECONDS if due is None else min(max(due - now, 0.01), IDLE_SECONDS)

    # The machine.

    def _bring_up(self) -> None:
        self._keeper.provider.prepare(self._say)
        begun = time.monotonic()
        self._say(f"starting {self.host.hostname}")
        self._boot()
        with self._keeper.changing() as juju:
            host = self.host
            juju.machine_up(self._keeper.now(), self._machine, host.hostname, host.nics())
        self._say(f"{self.host.hostname} is up after {time.monotonic() - begun:.1f} s")

    def _boot(self) -> None:
        """Start the machine if it does not run, and make it ready for hooks."""
        host = self.host
        host.start()
        self._install_tools()
        host.wait_booted(BOOT_TIMEOUT)
        self._boot_id = host.boot_id()
        if self._server is None:
            self._server = Server(host.shared_dir / "tools.sock", self._answer_tool, mode=0o600)

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
        """Whether the machine is the boot that this agent knows, and nobody wants another."""
        self.host.let_go()
        wishes = self._keeper.wishes
        if self._boot_id is None or self._server is None or self._machine in wishes.reboot:
            return False
        return self.host.boot_id() == self._boot_id

    def _come_back(self) -> None:
        """The machine has rebooted, or died, or this agent is new: find out and go on."""
        host = self.host
        wishes = self._keeper.wishes
        if self._machine in wishes.reboot:
            wishes.reboot.discard(self._machine)
            host.reboot()
        elif self._boot_id is None:
            self._find_again()
            return
        elif not host.is_running():
            # A reboot passes through a moment without a machine.
            time.sleep(IDLE_SECONDS)
            if not host.is_running():
                self._lose()
                return
        self._boot()
        self._rebooted()

    def _find_again(self) -> None:
        """A new controller: go on with a machine that runs, start one that does not."""
        for pid_file in (self._keeper.folder / "running").glob(f"{self._machine}-*"):
            kill_leftover(pid_file)
        was_running = self.host.is_running()
        self._boot()
        if not was_running:
            self._rebooted()

    def _rebooted(self) -> None:
        self._say(f"{self.host.hostname} has rebooted")
        with self._keeper.changing() as juju:
            juju.machine_rebooted(self._keeper.now(), self._machine)
            juju.machine_addresses_changed(self._machine, self.host.nics())

    def _lose(self) -> None:
        self._say(f"{self.host.hostname} is down", "WARNING")
        self._boot_id = None
        with self._keeper.changing() as juju:
            juju.machine_lost(self._keeper.now(), self._machine)

    def _stay_down(self) -> None:
        wishes = self._keeper.wishes
        if self._machine not in wishes.power_on:
            self._keeper.rest(IDLE_SECONDS)
            return
        wishes.power_on.discard(self._machine)
        self._boot()
        self._rebooted()

    def _destroy(self) -> None:
        self._say("destroying the machine")
        if self._server:
            self._server.close()
        self.host.destroy()
        with self._keeper.changing() as juju:
            if self._machine in juju.state.machines:
                juju.machine_destroyed(self._machine)

    def _provision_storage(self) -> None:
        with self._keeper.looking() as juju:
            units = juju.state.units
            wanted = [
                instance
                for instance in juju.storage_to_provision()
                if units[instance.unit].machine == self._machine
            ]
        for instance in wanted:
            location = UnitFiles(self.host, instance.unit).make_storage(instance)
            with self._keeper.changing() as juju:
                juju.storage_provisioned(instance.id, location)

    # Hooks.

    def _due(self) -> HookRun | None:
        now = self._keeper.now()
        wishes = self._keeper.wishes
        with self._keeper.looking() as juju:
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
                    self._keeper.wake()
        return None

    def _run_hook(self, run: HookRun) -> None:
        files = UnitFiles(self.host, run.unit)
        self._unpack(files, run)
        with self._keeper.changing() as juju:
            context = juju.start_hook(self._keeper.now(), run.unit)
            run = context.run
            environment = juju.environment(run)
            shell_command = (
                juju.state.tasks[run.task_id].params["command"] if run.kind == "exec" else ""
            )
        self._context_id = f"{run.unit}-{run.name}-{context.serial}"
        argv = files.command(run, shell_command)
        if argv is None:
            self._finish(context, Outcome(0, "", "", 0.0, 0.0))
            return
        self._context, self._killed = context, False
        pid_file = self._keeper.folder / "running" / f"{self._machine}-{run.unit.replace('/', '-')}"
        self._process = HookProcess(
            self.host,
            argv,
            {**environment, **files.environment(self._context_id)},
            self.host.seen(files.charm_dir),
            pid_file,
            lambda stream, line: self._log_output(run, stream, line),
        )
        outcome = self._process.wait()
        self._process = self._context = None
        self._finish(context, outcome)

    def _unpack(self, files: UnitFiles, run: HookRun) -> None:
        if not charms.is_unpacked(files.charm_dir, run.charm):
            name = run.charm.removeprefix("local:")
            charms.unpack(
                self._keeper.folder / "charms" / f"{name}.charm", files.charm_dir, run.charm
            )

    def _log_output(self, run: HookRun, stream: str, line: str) -> None:
        if run.kind not in ("action", "exec"):
            level = "DEBUG" if stream == "stdout" else "WARNING"
            entity = f"unit-{run.unit.replace('/', '-')}"
            self._keeper.log.write(entity, level, f"unit.{run.unit}.{run.name}", line)

    def _finish(self, context: HookContext, outcome: Outcome) -> None:
        """Tell the model how a hook ended."""
        run = context.run
        machine_went = outcome.code != 0 and self._machine_went(outcome.code)
        died = machine_went or self._killed or context.reboot_wanted == "now"
        with self._keeper.changing() as juju:
            now = self._keeper.now()
            if run.kind in ("action", "exec"):
                context.process_result(outcome.code, outcome.stdout, outcome.stderr)
            if died:
                result = juju.kill(now, context)
            elif outcome.code == 0 or run.kind == "exec":
                result = juju.commit(now, context)
            else:
                result = juju.fail(now, context, f"exit status {outcome.code}")
        name = run.name or run.kind
        figures = (outcome.seconds, outcome.cpu_seconds)
        self._keeper.record(HookFigures(run.unit, name, result, now - figures[0], *figures))
        if machine_went:
            self._await_end()
        elif context.reboot_wanted and not self._killed:
            self._keeper.wishes.reboot.add(self._machine)

    def _machine_went(self, code: int) -> bool:
        """Whether a process ended because its machine did, which is no failure of the hook's."""
        patience = SHUTDOWN_GRACE if code < 0 or code > 128 else 0.0
        deadline = time.monotonic() + patience
        while True:
            if self.host.boot_id() != self._boot_id or self._is_stopping():
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)

    def _await_end(self) -> None:
        """Start nothing on a machine that shuts down: it would wait for that to end."""
        deadline = time.monotonic() + SHUTDOWN_TIMEOUT
        while self.host.boot_id() == self._boot_id and time.monotonic() < deadline:
            self.host.let_go()
            time.sleep(0.1)

    def _is_stopping(self) -> bool:
        try:
            state = self.host.run(["systemctl", "is-system-running"], timeout=10).stdout.strip()
        except (MachineError, subprocess.TimeoutExpired):
            return True
        return state in ("", "stopping", "offline", "unknown")

    # Hook tools.

    def _answer_tool(self, message: bytes) -> bytes:
        """Answer a hook tool; only the hook that runs is answered."""
        request = ToolRequest.parse(message)
        context = self._context
        if context is None or request.context_id != self._context_id:
            return ToolReply("", "ERROR bad context: the hook is no more\n", 1).encode()
        call = Call(
            context,
            self._keeper.now(),
            request.files,
            lambda resource: UnitFiles(self.host, context.unit).fetch(resource),
        )
        writes = request.tool in SENT_AT_ONCE
        with self._keeper.changing() if writes else self._keeper.looking():
            reply = run_tool(request.tool, request.args, call)
        if context.reboot_wanted == "now" and self._process:
            self._process.kill()
        return reply.encode()
