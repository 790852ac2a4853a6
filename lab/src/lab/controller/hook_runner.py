# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Runs a hook, action or command on a machine, answers its tools, and reports its result."""

from __future__ import annotations

import subprocess
import time
from enum import Enum

from lab.controller import packed_charms
from lab.controller.hook_process import HookProcess, Outcome
from lab.controller.host_provider import Host
from lab.controller.model_store import HookFigures, ModelStore
from lab.controller.tool_call import Call, ToolReply, ToolRequest
from lab.controller.tools import SENT_AT_ONCE, run_tool
from lab.controller.unit_files import UnitFiles
from lab.machines.programs import MachineError
from lab.model.context import HookContext
from lab.model.hooks import HookRun
from lab.model.juju import Juju
from lab.model.state import HookOutcome

# A process that a shutdown has killed may end this long before the machine does.
SHUTDOWN_GRACE = 5.0


class Aftermath(Enum):
    """What a hook has requested for its machine."""

    NOTHING = "nothing"
    REBOOT_WANTED = "reboot wanted"
    MACHINE_WENT = "machine went"


class HookRunner:
    """The hooks of one machine's units, one at a time."""

    def __init__(self, store: ModelStore, machine: str) -> None:
        self._store = store
        self._machine = machine
        self._context: HookContext | None = None
        self._context_id = ""
        self._process: HookProcess | None = None
        self._killed = False

    def kill(self, unit: str) -> str | None:
        """Kill the hook that the unit runs, as if the agent had died.

        Returns its name; None when the unit runs none.
        """
        context = self._context
        if context is None or context.unit != unit:
            return None
        self.abandon()
        return context.run.name or context.run.kind

    def abandon(self) -> None:
        """Kill the hook that runs, if any: it will run again."""
        self._killed = True
        process = self._process
        if process is not None:
            process.kill()

    def run(self, run: HookRun, boot_id: str | None) -> Aftermath:
        """Run the next hook, in the boot of the machine that `boot_id` names."""
        host = self._store.host(self._machine)
        files = UnitFiles(host, run.unit)
        self._place_charm(host, files, run.charm)
        self._killed = False
        with self._store.changing() as juju:
            context = juju.start_hook(self._store.now(), run.unit)
            self._context_id = f"{run.unit}-{context.run.name}-{context.serial}"
            self._context = context
            environment = juju.environment(context.run)
            command = _shell_command(juju, context.run)
        argv = files.command(context.run, command)
        environment |= files.environment(self._context_id)
        try:
            outcome = self._execute(host, files, argv, environment) if argv else _SKIPPED
        except (OSError, MachineError) as error:
            # The machine went away before the process started.
            outcome = Outcome(-1, "", str(error), 0.0, 0.0)
        finally:
            self._process = self._context = None
        killed = self._killed or context.reboot_wanted == "now"
        went = outcome.code != 0 and not killed and _machine_went(host, boot_id, outcome.code)
        self._tell(context, outcome, died=went or killed)
        if went:
            return Aftermath.MACHINE_WENT
        reboots = context.reboot_wanted and not self._killed
        return Aftermath.REBOOT_WANTED if reboots else Aftermath.NOTHING

    def _place_charm(self, host: Host, files: UnitFiles, charm: str) -> None:
        """The unit has the files of this charm."""
        if not packed_charms.is_unpacked(files.charm_dir, charm):
            packed = f"{charm.removeprefix('local:')}.charm"
            packed_charms.place(self._store.folder / "charms" / packed, files.charm_dir, charm)
            host.look_again()

    def answer_tool(self, message: bytes) -> bytes:
        """Answer a hook tool; only the running hook gets an answer."""
        request = ToolRequest.parse(message)
        context = self._context
        if context is None or request.context_id != self._context_id:
            return ToolReply("", "ERROR bad context: the hook is no more\n", 1).encode()
        host = self._store.host(self._machine)
        call = Call(
            context,
            self._store.now(),
            request.files,
            lambda resource: UnitFiles(host, context.unit).fetch(resource),
        )
        writes = request.tool in SENT_AT_ONCE
        with self._store.changing() if writes else self._store.looking():
            reply = run_tool(request.tool, request.args, call)
        if context.reboot_wanted == "now" and self._process:
            self._process.kill()
        return reply.encode()

    def _execute(
        self, host: Host, files: UnitFiles, argv: list[str], environment: dict[str, str]
    ) -> Outcome:
        assert self._context is not None
        run = self._context.run
        process = HookProcess(
            host,
            argv,
            environment,
            host.seen(files.charm_dir),
            self._store.folder / "running" / f"{self._machine}-{run.unit.replace('/', '-')}",
            lambda stream, line: self._log_output(run, stream, line),
        )
        self._process = process
        # The hook may have been killed before its process started.
        if self._killed or self._store.closing:
            self.abandon()
        return process.wait()

    def _log_output(self, run: HookRun, stream: str, line: str) -> None:
        if run.kind not in ("action", "exec"):
            level = "DEBUG" if stream == "stdout" else "WARNING"
            self._store.log.write(run.unit, level, f"unit.{run.unit}.{run.name}", line)

    def _tell(self, context: HookContext, outcome: Outcome, *, died: bool) -> None:
        """Tell the model how the hook ended, and record its figures."""
        run = context.run
        with self._store.changing() as juju:
            now = self._store.now()
            if run.kind in ("action", "exec"):
                context.process_result(outcome.code, outcome.stdout, outcome.stderr)
            if died:
                result: HookOutcome = juju.kill(now, context)
            elif outcome.code == 0 or run.kind == "exec":
                result = juju.commit(now, context)
            else:
                result = juju.fail(now, context, f"exit status {outcome.code}")
        self._store.record(
            HookFigures(
                unit=run.unit,
                hook=run.name or run.kind,
                outcome=result,
                started=now - outcome.seconds,
                seconds=outcome.seconds,
                cpu_seconds=outcome.cpu_seconds,
            )
        )


_SKIPPED = Outcome(0, "", "", 0.0, 0.0)


def _shell_command(juju: Juju, run: HookRun) -> str:
    return juju.state.tasks[run.task_id].params["command"] if run.kind == "exec" else ""


def _machine_went(host: Host, boot_id: str | None, code: int) -> bool:
    """Whether a process ended because its machine ended: that is not a failure of the hook."""
    patience = SHUTDOWN_GRACE if code < 0 or code > 128 else 0.0
    deadline = time.monotonic() + patience
    while True:
        if host.boot_id() != boot_id or _is_stopping(host):
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)


def _is_stopping(host: Host) -> bool:
    try:
        state = host.run(["systemctl", "is-system-running"], timeout=10).stdout.strip()
    except (MachineError, subprocess.TimeoutExpired):
        return True
    return state in ("", "stopping", "offline", "unknown")
