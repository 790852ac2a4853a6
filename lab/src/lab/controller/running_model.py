# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A running model: its store, an agent for each machine, and the objects that answer requests."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab.controller.faults_on_demand import FaultsOnDemand
from lab.controller.host_provider import HostProvider
from lab.controller.machine_agent import MachineAgent
from lab.controller.model_store import ModelStore
from lab.controller.operator import Operator
from lab.controller.queries import Queries
from lab.controller.task_runner import TaskRunner
from lab.model.errors import JujuError

# Interval of the checks for expired leases and for new or removed machines; each change also starts
# one.
TEND_SECONDS = 1.0
JOIN_SECONDS = 15.0


class RunningModel:
    """A model whose agents work from the moment it is made."""

    def __init__(self, folder: Path, name: str, provider: HostProvider) -> None:
        self.store = ModelStore(folder, name, provider)
        self._agents: dict[str, MachineAgent] = {}
        self._rooms = (
            Operator(self.store),
            TaskRunner(self.store),
            Queries(self.store),
            FaultsOnDemand(self.store, self._agent),
        )
        self._tender = threading.Thread(target=self._tend, name=f"model {name}", daemon=True)
        self._tender.start()

    def answer(self, verb: str, arguments: dict[str, Any]) -> Any:
        """Answer a request: the verb `show-unit` is the public method show_unit of an object.

        Raises JujuError for what Juju refuses and for unknown verbs.
        """
        name = verb.replace("-", "_")
        for room in self._rooms:
            if not name.startswith("_") and hasattr(room, name):
                return getattr(room, name)(**arguments)
        raise JujuError(f'the controller knows no verb "{verb}"')

    def machines(self) -> list[str]:
        """The ids of its machines."""
        with self.store.looking() as juju:
            return list(juju.state.machines)

    def close(self) -> None:
        """End the agents. Running hooks are killed; machines keep running."""
        self.store.closing = True
        self.store.wake()
        self._tender.join(JOIN_SECONDS)
        for agent in self._agents.values():
            agent.hooks.abandon()
        for agent in self._agents.values():
            agent.join(JOIN_SECONDS)
        self.store.log.close()

    def destroy_machines(self) -> None:
        """Cut the power of every machine and remove it, all at once. Call it after close()."""
        with self.store.looking() as juju:
            left_machines = juju.machines_left()
        hosts = [self.store.host(machine) for machine in [*self.machines(), *left_machines]]
        with ThreadPoolExecutor() as pool:
            for future in [pool.submit(host.destroy) for host in hosts]:
                future.result()

    def remove_everything(self) -> None:
        """Begin to remove all applications and machines, including their hooks."""
        with self.store.changing() as juju:
            now = self.store.now()
            for app in list(juju.state.applications):
                juju.remove_application(now, app, destroy_storage=True)
            used = {unit.machine for unit in juju.state.units.values()}
            for machine in list(juju.state.machines):
                if machine not in used:
                    juju.remove_machine(now, machine)

    def _agent(self, machine: str) -> MachineAgent:
        agent = self._agents.get(machine)
        if agent is None:
            raise JujuError(f"machine {machine} has no agent")
        return agent

    def _tend(self) -> None:
        """Maintain the model for as long as it exists."""
        while not self.store.closing:
            try:
                self._let_time_go_by()
                self._staff()
            except Exception as error:  # noqa: BLE001 - it tries again, whatever it was
                self.store.say("controller-0", f"{error}", "ERROR")
            self.store.rest(TEND_SECONDS)

    def _let_time_go_by(self) -> None:
        """Expire leases, and remove units after `remove-unit --force`, when their time has come."""
        now = self.store.now()
        with self.store.looking() as juju:
            leases = [app.lease for app in juju.state.applications.values() if app.lease]
            moments = [lease.expires for lease in leases]
            moments += [unit.out_at for unit in juju.state.units.values()]
            due = any(moment is not None and moment <= now for moment in moments)
        if due:
            with self.store.changing() as juju:
                juju.take_out(self.store.now())
                juju.expire_leases(self.store.now())

    def _staff(self) -> None:
        """Give every machine its agent, and drop agents whose machine is gone."""
        for machine in [m for m, agent in self._agents.items() if not agent.is_alive()]:
            del self._agents[machine]
        for machine in self.machines():
            if machine not in self._agents:
                self._agents[machine] = MachineAgent(self.store, machine)
                self._agents[machine].start()
