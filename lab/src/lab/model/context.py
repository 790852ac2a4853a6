# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Hook tools: what a hook may ask and write while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.model import addresses, databags, goals, leadership, ports, records, relations, secrets
from lab.model.charm import Value
from lab.model.commits import Writes
from lab.model.errors import HookToolError
from lab.model.hooks import HookRun
from lab.model.state import Grant, Port, Relation, Resource, State, StatusValue, Unit, UnitRelation

_SETTABLE = frozenset({"active", "blocked", "maintenance", "waiting"})


class HookContext:
    """One running hook's view of the model, and its writes so far.

    Writes stay here until `Juju.commit`, except those that Juju sends at once: statuses, log lines,
    the workload's version, the revision that a reader tracks. Refused requests raise
    `HookToolError`. Relation ids default to the hook's own relation.
    """

    def __init__(self, state: State, run: HookRun, serial: int) -> None:
        self.run = run
        self.unit = run.unit
        self.serial = serial
        self.writes = Writes()
        self.action_results: dict[str, str] = {}
        self.action_failure: str | None = None
        self.process: dict[str, Any] = {}
        self.reboot_wanted = ""
        """Empty, `later` (after the hook) or `now` (the hook is killed and run again)."""
        self._state = state
        self._read: dict[tuple[int, str], dict[str, str]] = {}
        unit = state.units[run.unit]
        self.config: dict[str, Value] = state.applications[unit.app].config
        """The configuration as it was when the hook began."""
        self.trust = state.applications[unit.app].trust
        self.address_version = state.machines[unit.machine].address_version

    # relation-ids, relation-list, relation-get, relation-set

    def relation_ids(self, endpoint: str) -> list[str]:
        """The endpoint's relations that the unit has joined, as `endpoint:number`."""
        unit = self._unit()
        return [
            f"{endpoint}:{relation_id}"
            for relation_id, local in unit.relations.items()
            if local.entered
            and not local.broken
            and relations.own_endpoint(self._state.relations[relation_id], unit.app).name
            == endpoint
        ]

    def relation_list(self, relation_id: int | None = None) -> list[str]:
        """Remote units whose relation-joined has begun and whose relation-departed has not."""
        relation, local = self._relation(relation_id)
        return databags.visible_units(relation, local, self.run)

    def relation_app(self, relation_id: int | None = None) -> str:
        """`relation-list --app`: the remote application; for peers the unit's own."""
        relation, _ = self._relation(relation_id)
        return relations.remote_app(relation, self._unit().app)

    def relation_get(
        self, relation_id: int | None = None, name: str | None = None, *, app: bool = False
    ) -> dict[str, str]:
        """A data bag. `name` is a unit's or, with `app`, an application's; None: the remote's.

        Own bags show what this hook has written. A remote unit's data is as fresh as the last hook
        about that unit, or fresher.
        """
        relation, local = self._relation(relation_id)
        unit = self._unit()
        name = name or databags.default_name(self.run, app=app)
        if app:
            name = name.partition("/")[0]
        if name == unit.name or (name == unit.app and leadership.holds(self._state, unit)):
            return databags.own(relation, name, self.writes.relations.get((relation.id, name), {}))
        return databags.remote(relation, local, self.run, name, self._read)

    def relation_set(
        self, values: Mapping[str, str], relation_id: int | None = None, *, app: bool = False
    ) -> None:
        """Write to the unit's own bag; with `app` to the application's (leader only).

        An empty value deletes the key.
        """
        relation, _ = self._relation(relation_id)
        unit = self._unit()
        if app:
            if not leadership.holds(self._state, unit):
                raise HookToolError("cannot write relation settings")
            self.writes.as_leader = True
        bag = unit.app if app else unit.name
        self.writes.relations.setdefault((relation.id, bag), {}).update(values)

    # config-get, is-leader, status-get, status-set

    def config_get(self) -> dict[str, Value]:
        """The configuration as it was when the hook began."""
        return dict(self.config)

    def is_leader(self, now: float) -> bool:
        """Whether the unit is the leader; true stays true for 30 s more."""
        return leadership.is_leader(self._state, now, self._unit())

    def status_set(self, now: float, current: str, message: str = "", *, app: bool = False) -> None:
        """Set the unit's status, or with `app` the application's, at once."""
        if current not in _SETTABLE:
            raise HookToolError(
                f'invalid status "{current}", expected one of [maintenance blocked waiting active]'
            )
        unit = self._unit()
        if not app:
            before = unit.workload
            same = (before.current, before.message) == (current, message)
            unit.workload = StatusValue(current, message, before.since if same else now)
            unit.status_set = True
            return
        if not leadership.is_leader(self._state, now, unit):
            raise HookToolError("this unit is not the leader")
        self._state.applications[unit.app].status = StatusValue(current, message, now)

    def status_get(self) -> StatusValue:
        """The unit's own status."""
        return self._unit().workload

    def app_status_get(self, now: float) -> dict[str, Any]:
        """JSON of `status-get --application --include-data`; only for the leader."""
        unit = self._unit()
        if not leadership.is_leader(self._state, now, unit):
            raise HookToolError("this unit is not the leader")
        return goals.application_status(self._state, unit.app)

    # network-get, goal-state, open-port, close-port, opened-ports

    def network_get(self, binding: str, relation_id: int | None = None) -> dict[str, Any]:
        """JSON of `network-get`, of a binding or of a relation's endpoint."""
        unit = self._unit()
        if relation_id is not None:
            relation, _ = self._relation(relation_id)
            binding = relations.own_endpoint(relation, unit.app).name
        return addresses.network_get(self._state, unit, binding)

    def goal_state(self) -> dict[str, Any]:
        """JSON of `goal-state`."""
        return goals.goal_state(self._state, self._unit())

    def open_port(self, protocol: str, first: int, last: int, endpoints: list[str]) -> None:
        """Open a range of ports, for some endpoints or (empty) for all."""
        opened = ports.ranges(protocol, first, last, endpoints)
        self.writes.ports = ports.with_opened(self._ports(), opened)

    def close_port(self, protocol: str, first: int, last: int, endpoints: list[str]) -> None:
        """Close a range of ports that was opened in exactly this way."""
        closed = ports.ranges(protocol, first, last, endpoints)
        self.writes.ports = [port for port in self._ports() if port not in closed]

    def opened_ports(self) -> list[str]:
        """Open ranges as Juju writes them: `8443/tcp`, `8000-8010/udp`, `icmp`."""
        return [ports.text(port) for port in self._ports()]

    # resource-get, storage-list, storage-get, storage-add

    def resource(self, name: str) -> Resource:
        """The resource; the tool fetches its file. Refused if none was ever attached."""
        resource = self._state.applications[self._unit().app].resources.get(name)
        if resource is None or resource.revision == 0:
            raise HookToolError(f'could not download resource: resource "{name}" not found')
        return resource

    def storage_list(self, name: str = "") -> list[str]:
        """Ids of the unit's storage, all or of one name.

        Juju lists what is not attached yet, too (HookContext.StorageTags).
        """
        return [
            instance.id
            for instance in self._state.storage.values()
            if instance.unit == self.unit and name in {"", instance.name}
        ]

    def storage_get(self, storage_id: str = "") -> dict[str, str]:
        """JSON of `storage-get`: kind and location."""
        instance = self._state.storage.get(storage_id or self.run.storage_id)
        if instance is None or instance.unit != self.unit:
            raise HookToolError(f'storage "{storage_id}" not found')
        if not instance.location:
            raise HookToolError(f'storage attachment "{instance.id}" not provisioned')
        return {"kind": instance.type, "location": instance.location}

    def storage_add(self, name: str, count: int) -> None:
        """Ask for more instances, by the application's directive."""
        if name not in self._state.applications[self._unit().app].storage:
            raise HookToolError(f'storage "{name}" is not allowed')
        self.writes.storage.append((name, count))

    # secret-*

    def secret_add(
        self,
        content: Mapping[str, str],
        *,
        owner: str = "application",
        label: str = "",
        description: str = "",
        expire: str = "",
        rotate: str = "",
    ) -> str:
        """Make a secret of the application (leader only) or of the unit; returns its URI."""
        unit = self._unit()
        if owner == "application":
            self._lead_for_secret(unit.app)
        uri = secrets.new_uri(self._state)
        details = secrets.Details(label, description, expire, rotate)
        owner_name = unit.app if owner == "application" else unit.name
        self.writes.secrets.append(secrets.Added(uri, owner_name, dict(content), details))
        return uri

    def secret_set(
        self,
        uri: str,
        content: Mapping[str, str] | None = None,
        *,
        label: str = "",
        description: str = "",
        expire: str = "",
        rotate: str = "",
    ) -> None:
        """Give an own secret a new revision, or new details."""
        owned = self._owned_secret(uri)
        details = secrets.Details(label, description, expire, rotate)
        new = dict(content) if content else None
        self.writes.secrets.append(secrets.Updated(owned, new, details))

    def secret_get(
        self, uri: str = "", *, label: str = "", refresh: bool = False, peek: bool = False
    ) -> dict[str, str]:
        """Content of a secret, of the revision that the unit tracks.

        The content includes what this hook has written to an own secret.
        """
        pending = secrets.pending_content(self.writes.secrets, uri, label)
        if pending is not None and (refresh or peek or uri not in self._state.secrets):
            return pending
        secret = secrets.find(self._state, self._unit(), uri, label)
        reading = secrets.Reading(label if uri else "", refresh=refresh, peek=peek)
        return secrets.read(self._state, self._unit(), secret, reading)

    def secret_info_get(self, uri: str = "", *, label: str = "") -> dict[str, Any]:
        """JSON of `secret-info-get`, for the owner."""
        secret = secrets.find(self._state, self._unit(), uri, label)
        self._owned_secret(secret.uri)
        return secrets.info(secret)

    def secret_ids(self) -> list[str]:
        """URIs of the unit's own secrets and, for the leader, of the application's."""
        unit = self._unit()
        owners = {unit.name, unit.app} if leadership.holds(self._state, unit) else {unit.name}
        return [
            secret.uri.removeprefix("secret:")
            for secret in self._state.secrets.values()
            if secret.owner in owners
        ]

    def secret_grant(self, uri: str, relation_id: int, *, unit: str = "") -> None:
        """Let the application on the other side of a relation, or one unit of it, read a secret."""
        owned = self._owned_secret(uri)
        owner = secrets.owner_of(self._state, self.writes.secrets, owned)
        secrets.check_grant(self._state, self._unit(), owner, relation_id)
        to = unit or relations.remote_app(self._state.relations[relation_id], self._unit().app)
        self.writes.secrets.append(secrets.Granted(owned, Grant(to, relation_id)))

    def secret_revoke(
        self, uri: str, *, relation_id: int | None = None, app: str = "", unit: str = ""
    ) -> None:
        """Revoke grants."""
        owned = self._owned_secret(uri)
        self.writes.secrets.append(secrets.Revoked(owned, relation_id, unit or app))

    def secret_remove(self, uri: str, *, revision: int | None = None) -> None:
        """Remove an own secret, or one revision of it."""
        self.writes.secrets.append(secrets.Removed(self._owned_secret(uri), revision))

    # action-*

    def action_get(self) -> dict[str, Any]:
        """The action's parameters."""
        if not self.run.task_id:
            raise HookToolError("not running an action")
        return self._state.tasks[self.run.task_id].params

    def action_set(self, values: Mapping[str, str]) -> None:
        """Add to the results; dotted keys make nested ones."""
        self.action_get()
        self.action_results.update(values)

    def action_log(self, now: float, message: str) -> None:
        """Send the operator a progress message of the action, at once."""
        self.action_get()
        self._state.tasks[self.run.task_id].log.append((now, message))

    def action_fail(self, message: str = "") -> None:
        """Let the action end as failed; the hook's writes are kept."""
        self.action_get()
        self.action_failure = (
            message or "action failed without reason given, check action for errors"
        )

    def process_result(self, return_code: int, stdout: str, stderr: str) -> None:
        """For the agent: the result of a task's process, set before commit or fail."""
        self.process = {"return-code": return_code}
        if stdout:
            self.process["stdout"] = stdout
        if stderr:
            self.process["stderr"] = stderr

    # the rest

    def application_version_set(self, version: str) -> None:
        """Set the workload's version, at once."""
        self._unit().version = version

    def juju_log(self, now: float, level: str, message: str) -> None:
        """Add a line to the model's log, at once."""
        records.log(self._state, now, self.unit, level, f"unit.{self.unit}.juju-log", message)

    def state_get(self) -> dict[str, str]:
        """The unit's own state at the controller."""
        if self.writes.charm_state is not None:
            return dict(self.writes.charm_state)
        return dict(self._unit().charm_state)

    def state_set(self, values: Mapping[str, str]) -> None:
        """Add to the unit's own state."""
        self.writes.charm_state = {**self.state_get(), **values}

    def state_delete(self, key: str) -> None:
        """Delete a key of the unit's own state."""
        state = self.state_get()
        state.pop(key, None)
        self.writes.charm_state = state

    def reboot(self, *, now: bool) -> None:
        """`juju-reboot [--now]`: see `reboot_wanted`."""
        if self.run.kind in ("action", "exec"):
            raise HookToolError("juju-reboot is not supported when running an action.")
        self.reboot_wanted = "now" if now else "later"

    def _unit(self) -> Unit:
        unit = self._state.units.get(self.unit)
        if unit is None:
            raise HookToolError(f'unit "{self.unit}" not found')
        return unit

    def _relation(self, relation_id: int | None) -> tuple[Relation, UnitRelation]:
        number = self.run.relation_id if relation_id is None else relation_id
        if number is None:
            raise HookToolError("no relation id specified")
        local = self._unit().relations.get(number)
        if local is None or not local.entered or local.broken:
            raise HookToolError("relation not found")
        return self._state.relations[number], local

    def _ports(self) -> list[Port]:
        return list(self._unit().ports if self.writes.ports is None else self.writes.ports)

    def _owned_secret(self, uri: str) -> str:
        """The full URI of a secret that this unit may change."""
        full = uri if uri.startswith("secret:") else f"secret:{uri}"
        owner = secrets.owner_of(self._state, self.writes.secrets, full)
        unit = self._unit()
        if owner == unit.app:
            self._lead_for_secret(full)
        elif owner != unit.name:
            raise HookToolError(f'secret "{full.removeprefix("secret:")}" not found')
        return full

    def _lead_for_secret(self, what: str) -> None:
        if not leadership.holds(self._state, self._unit()):
            raise HookToolError(f"{what}: permission denied: this unit is not the leader")
        self.writes.as_leader = True
