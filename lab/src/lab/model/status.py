# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The model as `juju status --format json` prints it."""

from __future__ import annotations

from typing import Any

from lab.model import addresses, goals, machine_lifecycle, ports, relations, storage
from lab.model.clock import status_time
from lab.model.state import (
    Application,
    Interface,
    Machine,
    State,
    StatusValue,
    StorageInstance,
    Unit,
)


def status(state: State, now: float) -> dict[str, Any]:
    """JSON of `juju status --format json`, in the shape that `jubilant` parses."""
    model = state.model
    document: dict[str, Any] = {
        "model": {
            "name": model.name,
            "type": "iaas",
            "controller": model.controller,
            "cloud": model.cloud,
            "region": model.region,
            "version": model.version,
            "model-status": _info(StatusValue("available", "", model.created)),
            "sla": "unsupported",
        },
        "machines": {m.id: _machine(state, m) for m in state.machines.values()},
        "applications": {app.name: _application(state, app) for app in state.applications.values()},
        "controller": {"timestamp": status_time(now)[12:]},
    }
    if state.storage:
        document["storage"] = _storage(state)
    return document


def _info(value: StatusValue, **more: str) -> dict[str, str]:
    entry = {"current": value.current, "since": status_time(value.since), **more}
    if value.message:
        entry["message"] = value.message
    return entry


def _machine(state: State, machine: Machine) -> dict[str, Any]:
    agent = {"pending": "pending", "started": "started", "down": "down", "stopping": "stopped"}
    running = {"pending": "pending", "started": "running", "down": "running"}
    hardware = "arch=amd64 cores=1 mem=1024M"
    if machine.zone:
        hardware += f" availability-zone={machine.zone}"
    ip_addresses = addresses.all_addresses(machine.interfaces)
    entry: dict[str, Any] = {
        "juju-status": _info(StatusValue(agent[machine.status], "", machine.since)),
        "hostname": machine.hostname,
        "dns-name": addresses.first_address(machine.interfaces),
        "ip-addresses": ip_addresses,
        "instance-id": machine.hostname or "pending",
        "display-name": machine.hostname,
        "machine-status": _info(
            StatusValue(running.get(machine.status, "stopping"), "", machine.since)
        ),
        "modification-status": _info(StatusValue("idle", "", machine.since)),
        "base": {"name": machine.base_name, "channel": machine.base_channel},
        "network-interfaces": {i.name: _interface(i) for i in machine.interfaces},
        "constraints": machine.constraints,
        "hardware": hardware,
    }
    refused = machine_lifecycle.refusal(state, machine) if machine.status == "pending" else ""
    if refused:
        error = StatusValue("provisioning error", refused, machine.since)
        entry["machine-status"] = _info(error)
    if machine.status == "down":
        entry["juju-status"]["message"] = "agent is not communicating with the server"
    return entry


def _interface(interface: Interface) -> dict[str, Any]:
    return {
        "ip-addresses": addresses.all_addresses([interface]),
        "mac-address": interface.mac,
        "space": interface.space,
        "is-up": True,
    }


def _application(state: State, app: Application) -> dict[str, Any]:
    charm = state.charms[app.charm]
    units = [unit for unit in state.units.values() if unit.app == app.name]
    entry: dict[str, Any] = {
        "charm": app.charm,
        "base": {"name": charm.base_name, "channel": charm.base_channel},
        "charm-origin": "local",
        "charm-name": charm.name,
        "charm-rev": charm.revision,
        "exposed": app.exposed,
        "application-status": _info(goals.derived_status(state, app)),
        "relations": _relations(state, app),
        "units": {unit.name: _unit(state, unit) for unit in units},
        "endpoint-bindings": {
            binding: addresses.space_of(app, binding) for binding in ["", *charm.bindings()]
        },
    }
    version = next((unit.version for unit in reversed(units) if unit.version), "")
    if version:
        entry["version"] = version
    if app.life != "alive":
        entry["life"] = app.life
    return entry


def _relations(state: State, app: Application) -> dict[str, Any]:
    by_endpoint: dict[str, list[dict[str, str]]] = {}
    for relation in state.relations.values():
        for end in relation.ends:
            if end.app == app.name:
                by_endpoint.setdefault(end.endpoint.name, []).append(
                    {
                        "related-application": relations.remote_app(relation, app.name),
                        "interface": end.endpoint.interface,
                        "scope": "global",
                    }
                )
    return by_endpoint


def _unit(state: State, unit: Unit) -> dict[str, Any]:
    machine = state.machines[unit.machine]
    app = state.applications[unit.app]
    workload, agent = _unit_statuses(unit)
    entry: dict[str, Any] = {
        "workload-status": _info(workload),
        "juju-status": _info(agent, version=state.model.version),
        "machine": unit.machine,
        "public-address": addresses.first_address(machine.interfaces),
    }
    if unit.life != "alive":
        entry["juju-status"]["life"] = unit.life
    if unit.ports:
        entry["open-ports"] = [ports.text(port) for port in unit.ports]
    if app.lease is not None and app.lease.holder == unit.name:
        entry["leader"] = True
    if unit.charm not in {"", app.charm}:
        entry["upgrading-from"] = unit.charm
    return entry


def _unit_statuses(unit: Unit) -> tuple[StatusValue, StatusValue]:
    """The workload's status and the agent's.

    Juju takes some minutes to call a quiet agent lost; the model does it at once.
    """
    since = unit.agent_since
    if unit.agent == "down":
        lost = StatusValue("lost", "agent is not communicating with the server", since)
        log = f"agent lost, see 'juju show-status-log {unit.name}'"
        return StatusValue("unknown", log, since), lost
    if unit.agent == "allocating":
        return unit.workload, StatusValue("allocating", "", since)
    if unit.running is None:
        return goals.shown_status(unit), StatusValue("idle", "", since)
    run = unit.running.run
    message = {
        "action": f"running action {run.name}",
        "exec": "running commands",
    }.get(run.kind, f"running {run.name} hook")
    agent = StatusValue("executing", message, unit.running.started)
    if run.kind == "update-status":
        # Juju does not record that it runs this hook.
        agent = StatusValue("idle", "", since)
    return goals.shown_status(unit), agent


def _storage(state: State) -> dict[str, Any]:
    return {
        "storage": {i.id: _instance(state, i) for i in state.storage.values()},
        "filesystems": {},
        "volumes": {},
    }


def _instance(state: State, instance: StorageInstance) -> dict[str, Any]:
    current = "pending"
    if instance.location:
        current = "attached" if instance.unit else "detached"
    entry: dict[str, Any] = {
        "kind": instance.type,
        "life": instance.life,
        "status": _info(StatusValue(current, "", instance.since)),
        "persistent": storage.is_persistent(instance),
    }
    unit = state.units.get(instance.unit)
    if unit is not None:
        attachment = {
            "machine": unit.machine,
            "location": instance.location,
            "life": instance.life,
        }
        entry["attachments"] = {"units": {unit.name: attachment}}
    return entry
