# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju: the requests of the operator, the world and the agents to a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lab.model import (
    agents,
    applications,
    environment,
    leadership,
    machine_lifecycle,
    relations,
    removal,
    resolver,
    secrets,
    status,
    storage,
    tasks,
)
from lab.model.charm import CharmInfo, Value
from lab.model.context import HookContext
from lab.model.hooks import HookOutcome, HookRun
from lab.model.state import Interface, Machine, Resource, State, StorageDirective, StorageInstance


class Juju:
    """One Juju model. It keeps only its `state`, so that can be saved and loaded at any moment.

    `now` is in seconds since the epoch and never goes back. Requests that Juju refuses raise
    `JujuError` and change nothing.
    """

    def __init__(self, state: State) -> None:
        self.state = state

    # The operator.

    def deploy(
        self,
        now: float,
        charm: CharmInfo,
        app: str,
        num_units: int = 1,
        *,
        config: Mapping[str, Value] | None = None,
        bindings: Mapping[str, str] | None = None,
        storage: Mapping[str, StorageDirective] | None = None,
        resources: Sequence[Resource] = (),
        to: Sequence[str] = (),
        trust: bool = False,
        constraints: str = "",
    ) -> list[str]:
        """Deploy an application; returns its units' names.

        `bindings` maps endpoints to spaces; the empty name is the default. `to` names existing
        machines; more units than that get new machines. `resources` as for `attach_resource`,
        `constraints` as from `constraints.parse`.
        """
        return applications.deploy(
            self.state,
            now,
            charm,
            app,
            num_units,
            applications.Wishes(
                config or {},
                bindings or {},
                storage or {},
                tuple(resources),
                tuple(to),
                trust,
                constraints,
            ),
        )

    def add_units(
        self, now: float, app: str, num_units: int = 1, *, to: Sequence[str] = ()
    ) -> list[str]:
        """Add units; returns their names."""
        return applications.add_units(self.state, now, app, num_units, tuple(to))

    def remove_unit(
        self, now: float, unit: str, *, force: bool = False, destroy_storage: bool = False
    ) -> None:
        """Make a unit leave.

        With `force` none of its hooks run any more. Within 3 s it is out of Juju, together with its
        machine if that has no other units. The machine is not released: see `machines_left`.
        """
        removal.remove_unit(
            self.state, now, unit, destroy_storage=destroy_storage, force="unit" if force else ""
        )

    def remove_application(
        self, now: float, app: str, *, force: bool = False, destroy_storage: bool = False
    ) -> None:
        """Make an application and all its units leave."""
        removal.remove_application(
            self.state, now, app, destroy_storage=destroy_storage, force="unit" if force else ""
        )

    def set_config(self, app: str, values: Mapping[str, Value]) -> None:
        """Set options; strings are parsed by the option's type, as in the command line."""
        applications.set_config(self.state, app, values)

    def reset_config(self, app: str, keys: Sequence[str]) -> None:
        """Set options back to the charm's defaults."""
        applications.reset_config(self.state, app, keys)

    def bind(self, app: str, bindings: Mapping[str, str], *, force: bool = False) -> None:
        """`juju bind`: put endpoints into other spaces; the empty name is the default."""
        applications.bind(self.state, app, bindings, force=force)

    def set_trust(self, app: str, *, trusted: bool) -> None:
        """`juju trust`: the units get config-changed."""
        applications.set_trust(self.state, app, trusted=trusted)

    def attach_resource(self, app: str, resource: Resource) -> Resource:
        """Give a resource a new file; every unit gets upgrade-charm. Returns the resource."""
        return applications.attach_resource(self.state, app, resource)

    def refresh(self, app: str, charm: CharmInfo, resources: Sequence[Resource] = ()) -> None:
        """Replace the application's charm by another revision."""
        applications.refresh(self.state, app, charm, resources)

    def resolved(self, now: float, unit: str, *, retry: bool = True) -> None:
        """`juju resolved`: run the failed hook again now, or skip it."""
        agents.resolve(self.state, now, unit, retry=retry)

    def add_machine(self, now: float, *, zone: str = "", constraints: str = "") -> str:
        """Ask for a machine; returns its id. The world makes it and reports `machine_up`."""
        return machine_lifecycle.add_machine(self.state, now, zone, constraints)

    def remove_machine(self, now: float, machine: str, *, force: bool = False) -> None:
        """Remove a machine; with `force` together with its units.

        A hook that one of them runs continues. While their agents live, the hooks for their removal
        also run, for a minute.
        """
        removal.remove_machine(self.state, now, machine, force=force)

    def integrate(self, first: str, second: str) -> int:
        """Relate two applications (`app` or `app:endpoint`); returns the relation's id."""
        return relations.integrate(self.state, first, second)

    def remove_relation(self, first: str, second: str) -> None:
        """Remove a relation; its units get relation-departed and relation-broken."""
        relations.remove_relation(self.state, first, second)

    def set_model_config(self, values: Mapping[str, Value]) -> None:
        """Set model options.

        The model uses `update-status-hook-interval` (e.g. 5m), `automatically-retry-hooks`,
        `juju-http-proxy`, `juju-https-proxy`, `juju-no-proxy`, `http-proxy`, `https-proxy`,
        `no-proxy`, `logging-config`; it keeps others and ignores them.
        """
        applications.set_model_config(self.state, values)

    def reset_model_config(self, keys: Sequence[str]) -> None:
        """Set model options back to Juju's defaults."""
        settings = self.state.model.config.items()
        self.state.model.config = {key: value for key, value in settings if key not in keys}

    def add_secret(self, now: float, name: str, content: Mapping[str, str]) -> str:
        """Add an operator's secret; returns its URI."""
        return secrets.add_user_secret(self.state, now, name, content)

    def update_secret(self, now: float, secret: str, content: Mapping[str, str]) -> None:
        """Give an operator's secret (by name or URI) a new revision."""
        secrets.update_user_secret(self.state, now, secret, content)

    def grant_secret(self, secret: str, app: str) -> None:
        """Let an application read an operator's secret."""
        secrets.grant_user_secret(self.state, secret, app)

    def revoke_secret(self, secret: str, app: str) -> None:
        """Revoke `grant_secret`."""
        secrets.revoke_user_secret(self.state, secret, app)

    def remove_secret(self, secret: str) -> None:
        """Remove an operator's secret."""
        secrets.remove_user_secret(self.state, secret)

    def add_storage(
        self, now: float, unit: str, name: str, directive: StorageDirective
    ) -> list[str]:
        """Give a unit more storage; returns the instances' ids."""
        return storage.add_storage(self.state, now, unit, name, directive)

    def attach_storage(self, unit: str, storage_id: str) -> None:
        """Attach a detached storage instance to a unit."""
        storage.attach(self.state, unit, storage_id)

    def detach_storage(self, storage_id: str) -> None:
        """Detach a storage instance: its unit gets storage-detaching first."""
        storage.detach(self.state, storage_id)

    def run_action(
        self, now: float, unit: str, action: str, params: Mapping[str, Any] | None = None
    ) -> str:
        """Queue an action on a unit (`app/0` or `app/leader`); returns the task's id."""
        return tasks.run_action(self.state, now, unit, action, params or {})

    def exec_command(self, now: float, unit: str, command: str) -> str:
        """Queue a shell command on a unit, in a hook's environment; returns the task's id."""
        return tasks.exec_command(self.state, now, unit, command)

    def cancel_task(self, now: float, task_id: str) -> None:
        """Cancel a task that has not begun."""
        tasks.cancel(self.state, now, task_id)

    def resolve_unit(self, name: str) -> str:
        """The unit that a name means: `app/leader` is the holder of the lease."""
        return tasks.resolve_unit(self.state, name)

    # The world: machines, disks.

    def machines_to_start(self) -> list[Machine]:
        """Machines that must be made, and can be."""
        pending = [m for m in self.state.machines.values() if m.status == "pending"]
        return [m for m in pending if not machine_lifecycle.refusal(self.state, m)]

    def machines_to_stop(self) -> list[Machine]:
        """Machines that are no longer needed and must be destroyed."""
        return [m for m in self.state.machines.values() if m.status == "stopping"]

    def machines_left(self) -> list[str]:
        """Machines of units that were removed by force: they run, and Juju no longer has them."""
        return list(self.state.left_machines)

    def machine_released(self, machine: str) -> None:
        """Somebody has released one of `machines_left` in the cloud."""
        self.state.left_machines.remove(machine)

    def machine_up(
        self, now: float, machine: str, hostname: str, interfaces: Sequence[Interface]
    ) -> None:
        """A machine exists (or is back after `machine_lost`, without a reboot): its agents run."""
        machine_lifecycle.machine_up(self.state, now, machine, hostname, interfaces)

    def machine_rebooted(self, now: float, machine: str) -> None:
        """A machine is up again after a reboot: its units will get `start`."""
        machine_lifecycle.machine_rebooted(self.state, now, machine)

    def machine_addresses_changed(self, machine: str, interfaces: Sequence[Interface]) -> None:
        """A machine's current addresses: its units get config-changed if they differ."""
        machine_lifecycle.addresses_changed(self.state, machine, interfaces)

    def machine_lost(self, now: float, machine: str) -> None:
        """A machine is dead or cut off: the hooks of its agents are killed."""
        machine_lifecycle.machine_lost(self.state, now, machine)

    def machine_destroyed(self, machine: str) -> None:
        """A machine of `machines_to_stop` is gone."""
        machine_lifecycle.machine_destroyed(self.state, machine)

    def agent_lost(self, now: float, unit: str) -> None:
        """One unit's agent is dead or cut off; its hook is killed."""
        machine_lifecycle.agent_lost(self.state, now, unit)

    def agent_back(self, now: float, unit: str) -> None:
        """The unit's agent is back."""
        machine_lifecycle.agent_back(self.state, now, unit)

    def storage_to_provision(self) -> list[StorageInstance]:
        """Storage that is attached to units on started machines and must be made."""
        return storage.to_provision(self.state)

    def storage_provisioned(self, storage_id: str, location: str) -> None:
        """A storage instance exists: a mount point, or a block device."""
        storage.provisioned(self.state, storage_id, location)

    # The agents.

    def next_hook(self, now: float, unit: str) -> HookRun | None:
        """The hook that is due on a unit now; None when idle, busy, waiting or without an agent.

        Changes nothing. Also None while another unit on the same machine runs a hook.
        """
        return resolver.next_hook(self.state, now, unit)

    def start_hook(self, now: float, unit: str) -> HookContext:
        """Begin the hook that `next_hook` names. Raises JujuError when there is none."""
        return agents.start(self.state, now, unit)

    def environment(self, run: HookRun) -> dict[str, str]:
        """The JUJU_* variables of a hook, except those that only the agent knows.

        The agent adds JUJU_CHARM_DIR, CHARM_DIR, JUJU_AGENT_SOCKET_*, JUJU_CONTEXT_ID, PATH.
        """
        return environment.variables(self.state, run)

    def commit(self, now: float, context: HookContext) -> HookOutcome:
        """The hook exited with 0: all its writes become visible at once.

        Returns the result: `failed` when the controller refuses the writes (leadership was lost
        meanwhile; nothing is written), `killed` when the unit is gone or the hook was killed. An
        action or a command completes.
        """
        return agents.commit(self.state, now, context)

    def fail(self, now: float, context: HookContext, message: str = "exit status 1") -> HookOutcome:
        """The hook failed: nothing is written, the unit is in error, a retry comes.

        A failed action does not put the unit into error.
        """
        return agents.fail(self.state, now, context, message)

    def kill(self, now: float, context: HookContext) -> HookOutcome:
        """The agent died in the hook: nothing is written, and the same hook runs again.

        An action does not run again, it fails.
        """
        return agents.kill(self.state, now, context.unit, context.serial)

    def kill_running(self, now: float, unit: str) -> None:
        """Like `kill`, when the context is lost, too (the controller was restarted)."""
        agents.kill_running(self.state, now, unit)

    # Time.

    def expire_leases(self, now: float) -> list[str]:
        """Give expired leases to other units; returns the applications with a new leader."""
        return leadership.expire_leases(self.state, now)

    def take_out(self, now: float) -> list[str]:
        """Take units out of Juju that were removed by force, if it is time; their names."""
        return removal.take_out(self.state, now)

    def move_leadership(self, now: float, app: str, unit: str) -> None:
        """Give the lease to a unit at once, as if the old lease had expired."""
        leadership.move(self.state, now, app, unit)

    def deliver_lost_departures(self) -> None:
        """Tell the units now of departures that were kept back or dropped."""
        relations.deliver_lost_departures(self.state)
        removal.drop_finished_applications(self.state)

    def next_due(self, now: float) -> float | None:
        """When, after `now`, the clock alone makes something due; None: never."""
        return resolver.next_due(self.state, now)

    # Looking.

    def status(self, now: float) -> dict[str, Any]:
        """What `juju status --format json` prints."""
        return status.status(self.state, now)
