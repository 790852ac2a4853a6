# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""`juju status` as text, from the same answer that `--format json` prints."""

from __future__ import annotations

from typing import Any

from lab.cli.output import table

Json = dict[str, Any]


def status_text(status: Json, colour: bool, relations: bool, storage: bool) -> str:
    """Model, applications, units and machines in juju's layout; the last two on request."""
    parts = [_model(status)]
    if status["applications"]:
        parts.append(table(_app_rows(status["applications"]), colour))
        units = _unit_rows(status["applications"])
        if len(units) > 1:
            parts.append(table(units, colour))
    if status["machines"]:
        parts.append(machines_text(status["machines"], colour))
    if not status["applications"] and not status["machines"]:
        parts.append(f'Model "{status["model"]["name"]}" is empty.\n')
    if relations and (rows := _relation_rows(status["applications"])):
        parts.append(table(rows))
    if storage and (rows := _storage_rows(status.get("storage", {}))):
        parts.append(table(rows, colour))
    return "\n".join(parts)


def _model(status: Json) -> str:
    model = status["model"]
    cloud = model["cloud"] + (f"/{model['region']}" if model.get("region") else "")
    head = ["Model", "Controller", "Cloud/Region", "Version", "Timestamp"]
    row = [model["name"], model["controller"], cloud, model["version"]]
    row.append(status.get("controller", {}).get("timestamp", ""))
    return table([head, row])


def _app_rows(apps: Json) -> list[list[str]]:
    rows = [["App", "Version", "Status", "Scale", "Charm", "Channel", "Rev", "Exposed", "Message"]]
    for name, app in sorted(apps.items()):
        state = app.get("application-status", {})
        alive = [unit for unit in app.get("units", {}).values() if not _dying(unit)]
        scale = app.get("scale") or len(alive)
        active = sum(u["workload-status"]["current"] == "active" for u in alive)
        rows.append(
            [
                name,
                app.get("version", ""),
                state.get("current", ""),
                str(scale) if active == scale else f"{active}/{scale}",
                app["charm-name"],
                app.get("charm-channel", ""),
                str(app["charm-rev"]),
                "yes" if app["exposed"] else "no",
                state.get("message", ""),
            ]
        )
    return rows


def _unit_rows(apps: Json) -> list[list[str]]:
    rows = [["Unit", "Workload", "Agent", "Machine", "Public address", "Ports", "Message"]]
    units = [(name, unit) for app in apps.values() for name, unit in app.get("units", {}).items()]
    for name, unit in sorted(units, key=lambda item: _unit_key(item[0])):
        workload, agent = unit["workload-status"], unit["juju-status"]
        message = workload.get("message", "")
        if agent.get("message"):
            message = f"({agent['message']}) {message}".rstrip()
        rows.append(
            [
                name + ("*" if unit.get("leader") else ""),
                workload["current"],
                agent["current"],
                unit.get("machine", ""),
                unit.get("public-address", ""),
                ",".join(unit.get("open-ports", [])),
                message,
            ]
        )
    return rows


def _dying(unit: Json) -> bool:
    return bool(unit.get("juju-status", {}).get("life"))


def _unit_key(name: str) -> tuple[str, int]:
    app, _, number = name.rpartition("/")
    return app, int(number)


def _machine_rows(machines: Json) -> list[list[str]]:
    rows = [["Machine", "State", "Address", "Inst id", "Base", "AZ", "Message"]]
    for name, machine in sorted(machines.items(), key=lambda item: int(item[0])):
        base: Json = machine.get("base") or {}
        hardware = dict(
            word.split("=", 1) for word in machine.get("hardware", "").split() if "=" in word
        )
        rows.append(
            [
                name,
                machine.get("juju-status", {}).get("current", ""),
                machine.get("dns-name", ""),
                machine.get("instance-id", ""),
                f"{base['name']}@{base['channel'].split('/')[0]}" if base else "",
                hardware.get("availability-zone", ""),
                machine.get("machine-status", {}).get("message", ""),
            ]
        )
    return rows


def machines_text(machines: Json, colour: bool = False) -> str:
    """The table of machines."""
    return table(_machine_rows(machines), colour)


def _relation_rows(apps: Json) -> list[list[str]]:
    rows = [["Integration", "Related", "Interface", "Scope"]]
    for name, app in sorted(apps.items()):
        for endpoint, related in sorted(app.get("relations", {}).items()):
            for relation in related:
                remote_app = relation["related-application"]
                rows.append(
                    [f"{name}:{endpoint}", remote_app, relation["interface"], relation["scope"]]
                )
    return rows if len(rows) > 1 else []


def _storage_rows(storage: Json) -> list[list[str]]:
    rows = [["Storage Unit", "Storage ID", "Type", "Mountpoint", "Status", "Message"]]
    for name, entry in sorted(storage.get("storage", {}).items()):
        attached: Json = entry.get("attachments", {}).get("units", {}) or {"": {}}
        for unit, attachment in sorted(attached.items()):
            state = entry["status"]
            location = attachment.get("location", "")
            row = [unit, name, entry["kind"], location, state["current"], state.get("message", "")]
            rows.append(row)
    return rows if len(rows) > 1 else []
