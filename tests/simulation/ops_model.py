# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the charm uses of ops' model and framework, on calls into the model of Juju."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ops

from hooks.input_reader import STORAGE
from lab.model.context import HookContext
from lab.model.errors import HookToolError
from tests.simulation.stage import Stage

Handler = Callable[[Any], None]


class Named:
    """A unit or an application like ops'."""

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
    """One bag of the peer relation. As ops', it is read once and then has what was written to it.

    Each `relation.data[...]` is a new one, so it lives for less time than ops'.
    """

    def __init__(self, context: HookContext, relation: int, owner: Named, *, app: bool) -> None:
        self._context = context
        self._relation = relation
        self._owner = owner
        self._app = app
        self._data: dict[str, str] | None = None

    def _read(self) -> dict[str, str]:
        if self._data is None:
            owner = self._owner.name
            self._data = self._context.relation_get(self._relation, owner, app=self._app)
        return self._data

    def __getitem__(self, key: str) -> str:
        return self._read()[key]

    def __setitem__(self, key: str, value: str) -> None:
        self._context.relation_set({key: value}, self._relation, app=self._app)
        if value:
            self._read()[key] = value
        else:
            self._read().pop(key, None)

    def __delitem__(self, key: str) -> None:
        self[key] = ""

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def items(self) -> Any:
        """All at once: otherwise each would be a request."""
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
    """`model.relations`. It has only the peer relation: no Ceph."""

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
        self.relations = Relations(stage, self.app)

    @property
    def config(self) -> Mapping[str, Any]:
        """As ops.Model."""
        return self._stage.context.config_get()

    @property
    def resources(self) -> Model:
        """As ops.Model: see `fetch`."""
        return self

    def get_relation(self, endpoint: str) -> Any:
        """As ops.Model."""
        return next(iter(self.relations[endpoint]), None)

    @property
    def storages(self) -> Mapping[str, list[Any]]:
        """As ops.Model: no unit has any."""
        return {STORAGE: []}

    def get_binding(self, binding: str) -> Any:
        """As ops.Model."""
        try:
            binding_network = self._stage.context.network_get(binding)
        except HookToolError as error:
            raise ops.ModelError(str(error)) from error
        bound = binding_network["bind-addresses"][0]
        address = bound["addresses"][0]
        name, subnet = bound.get("interface-name", ""), address.get("cidr", "")
        nic = SimpleNamespace(name=name, subnet=subnet, address=address["value"])
        network = SimpleNamespace(bind_address=address["value"], interfaces=[nic])
        return SimpleNamespace(network=network)

    def fetch(self, name: str) -> Path:
        """As ops.Resources."""
        try:
            return Path(self._stage.context.resource(name).path)
        except HookToolError as error:
            raise ops.ModelError(f"ERROR {error}") from error


class Framework:
    """What the charm, and a library that is an `ops.Object` in it, use of ops.Framework."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._observed: dict[str, list[Handler]] = {}
        self._emitted = 0

    def observe(self, event: str | ops.BoundEvent, handler: Handler) -> None:
        """As ops.Framework; an event of Juju's is its hook's name."""
        name = event if isinstance(event, str) else _path(event.emitter.handle, event.event_kind)
        self._observed.setdefault(name, []).append(handler)

    def handlers(self, event: str) -> list[Handler]:
        """Those of one event, in the order in which they were named."""
        return self._observed.get(event, [])

    def register_type(self, *_: object) -> None:
        """As ops.Framework: no event is kept for a later hook."""

    def _track(self, _: ops.Object) -> None:
        """As ops.Framework."""

    def _next_event_key(self) -> str:
        """As ops.Framework."""
        self._emitted += 1
        return str(self._emitted)

    def _emit(self, event: ops.EventBase) -> None:
        """As ops.Framework: an event of a library's own."""
        for handler in self.handlers(_path(event.handle.parent, event.handle.kind)):
            handler(event)


def _path(emitter: ops.Handle | None, kind: str) -> str:
    return f"{emitter.path if emitter else ''}/{kind}"


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
