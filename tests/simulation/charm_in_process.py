"""The charm as it is, `charm.py` included, on hook tools that are calls into the model of Juju.

What ops does between a charm and Juju's hook tools takes ten times as long as all the rest. Here a
few small objects stand for it: they have what the charm uses of ops and nothing else. A share of
the seeds runs on the real ops, see `charm_in_ops`.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import ops
from ops.hookcmds import Error as HookCommandError

import act
import charm
import juju_reading
from lab.model.context import HookContext
from lab.model.errors import HookToolError
from lab.model.hooks import HookRun
from options import Options
from steps import Step
from view import Events
from world import World

Handler = Callable[[Any], None]


@dataclass
class Stage:
    """What a charm that begins now finds: its hook's tools, and the world of its machine."""

    context: HookContext
    world: Mapping[str, Any]
    """By name of the class in `charm` that makes it: LxdSocket, Snap, Machine, Database."""
    clock: Callable[[], float]
    zone: str = ""
    now: Callable[[], float] = field(default=lambda: 0.0)
    """Juju's time, which no machine's clock moves."""
    on_step: Callable[[Step], None] = field(default=lambda _: None)
    """Called before each step is taken."""


class Named:
    """A unit or an application as ops has it."""

    def __init__(self, stage: Stage, name: str, *, app: bool) -> None:
        self.name = name
        self._stage = stage
        self._app = app

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return self.name

    def is_leader(self) -> bool:
        """As ops.Unit."""
        return self._stage.context.is_leader(self._stage.now())

    @property
    def status(self) -> ops.StatusBase:
        """As ops.Unit."""
        found = self._stage.context.status_get()
        return ops.StatusBase.from_name(found.current, found.message)

    @status.setter
    def status(self, value: ops.StatusBase) -> None:
        now = self._stage.now()
        self._stage.context.status_set(now, value.name, value.message, app=self._app)

    def set_ports(self, *ports: int) -> None:
        """As ops.Unit."""
        for port in ports:
            self._stage.context.open_port("tcp", port, port, [])

    def set_workload_version(self, version: str) -> None:
        """As ops.Unit."""
        self._stage.context.application_version_set(version)


class Databag(MutableMapping[str, str]):
    """One bag of the peer relation."""

    def __init__(self, context: HookContext, relation: int, owner: Named, *, app: bool) -> None:
        self._context = context
        self._relation = relation
        self._owner = owner
        self._app = app

    def _read(self) -> dict[str, str]:
        return self._context.relation_get(self._relation, self._owner.name, app=self._app)

    def __getitem__(self, key: str) -> str:
        return self._read()[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._context.relation_set({key: value}, self._relation, app=self._app)

    def __delitem__(self, key: str) -> None:
        self[key] = ""

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> Any:
        """All at once: each of them would be a request."""
        return self._read().items()


class Databags:
    """`relation.data`."""

    def __init__(self, context: HookContext, relation: int, app: Named) -> None:
        self._context = context
        self._relation = relation
        self._app = app

    def __getitem__(self, owner: Named) -> Databag:
        return Databag(self._context, self._relation, owner, app=owner is self._app)


class Relations:
    """`model.relations`. There is the peer relation alone: no Ceph."""

    def __init__(self, stage: Stage, app: Named) -> None:
        self._stage = stage
        self._app = app

    def __getitem__(self, endpoint: str) -> list[Any]:
        context = self._stage.context
        found: list[Any] = []
        for name in context.relation_ids(endpoint):
            number = int(name.partition(":")[2])
            # They are sorted.
            units = [Named(self._stage, u, app=False) for u in context.relation_list(number)]
            data = Databags(context, number, self._app)
            found.append(SimpleNamespace(id=number, app=self._app, units=units, data=data))
        return found


class Model:
    """What the charm uses of ops.Model."""

    def __init__(self, stage: Stage) -> None:
        context = stage.context
        self._stage = stage
        self.unit = Named(stage, context.unit, app=False)
        self.app = Named(stage, context.unit.partition("/")[0], app=True)
        self.resources = self
        self.relations = Relations(stage, self.app)

    @property
    def config(self) -> Mapping[str, Any]:
        """As ops.Model."""
        return self._stage.context.config_get()

    def get_relation(self, endpoint: str) -> Any:
        """As ops.Model."""
        return next(iter(self.relations[endpoint]), None)

    @property
    def storages(self) -> Mapping[str, list[Any]]:
        """As ops.Model: no unit has any."""
        return {charm.STORAGE: []}

    def get_binding(self, binding: str) -> Any:
        """As ops.Model."""
        try:
            told = self._stage.context.network_get(binding)
        except HookToolError as error:
            raise ops.ModelError(str(error)) from error
        bound = told["bind-addresses"][0]
        address = bound["addresses"][0]
        name, subnet = bound.get("interface-name", ""), address.get("cidr", "")
        nic = SimpleNamespace(name=name, subnet=subnet, address=address["value"])
        network = SimpleNamespace(bind_address=address["value"], interfaces=[nic])
        return SimpleNamespace(network=network)

    def fetch(self, name: str) -> Any:
        """As ops.Resources: none is attached."""
        raise ops.ModelError(f'ERROR could not download resource: resource "{name}" not found')


class Framework:
    """What the charm uses of ops.Framework."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.handlers: dict[str, list[Handler]] = {}

    def observe(self, event: str, handler: Handler) -> None:
        """As ops.Framework; an event is its hook's name."""
        self.handlers.setdefault(event, []).append(handler)


class EventNames:
    """`self.on`: an event is its hook's name."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._of_endpoints: dict[str, EventNames] = {}

    def __getattr__(self, name: str) -> str:
        # Each hook asks for all of them.
        found = self.__dict__[name] = self._prefix + name.replace("_", "-")
        return found

    def __getitem__(self, endpoint: str) -> EventNames:
        if endpoint not in self._of_endpoints:
            self._of_endpoints[endpoint] = EventNames(f"{endpoint}-")
        return self._of_endpoints[endpoint]


class _WithoutOps(ops.CharmBase):
    """Stands behind the charm in its bases, so that the charm's own __init__ ends here."""

    on = EventNames()  # pyright: ignore[reportAssignmentType]

    def __init__(self, framework: Framework) -> None:
        self.framework = framework  # pyright: ignore[reportAttributeAccessIssue]


class CharmInProcess(charm.LxdClusterCharm, _WithoutOps):
    """The charm; every method of its own is the real one."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        super().__init__(Framework(Model(stage)))  # pyright: ignore[reportArgumentType]

    def load_config(self, cls: Any, *args: Any, **more: Any) -> Any:
        """As ops.CharmBase."""
        values = self.stage.context.config_get()
        return options(values) if cls is Options else cls(*args, **more)


_OPTIONS: dict[str, Options] = {}


def options(values: Mapping[str, Any]) -> Options:
    """The options of a configuration; what was valid once is not checked again."""
    # True and 1 are the same to a dictionary, but are not written alike.
    key = repr(values)
    found = _OPTIONS.get(key)
    if found is None:
        more = {name.replace("-", "_"): value for name, value in sorted(values.items())}
        found = _OPTIONS[key] = Options(**more)
    return found


def _event(kind: type[Any]) -> Any:
    """An event that ops did not make."""
    return object.__new__(kind)


class Departed(ops.RelationDepartedEvent):
    """Somebody is leaving."""

    def __init__(self, stage: Stage, run: HookRun) -> None:
        self._departing = Named(stage, run.departing_unit, app=False)
        self.unit: Any = run.remote_unit
        units = set(stage.context.relation_list(run.relation_id))
        self.relation = SimpleNamespace(name=charm.PEERS, units=units)  # pyright: ignore[reportAttributeAccessIssue]

    @property
    def departing_unit(self) -> Any:
        """As ops.RelationDepartedEvent."""
        return self._departing


class Action(ops.ActionEvent):
    """An operator's request."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.params = stage.context.action_get()
        self.id = stage.context.run.task_id

    def set_results(self, results: dict[str, Any]) -> None:
        """As ops.ActionEvent."""
        self._stage.context.action_set({key: str(value) for key, value in results.items()})

    def fail(self, message: str = "") -> None:
        """As ops.ActionEvent."""
        self._stage.context.action_fail(message)

    def log(self, message: str) -> None:
        """As ops.ActionEvent."""
        self._stage.context.action_log(self._stage.now(), message)


class CollectedStatuses(ops.CollectStatusEvent):
    """What handlers say that the status should be."""

    def __init__(self) -> None:
        self.statuses: list[ops.StatusBase] = []

    def add_status(self, status: ops.StatusBase) -> None:
        """As ops.CollectStatusEvent."""
        self.statuses.append(status)


_EVENTS: dict[str, type[ops.EventBase]] = {
    "install": ops.InstallEvent,
    "start": ops.StartEvent,
    "stop": ops.StopEvent,
    "remove": ops.RemoveEvent,
    "config-changed": ops.ConfigChangedEvent,
    "upgrade-charm": ops.UpgradeCharmEvent,
    "update-status": ops.UpdateStatusEvent,
    "leader-elected": ops.LeaderElectedEvent,
    "relation-created": ops.RelationCreatedEvent,
    "relation-joined": ops.RelationJoinedEvent,
    "relation-changed": ops.RelationChangedEvent,
}


def run_hook(stage: Stage) -> None:
    """Runs the charm for the stage's hook, to its end or to the exception that ends it."""
    set_stage(stage)
    the_charm = CharmInProcess(stage)
    framework: Any = the_charm.framework
    run = stage.context.run
    name = f"{run.name}-action" if run.kind == "action" else run.name
    for handler in framework.handlers.get(name, ()):
        handler(_make_event(stage, run))
    _show_statuses(the_charm, framework)


def set_stage(stage: Stage) -> None:
    """Makes `stage` what the next charm that begins finds."""
    if stage.zone != _Now.zone:
        os.environ["JUJU_AVAILABILITY_ZONE"] = _Now.zone = stage.zone
    _Now.stage = stage


def _make_event(stage: Stage, run: HookRun) -> Any:
    if run.kind == "action":
        return Action(stage)
    if run.kind == "relation-departed":
        return Departed(stage, run)
    return _event(_EVENTS.get(run.kind, ops.HookEvent))


def _show_statuses(the_charm: CharmInProcess, framework: Framework) -> None:
    collections: list[tuple[str, Any]] = [("collect-unit-status", the_charm.unit)]
    if the_charm.unit.is_leader():
        collections.insert(0, ("collect-app-status", the_charm.app))
    for name, whose in collections:
        collected = CollectedStatuses()
        for handler in framework.handlers.get(name, ()):
            handler(collected)
        if collected.statuses:
            gravest: Any = ops.StatusBase._get_highest_priority  # pyright: ignore[reportPrivateUsage]
            whose.status = gravest(collected.statuses)


class _Now:
    """Whose charm is running. Hooks of several units overlap, one of them at a time goes on."""

    stage: Stage
    zone = "unknown"


def current() -> Stage:
    """What the charm that is running finds."""
    return _Now.stage


class _HookCommands:
    """What the charm uses of ops.hookcmds."""

    Error = HookCommandError

    @staticmethod
    def goal_state() -> Any:
        """As ops.hookcmds."""
        try:
            told = _Now.stage.context.goal_state()["units"]
        except HookToolError as error:
            raise HookCommandError(returncode=1, cmd=[], stderr=str(error)) from error
        units = {name: SimpleNamespace(status=goal["status"]) for name, goal in told.items()}
        return SimpleNamespace(units=units)

    @staticmethod
    def relation_get(number: int, *, unit: str) -> dict[str, str]:
        """As ops.hookcmds."""
        try:
            return _Now.stage.context.relation_get(number, unit)
        except HookToolError as error:
            raise HookCommandError(returncode=1, cmd=[], stderr=str(error)) from error


def install() -> None:
    """Puts the model's world into `charm` for the life of this process."""
    logging.getLogger().setLevel = lambda _: None  # pyright: ignore[reportAttributeAccessIssue]
    charm.hookcmds = _HookCommands  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    juju_reading.hookcmds = _HookCommands  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    charm.time = SimpleNamespace(time=_clock)  # pyright: ignore[reportAttributeAccessIssue]
    for name in ("LxdSocket", "Machine", "Database"):
        if hasattr(charm, name):
            setattr(charm, name, lambda name=name: _Now.stage.world[name])
    charm.snap.Snap = _snap  # pyright: ignore[reportAttributeAccessIssue]
    act.act = _act


def _clock() -> float:
    return _Now.stage.clock()


def _snap() -> Any:
    return _Now.stage.world["Snap"]


_REAL_ACT = act.act


def _act(step: Step, unit: str, world: World, events: Events) -> Events:
    _Now.stage.on_step(step)
    return _REAL_ACT(step, unit, world, events)
