# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Time and order: hooks of all units overlap, and one random generator orders them.

Each hook runs in a greenlet. The model of LXD calls `pause` at the start of every call, inside it
and after its effect. There another unit's hook may continue, time passes, and a hook may be killed.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml
from greenlet import greenlet

from lab.model.charm import CharmInfo, parse_charm
from lab.model.context import HookContext
from lab.model.errors import JujuError
from lab.model.hooks import HookOutcome
from lab.model.juju import Juju
from lab.model.state import Interface, State, Unit
from steps.plan import Step
from tests.lxd_model.cloud import Cloud
from tests.simulation import charm_in_ops, charm_in_process
from tests.simulation.schedule import Schedule
from tests.simulation.stage import Stage, set_stage
from tests.simulation.tasks import CRASHES, EXPECTED, Killed, Task, Violation, is_deliberate

ROOT = Path(__file__).parents[2]
APP = "lxd-cluster"
START = 1_000_000.0
"""The start of every simulation, in seconds since the epoch."""


def the_charm() -> CharmInfo:
    """This charm, as the model of Juju knows it."""
    read = (yaml.safe_load((ROOT / f"{name}.yaml").read_text()) for name in _FILES)
    metadata, config, actions = read
    return parse_charm(metadata, config, actions, 0)


_FILES = ("metadata", "config", "actions")
CHARM = the_charm()


class Engine:
    """One simulated world. `trace` gets a line for everything that happens."""

    def __init__(self, schedule: Schedule, trace: Callable[[str], None] | None = None) -> None:
        self.schedule = schedule
        self.random = Random(f"interleaving {schedule.seed}")
        self.trace = trace
        self.cloud = Cloud(START, schedule.generation)
        self.cloud.pause = self.pause
        self.juju = Juju(State())
        self._run_hook = (charm_in_ops if schedule.through_ops else charm_in_process).run_hook
        self.faults_over = False
        """Whether no more faults happen: what began before ends without one."""
        self.hooks = 0
        self.longest = 0.0
        """Seconds of the longest hook."""
        self.did: Counter[str] = Counter()
        """How often each kind of event happened."""
        self.slow: dict[str, tuple[float, float]] = {}
        """By unit: how many times slower, and until when."""
        self.skew: dict[str, float] = {}
        """By machine: the error of its clock."""
        self.tasks: dict[str, Task] = {}
        """By unit: the hook that it runs."""
        self.waiting_kills: dict[str, list[tuple[int, str]]] = {}
        """By unit: kills that wait for a hook: after how many pauses, or where in its commit."""
        self.errors: dict[str, str] = {}
        """By unit: its last error in `juju debug-log`."""
        self.on_step: list[Callable[[Task, Step], None]] = []
        """Called before a step is taken."""
        self.on_commit: Callable[[Task, HookOutcome], None] = lambda _, __: None
        self.on_event: Callable[[], None] = lambda: None
        self.on_loss: Callable[[], None] = lambda: None
        """Called when a machine is about to be destroyed."""
        self.keeps: Callable[[str], bool] = lambda _: False
        """Whether a machine that Juju removed keeps running."""
        self._going: set[str] = set()
        self._changed = True
        """Called when something happened that may cause hooks."""
        self._heap: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._serial = 0
        self._main = greenlet.getcurrent()
        self._current: Task | None = None
        self._dispatched: set[str] = set()
        self._timer = math.inf
        # Each look at the method would make another object.
        self._resume = self._resume_task

    @property
    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return self.cloud.now

    @property
    def units(self) -> dict[str, Unit]:
        """Juju's units."""
        return self.juju.state.units

    def note(self, text: str, who: str = "") -> None:
        """Adds a line for the reader of a replay."""
        if self.trace is not None:
            self.trace(f"{self.now - START:9.2f} {who:14} {text}")

    def operator_does(self, what: str, to: object = "") -> None:
        """Counts and notes what the operator does because a status says so."""
        self.did[f"operator: {what}"] += 1
        self.note(f"{what} {to}", "operator")

    # Time.

    def later(self, seconds: float, call: Callable[..., None], *args: Any) -> None:
        """Calls `call` after `seconds`."""
        self._serial += 1
        heapq.heappush(self._heap, (self.now + seconds, self._serial, call, args))

    def run_until(self, moment: float) -> None:
        """Lets the world run until `moment`."""
        heap, cloud, resume = self._heap, self.cloud, self._resume
        self._changed = True
        while True:
            if self._changed:
                self._changed = False
                self._settle_juju()
            if not heap or heap[0][0] > moment:
                cloud.now = max(cloud.now, moment)
                return
            when, _, call, args = heapq.heappop(heap)
            cloud.now = max(cloud.now, when)
            if call is not resume:
                self._changed = True
            call(*args)
            self.on_event()

    def pause(self, seconds: float, what: str) -> None:
        """Time passes inside a call: others go on, or this hook is killed."""
        task = self._current
        if task is None:
            return
        if task.killed:
            raise Killed
        now = self.cloud.now
        slowness = self.schedule.slowness
        if self.slow:
            factor, until = self.slow.get(task.unit, (1.0, 0.0))
            slowness *= factor if now < until else 1.0
        wake = now + seconds + slowness * 2 * self.random.random()
        if self._heap and self._heap[0][0] <= wake:
            self._serial += 1
            heapq.heappush(self._heap, (wake, self._serial, self._resume, (task,)))
            self._main.switch()
        else:
            self.cloud.now = wake
        if task.kill_in >= 0:
            if task.kill_in == 0:
                task.killed = True
                self.note(f"KILLED at {what}", task.unit)
                raise Killed
            task.kill_in -= 1

    # Tasks.

    def spawn(self, unit: str, machine: str, run: Callable[[], None]) -> Task:
        """Runs `run` in a greenlet of its own from now on."""
        task = Task(unit, machine, run, self._main)
        self.later(0, self._resume, task)
        return task

    def kill_task(self, task: Task) -> None:
        """Kills a task where it stands."""
        if task.killed or task.dead:
            return
        task.killed = True
        if task is not self._current:
            self._enter(task, Killed)

    def kill_on(self, machine: str) -> None:
        """Kills everything that runs on a machine."""
        for task in [t for t in self.tasks.values() if t.machine == machine]:
            self.kill_task(task)

    def _resume_task(self, task: Task) -> None:
        if not task.killed and not task.dead:
            self._enter(task)

    def _enter(self, task: Task, error: type[BaseException] | None = None) -> None:
        before = self._current
        self._current = task
        if task.stage is not None:
            set_stage(task.stage)
        try:
            if error is None:
                task.switch()
            else:
                task.throw(error)
        except Killed:
            pass
        finally:
            self._current = before

    # Juju.

    def _settle_juju(self) -> None:
        """Starts what is due in the model of Juju."""
        state = self.juju.state
        self._machines()
        for name in state.units:
            if name in self._dispatched or name in self.tasks:
                continue
            if self.juju.next_hook(self.now, name) is not None:
                self._dispatched.add(name)
                factor, until = self.slow.get(name, (1.0, 0.0))
                delay = (factor if self.now < until else 1.0) * self.schedule.slowness
                self.later(delay * 2 * self.random.random(), self._begin, name)
        due = self.juju.next_due(self.now)
        if due is not None and not self.now < self._timer <= due:
            self._timer = due
            self.later(due - self.now, self._ring)

    def _ring(self) -> None:
        for unit in self.juju.take_out(self.now):
            self.note("is out of Juju", unit)
            if unit in self.tasks:
                self.kill_task(self.tasks[unit])
        moved = self.juju.expire_leases(self.now)
        if moved:
            self.note("the leader's lease has lapsed", "juju")

    def _begin(self, unit: str) -> None:
        self._dispatched.discard(unit)
        if unit in self.tasks:
            return
        try:
            context = self.juju.start_hook(self.now, unit)
        except JujuError:
            # What was due is not due any more.
            return
        machine = self.units[unit].machine
        task = Task(unit, machine, lambda: self._hook(task, context), self._main)
        task.stage = self.stage(context)
        task.stage.on_step = lambda step: self._step(task, step)
        self._arm(task)
        self.tasks[unit] = task
        self.hooks += 1
        if self.trace is not None:
            self.note(f"hook {_told(context)}", unit)
        self._enter(task)

    def _arm(self, task: Task) -> None:
        for pauses, where in self.waiting_kills.pop(task.unit, ()):
            if where:
                task.commit_fault = where
            else:
                task.kill_in = pauses

    def stage(self, context: HookContext) -> Stage:
        """What a hook of the context's unit finds."""
        machine = self.juju.state.machines[self.units[context.unit].machine]
        server = self.cloud.servers[machine.id]
        world = {
            "LxdSocket": server.lxd,
            "Snap": server.snap,
            "Machine": server.files,
            "Database": server.database,
        }
        skew = self.skew.get(machine.id, 0.0)
        return Stage(context, world, lambda: self.now + skew, machine.zone, lambda: self.now)

    def _hook(self, task: Task, context: HookContext) -> None:
        outcome: HookOutcome = "killed"
        begun = self.now
        try:
            assert task.stage is not None
            self._run_hook(task.stage)
            outcome = self._commit(task, context)
        except Killed:
            outcome = self.juju.kill(self.now, context)
        except EXPECTED as error:
            self.note(f"  fails: {error}", task.unit)
            outcome = self.juju.fail(self.now, context, str(error))
        except Exception as error:  # noqa: BLE001 - what a charm fails with is judged below
            self._failed(task, context, error)
            outcome = "failed"
        finally:
            self._changed = True
            self.longest = max(self.longest, self.now - begun)
            if self.tasks.get(task.unit) is task:
                del self.tasks[task.unit]
        if self.trace is not None:
            self._note_end(task, context, outcome)
        self.on_commit(task, outcome)
        # The two refer to each other, and only a garbage collection would free them.
        task.stage = None

    def _failed(self, task: Task, context: HookContext, error: Exception) -> None:
        self.note(f"  fails: {error}", task.unit)
        self.errors[task.unit] = str(error)
        self.juju.fail(self.now, context, str(error))
        if not is_deliberate(error):
            raise Violation(CRASHES, f"{type(error).__name__}: {error}") from error

    def _step(self, task: Task, step: Step) -> None:
        task.step = step
        self.did[f"step: {type(step).__name__}"] += 1
        if self.trace is not None:
            self.note(f"  step: {step}", task.unit)
        for call in self.on_step:
            call(task, step)
        self.pause(0.0, str(type(step).__name__))

    def _commit(self, task: Task, context: HookContext) -> HookOutcome:
        self.pause(0.0, "the hook's end")
        fault = task.commit_fault
        if fault in ("before", "lost"):
            self.note("KILLED before the commit", task.unit)
            return self.juju.kill(self.now, context)
        outcome = self.juju.commit(self.now, context)
        unit = self.units.get(task.unit)
        run = context.run
        again = run.kind not in ("stop", "remove", "action", "exec")
        if fault == "after" and outcome == "committed" and unit is not None and again:
            self.note("KILLED after the commit", task.unit)
            unit.queued = run
        return outcome

    def _note_end(self, task: Task, context: HookContext, outcome: HookOutcome) -> None:
        unit = self.units.get(task.unit)
        if outcome == "committed":
            for (_, bag), changes in context.writes.relations.items():
                for key, value in changes.items():
                    self.note(f"  writes {bag} {key}={value}", task.unit)
        workload = f"{unit.workload.current}: {unit.workload.message}" if unit else "gone"
        self.note(f"  {outcome}; {workload}", task.unit)

    def close(self) -> None:
        """Ends everything that still runs."""
        self.on_commit = lambda _, __: None
        for task in list(self.tasks.values()):
            self.kill_task(task)

    # Machines.

    def _machines(self) -> None:
        """New machines start, each in its time; removed ones go."""
        stopping = [machine.id for machine in self.juju.machines_to_stop()]
        # The operator releases those that Juju left running.
        for machine in [*stopping, *self.juju.machines_left()]:
            if machine not in self._going:
                self._going.add(machine)
                self.later(1 + 60 * self.random.random(), self._machine_goes, machine)
        for machine in self.juju.machines_to_start():
            if machine.id not in self.cloud.servers:
                server = self.cloud.add(machine.id, f"m{machine.id}", address(machine.id))
                server.drivers |= {"ceph"}
                self.later(1 + 20 * self.random.random(), self._machine_up, machine.id)

    def _machine_goes(self, machine: str) -> None:
        self.juju.machine_destroyed(machine)
        server = self.cloud.servers.get(machine)
        if server is not None and not self.keeps(machine):
            self.note("machine destroyed", f"machine {machine}")
            self.on_loss()
            server.destroy()

    def _machine_up(self, machine: str) -> None:
        known = self.juju.state.machines.get(machine)
        if known is None or known.status != "pending":
            return
        self.juju.machine_up(self.now, machine, f"m{machine}", interfaces(machine))
        self.note("machine up", f"machine {machine}")


def interfaces(machine: str, where: str = "") -> list[Interface]:
    """A machine's only interface, with the address `where` if it is not the usual one."""
    mac = f"02:00:00:00:00:{int(machine):02x}"
    return [Interface("eth0", mac, "alpha", [f"{where or address(machine)}/16"])]


def address(machine: str) -> str:
    """A machine's address."""
    number = int(machine) + 1
    return f"10.0.{number // 250}.{number % 250}"


def _told(context: HookContext) -> str:
    run = context.run
    words = [run.name]
    if run.remote_unit:
        words.append(run.remote_unit)
    if run.departing_unit:
        words.append(f"(departing {run.departing_unit})")
    return " ".join(words)
