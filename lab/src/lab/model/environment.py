# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The JUJU_* variables of a hook."""

from __future__ import annotations

from lab.model.hooks import HookRun
from lab.model.state import State

_PROXIES = {
    "juju-http-proxy": "JUJU_CHARM_HTTP_PROXY",
    "juju-https-proxy": "JUJU_CHARM_HTTPS_PROXY",
    "juju-ftp-proxy": "JUJU_CHARM_FTP_PROXY",
    "juju-no-proxy": "JUJU_CHARM_NO_PROXY",
}
_LEGACY_PROXIES = ("http-proxy", "https-proxy", "ftp-proxy", "no-proxy")
"""Juju sets these for whole machines, and in a hook under the names that any program reads."""


def variables(state: State, run: HookRun) -> dict[str, str]:
    """A hook's variables, except paths and sockets, which only the agent knows."""
    unit = state.units[run.unit]
    machine = state.machines[unit.machine]
    values = {
        "JUJU_MODEL_NAME": state.model.name,
        "JUJU_MODEL_UUID": state.model.uuid,
        "JUJU_UNIT_NAME": unit.name,
        "JUJU_VERSION": state.model.version,
        "JUJU_MACHINE_ID": machine.id,
        "JUJU_PRINCIPAL_UNIT": "",
        "JUJU_API_ADDRESSES": "",
    }
    if machine.zone:
        values["JUJU_AVAILABILITY_ZONE"] = machine.zone
    for option, variable in _PROXIES.items():
        values[variable] = str(state.model.config.get(option, ""))
    for option in _LEGACY_PROXIES:
        if value := str(state.model.config.get(option, "")):
            variable = option.replace("-", "_")
            values |= {variable: value, variable.upper(): value}
    if run.kind == "action":
        values["JUJU_DISPATCH_PATH"] = f"actions/{run.name}"
        values["JUJU_HOOK_NAME"] = ""
    elif run.kind == "exec":
        values["JUJU_HOOK_NAME"] = ""
    else:
        values["JUJU_DISPATCH_PATH"] = f"hooks/{run.name}"
        values["JUJU_HOOK_NAME"] = run.name
    return {**values, **_relation(run), **_storage(state, run), **_rest(state, run)}


def _relation(run: HookRun) -> dict[str, str]:
    if run.relation_id is None:
        return {}
    values = {
        "JUJU_RELATION": run.endpoint,
        "JUJU_RELATION_ID": f"{run.endpoint}:{run.relation_id}",
        "JUJU_REMOTE_UNIT": run.remote_unit,
        "JUJU_REMOTE_APP": run.remote_app,
    }
    if run.departing_unit:
        values["JUJU_DEPARTING_UNIT"] = run.departing_unit
    return values


def _storage(state: State, run: HookRun) -> dict[str, str]:
    instance = state.storage.get(run.storage_id)
    if instance is None:
        return {}
    return {
        "JUJU_STORAGE_ID": instance.id,
        "JUJU_STORAGE_LOCATION": instance.location,
        "JUJU_STORAGE_KIND": instance.type,
    }


def _rest(state: State, run: HookRun) -> dict[str, str]:
    if run.task_id:
        return {
            "JUJU_ACTION_NAME": state.tasks[run.task_id].name,
            "JUJU_ACTION_UUID": run.task_id,
            "JUJU_ACTION_TAG": f"action-{run.task_id}",
        }
    if not run.secret_uri:
        return {}
    values = {"JUJU_SECRET_ID": run.secret_uri, "JUJU_SECRET_LABEL": ""}
    secret = state.secrets.get(run.secret_uri)
    if secret is not None:
        reader = secret.consumers.get(run.unit)
        owned = secret.owner in {run.unit, run.unit.partition("/")[0]}
        label = secret.label if owned or reader is None else reader.label
        values["JUJU_SECRET_LABEL"] = label
    if run.kind == "secret-remove":
        values["JUJU_SECRET_REVISION"] = str(run.secret_revision)
    return values
