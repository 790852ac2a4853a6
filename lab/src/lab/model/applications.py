# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Applications: deployed, configured, refreshed, with more units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from lab.model import clock, leadership, machine_lifecycle, relations, storage
from lab.model.charm import CharmInfo, Option, Value
from lab.model.errors import JujuError
from lab.model.state import (
    DEFAULT_SPACE,
    Application,
    Resource,
    State,
    StatusValue,
    StorageDirective,
    Unit,
    UnitRelation,
)

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*")
# The values that Go's strconv.ParseBool takes.
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True, slots=True)
class Wishes:
    """What an operator may request with `juju deploy`."""

    config: Mapping[str, Value]
    bindings: Mapping[str, str]
    storage: Mapping[str, StorageDirective]
    resources: tuple[Resource, ...]
    to: tuple[str, ...]
    trust: bool
    constraints: str


def deploy(
    state: State, now: float, charm: CharmInfo, name: str, num_units: int, wishes: Wishes
) -> list[str]:
    """Deploy an application; returns its units' names. Raises JujuError and changes nothing."""
    if not _NAME.fullmatch(name):
        raise JujuError(f'invalid application name "{name}"')
    if name in state.applications:
        raise JujuError(f'cannot add application "{name}": application already exists')
    _check_placement(state, wishes.to)
    app = Application(
        name=name,
        charm=charm.url,
        settings=parse_settings(charm, wishes.config),
        bindings=_bindings(state, charm, _with_default(state, wishes.bindings)),
        storage=_directives(charm, wishes.storage),
        resources=_no_resources(charm),
        trust=wishes.trust,
        constraints=wishes.constraints,
        since=now,
    )
    for resource in wishes.resources:
        _put_resource(charm, app, resource)
    app.config = _effective(charm, app.settings)
    state.charms[charm.url] = charm
    state.applications[name] = app
    relations.create_peers(state, app)
    return add_units(state, now, name, num_units, wishes.to)


def add_units(
    state: State, now: float, app_name: str, num_units: int, to: tuple[str, ...]
) -> list[str]:
    """Add units; returns their names."""
    app = _application(state, app_name)
    if app.life != "alive":
        raise JujuError(f'cannot add unit to application "{app_name}": application is not alive')
    _check_placement(state, to)
    return [_add_unit(state, now, app, to[i] if i < len(to) else "") for i in range(num_units)]


def set_config(state: State, app_name: str, values: Mapping[str, Value]) -> None:
    """Set options; if one is refused, none is set."""
    app = _application(state, app_name)
    charm = state.charms[app.charm]
    app.settings = {**app.settings, **parse_settings(charm, values)}
    app.config = _effective(charm, app.settings)


def reset_config(state: State, app_name: str, keys: Sequence[str]) -> None:
    """Set options back to their defaults."""
    app = _application(state, app_name)
    charm = state.charms[app.charm]
    for key in keys:
        _option(charm, key)
    app.settings = {key: value for key, value in app.settings.items() if key not in keys}
    app.config = _effective(charm, app.settings)


def set_trust(state: State, app_name: str, *, trusted: bool) -> None:
    """Give or remove the application's access to the cloud's credential."""
    _application(state, app_name).trust = trusted


def attach_resource(state: State, app_name: str, resource: Resource) -> Resource:
    """Give a resource a new file; all units will get upgrade-charm."""
    app = _application(state, app_name)
    stored = _put_resource(state.charms[app.charm], app, resource)
    app.charm_version += 1
    return stored


def refresh(state: State, app_name: str, charm: CharmInfo, resources: Sequence[Resource]) -> None:
    """Replace the application's charm, and keep settings and files that still fit."""
    app = _application(state, app_name)
    if charm.name != state.charms[app.charm].name:
        raise JujuError(
            f'cannot upgrade application "{app_name}": charm "{charm.name}" is another charm'
        )
    resources_after = {**_no_resources(charm)}
    resources_after.update(
        {key: value for key, value in app.resources.items() if key in charm.resources}
    )
    renewed = replace(
        app,
        charm=charm.url,
        charm_version=app.charm_version + 1,
        resources=resources_after,
        storage={**_directives(charm, {}), **app.storage},
        settings={key: value for key, value in app.settings.items() if key in charm.options},
    )
    for resource in resources:
        _put_resource(charm, renewed, resource)
    renewed.config = _effective(charm, renewed.settings)
    state.charms[charm.url] = charm
    state.applications[app_name] = renewed
    relations.add_missing_peers(state, renewed)


def bind(state: State, app_name: str, bindings: Mapping[str, str], *, force: bool = False) -> None:
    """Put bindings into other spaces: the units get config-changed. Raises JujuError.

    A new default moves the bindings of the old default, and no others. Without `force` each unit's
    machine needs an address in the named spaces.
    """
    app = _application(state, app_name)
    full_bindings = _bindings(state, state.charms[app.charm], bindings)
    if not force:
        _check_spaces(state, app_name, set(full_bindings.values()))
    default = app.bindings.get("") or DEFAULT_SPACE
    apart = {name: space for name, space in app.bindings.items() if space != default}
    app.bindings = {"": default, **apart, **full_bindings}
    for machine in {unit.machine for unit in state.units.values() if unit.app == app_name}:
        state.machines[machine].address_version += 1


def _check_spaces(state: State, app_name: str, spaces: set[str]) -> None:
    for unit in state.units.values():
        machine = state.machines[unit.machine]
        machine_spaces = {i.space for i in machine.interfaces if i.addresses}
        if (
            unit.app == app_name
            and machine.status == "started"
            and (missing := spaces - machine_spaces)
        ):
            raise JujuError(f'unit "{unit.name}" not in space "{min(missing)}"')


def set_model_config(state: State, values: Mapping[str, Value]) -> None:
    """Set options of the model."""
    interval = values.get("update-status-hook-interval")
    if interval is not None:
        try:
            clock.span(str(interval))
        except ValueError as error:
            raise JujuError(f"invalid update status hook interval in model: {error}") from error
    parsed = dict(values)
    retries = values.get("automatically-retry-hooks")
    if retries is not None:
        option = Option("boolean")
        parsed["automatically-retry-hooks"] = _parse("automatically-retry-hooks", option, retries)
    state.model.config = {**state.model.config, **parsed}


def parse_settings(charm: CharmInfo, values: Mapping[str, Value]) -> dict[str, Value]:
    """Values by the options' types. Raises JujuError for an unknown option or a wrong type."""
    return {key: _parse(key, _option(charm, key), raw) for key, raw in values.items()}


def _option(charm: CharmInfo, key: str) -> Option:
    option = charm.options.get(key)
    if option is None:
        raise JujuError(f'unknown option "{key}"')
    return option


def _parse(key: str, option: Option, raw: Value) -> Value:
    try:
        return _PARSERS.get(option.type, _string)(raw)
    except ValueError:
        refused = f'option "{key}" expected {option.type}, got {_shown(raw)}'
        raise JujuError(refused) from None


def _boolean(raw: Value) -> bool:
    if isinstance(raw, bool):
        return raw
    if str(raw) not in _TRUE | _FALSE:
        raise ValueError
    return str(raw) in _TRUE


def _integer(raw: Value) -> int:
    # The text of a boolean is not a number.
    return int(str(raw))


def _float(raw: Value) -> float:
    if isinstance(raw, bool):
        raise ValueError  # noqa: TRY004 - like any other wrong value
    return float(raw)


def _string(raw: Value) -> str:
    if not isinstance(raw, str):
        raise ValueError  # noqa: TRY004 - like any other wrong value
    return raw


def _secret_uri(raw: Value) -> str:
    if not _string(raw).startswith("secret:"):
        raise ValueError
    return _string(raw)


_PARSERS: dict[str, Callable[[Value], Value]] = {
    "boolean": _boolean,
    "int": _integer,
    "float": _float,
    "secret": _secret_uri,
}
"""By an option's type: reads a value, and raises ValueError for one of another type."""


def _shown(raw: Value) -> str:
    return f'"{raw}"' if isinstance(raw, str) else str(raw)


def _effective(charm: CharmInfo, settings: Mapping[str, Value]) -> dict[str, Value]:
    defaults = {
        key: option.default for key, option in charm.options.items() if option.default is not None
    }
    return {**defaults, **settings}


def _application(state: State, name: str) -> Application:
    app = state.applications.get(name)
    if app is None:
        raise JujuError(f'application "{name}" not found')
    return app


def _check_placement(state: State, to: tuple[str, ...]) -> None:
    for machine in to:
        if machine not in state.machines:
            raise JujuError(f"machine {machine} not found")
        if state.machines[machine].status == "stopping":
            raise JujuError(f"machine {machine} is not alive")


def _with_default(state: State, bindings: Mapping[str, str]) -> dict[str, str]:
    """Bindings, with the model's own default for the missing ones."""
    space = str(state.model.config.get("default-space", ""))
    return {**({"": space} if space else {}), **bindings}


def _bindings(state: State, charm: CharmInfo, bindings: Mapping[str, str]) -> dict[str, str]:
    endpoints = charm.bindings()
    for binding, space in bindings.items():
        if binding and binding not in endpoints:
            raise JujuError(f'charm endpoint or binding "{binding}" not found')
        if space not in state.model.spaces:
            raise JujuError(f'space "{space}" not found')
    return dict(bindings)


def _directives(
    charm: CharmInfo, requests: Mapping[str, StorageDirective]
) -> dict[str, StorageDirective]:
    directives = {
        name: StorageDirective(storage.default_pool(spec.type), spec.minimum_size, spec.minimum)
        for name, spec in charm.storage.items()
    }
    for name, directive in requests.items():
        spec = charm.storage.get(name)
        if spec is None:
            raise JujuError(f'charm "{charm.name}" has no store called "{name}"')
        if spec.maximum is not None and directive.count > spec.maximum:
            raise JujuError(
                f'charm "{charm.name}" store "{name}": at most {spec.maximum} instances '
                f"supported, {directive.count} specified"
            )
        directives[name] = directive
    return directives


def _no_resources(charm: CharmInfo) -> dict[str, Resource]:
    return {
        name: Resource(name=name, filename=spec.filename) for name, spec in charm.resources.items()
    }


def _put_resource(charm: CharmInfo, app: Application, resource: Resource) -> Resource:
    if resource.name not in charm.resources:
        raise JujuError(f'resource "{resource.name}" not found')
    before = app.resources[resource.name]
    stored = replace(resource, revision=before.revision + 1, filename=before.filename)
    app.resources[resource.name] = stored
    return stored


def _add_unit(state: State, now: float, app: Application, machine_id: str) -> str:
    number = state.counters.units.get(app.name, 0)
    state.counters.units[app.name] = number + 1
    if not machine_id:
        machine_id = machine_lifecycle.add_machine(state, now, "", app.constraints)
    unit = Unit(
        name=f"{app.name}/{number}",
        app=app.name,
        number=number,
        machine=machine_id,
        workload=StatusValue("waiting", "waiting for machine", now),
        agent_since=now,
        relations={
            relation.id: UnitRelation()
            for relation in state.relations.values()
            if any(end.app == app.name for end in relation.ends)
        },
    )
    state.units[unit.name] = unit
    storage.create_for_unit(state, now, unit)
    if state.machines[machine_id].status == "started":
        unit.agent = "up"
        leadership.claim(state, now, unit)
    return unit.name
