# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A model's state in the format of `juju ... --format json`; the model itself makes the status."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from lab.model.errors import JujuError
from lab.model.juju import Juju
from lab.model.state import Application, Relation, Secret, State, Unit

Json = dict[str, Any]
# Options of a model that are shown even if they are not set: the ones that the lab uses.
MODEL_DEFAULTS: Json = {"automatically-retry-hooks": True, "update-status-hook-interval": "5m"}
CONTROLLER_UUID = "00000000-0000-4000-8000-000000000000"


def _iso(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def _app(state: State, name: str) -> Application:
    application = state.applications.get(name)
    if application is None:
        raise JujuError(f'application "{name}" not found')
    return application


def config(juju: Juju, app: str) -> Json:
    """`juju config APP`."""
    application = _app(juju.state, app)
    charm = juju.state.charms[application.charm]
    settings: Json = {}
    for name, option in sorted(charm.options.items()):
        value = application.settings.get(name, option.default)
        entry: Json = {"description": option.description, "type": option.type}
        if option.default is not None:
            entry["default"] = option.default
        if value is not None:
            entry["value"] = value
        entry["source"] = "user" if name in application.settings else "default"
        if value is None:
            entry["source"] = "unset"
        settings[name] = entry
    trust: Json = {
        "default": False,
        "description": "Does this application have access to trusted credentials",
        "source": "user" if application.trust else "default",
        "type": "bool",
        "value": application.trust,
    }
    return {
        "application": app,
        "application-config": {"trust": trust},
        "charm": charm.name,
        "settings": settings,
    }


def actions(juju: Juju, app: str) -> Json:
    """`juju actions APP --schema`."""
    charm = juju.state.charms[_app(juju.state, app).charm]
    return {
        name: {
            "description": action.description,
            "properties": action.params,
            "required": action.required,
            "additionalProperties": action.additional_properties,
        }
        for name, action in sorted(charm.actions.items())
    }


def model_config(juju: Juju) -> Json:
    """`juju model-config`."""
    config = juju.state.model.config
    return {
        key: {"Value": value, "Source": "model" if key in config else "default"}
        for key, value in sorted({**MODEL_DEFAULTS, **config}.items())
    }


def show_model(juju: Juju) -> Json:
    """`juju show-model`."""
    model = juju.state.model
    status: Json = {"current": "available", "since": _iso(model.created)}
    return {
        model.name: {
            "name": f"admin/{model.name}",
            "short-name": model.name,
            "model-uuid": model.uuid,
            "model-type": "iaas",
            "controller-uuid": CONTROLLER_UUID,
            "controller-name": model.controller,
            "is-controller": False,
            "owner": "admin",
            "cloud": model.cloud,
            "region": model.region,
            "type": "lab",
            "life": "alive",
            "status": status,
            "users": {"admin": {"access": "admin", "last-connection": "just now"}},
            "machines": {machine: {"cores": 1} for machine in juju.state.machines},
            "agent-version": model.version,
        }
    }


def show_units(juju: Juju, names: Sequence[str], now: float) -> Json:
    """`juju show-unit`."""
    status = juju.status(now)
    entries: Json = {}
    for given in names:
        name = juju.resolve_unit(given)
        unit = juju.state.units[name]
        row = status["applications"][unit.app]["units"][name]
        app = juju.state.applications[unit.app]
        entries[name] = {
            "machine": unit.machine,
            "opened-ports": row.get("open-ports", []),
            "public-address": row.get("public-address", ""),
            "charm": app.charm,
            "leader": row.get("leader", False),
            "life": unit.life,
            "workload-version": unit.version,
            "relation-info": _relation_info(juju.state, unit),
        }
    return entries


def _relation_info(state: State, unit: Unit) -> list[Json]:
    return [
        _one_relation(state, relation, unit)
        for relation in state.relations.values()
        if any(end.app == unit.app for end in relation.ends)
    ]


def _one_relation(state: State, relation: Relation, unit: Unit) -> Json:
    own_end = next(end for end in relation.ends if end.app == unit.app)
    remote_end = next((end for end in relation.ends if end is not own_end), own_end)
    data = relation.data
    remote = [
        name
        for name, unit_state in state.units.items()
        if unit_state.app == remote_end.app and name != unit.name and name in data
    ]
    return {
        "relation-id": relation.id,
        "endpoint": own_end.endpoint.name,
        "related-endpoint": remote_end.endpoint.name,
        "application-data": dict(data.get(remote_end.app, {})),
        "local-unit": {
            "in-scope": unit.name in relation.members,
            "data": dict(data.get(unit.name, {})),
        },
        "related-units": {
            name: {"in-scope": name in relation.members, "data": dict(data[name])}
            for name in remote
        },
    }


def show_applications(juju: Juju, names: Sequence[str]) -> Json:
    """`juju show-application`."""
    entries: Json = {}
    for name in names:
        app = _app(juju.state, name)
        charm = juju.state.charms[app.charm]
        entries[name] = {
            "charm": charm.name,
            "base": f"{charm.base_name}@{charm.base_channel}",
            "principal": True,
            "exposed": app.exposed,
            "remote": False,
            "life": app.life,
            "endpoint-bindings": dict(app.bindings),
            "units": {u.name: {} for u in juju.state.units.values() if u.app == name},
        }
    return entries


def resources(juju: Juju, app: str) -> list[Json]:
    """`juju resources APP`."""
    return [
        {
            "name": resource.name,
            "application": app,
            "origin": "upload" if resource.revision else "none",
            "revision": resource.revision,
            "size": resource.size,
            "fingerprint": resource.fingerprint,
        }
        for resource in _app(juju.state, app).resources.values()
    ]


def secrets(juju: Juju, owner: str | None) -> Json:
    """`juju secrets`."""
    return {
        _bare(secret.uri): _secret(secret)
        for secret in juju.state.secrets.values()
        if owner is None or owner.removeprefix("application-") == secret.owner
    }


def show_secret(juju: Juju, identifier: str, reveal: bool, revision: int | None) -> Json:
    """`juju show-secret`."""
    for secret in juju.state.secrets.values():
        if identifier in (secret.uri, _bare(secret.uri), secret.name):
            break
    else:
        raise JujuError(f'secret "{identifier}" not found')
    entry = _secret(secret)
    number = revision or secret.latest
    if number not in secret.revisions:
        raise JujuError(f'secret "{identifier}" revision {number} not found')
    entry["revisions"] = [
        {
            "revision": n,
            "backend": "internal",
            "created": _iso(one.created),
            "updated": _iso(one.created),
        }
        for n, one in secret.revisions.items()
    ]
    if reveal:
        entry["content"] = {"Data": dict(secret.revisions[number].content)}
    return {_bare(secret.uri): entry}


def _bare(uri: str) -> str:
    return uri.removeprefix("secret:")


def _secret(secret: Secret) -> Json:
    first = min(revision.created for revision in secret.revisions.values())
    last = max(revision.created for revision in secret.revisions.values())
    entry: Json = {
        "revision": secret.latest,
        "owner": secret.owner or "<model>",
        "created": _iso(first),
        "updated": _iso(last),
        "access": [
            {
                "target": grant.to,
                "scope": "model" if grant.relation_id is None else "relation",
                "role": "view",
            }
            for grant in secret.grants
        ],
    }
    for key, value in (("name", secret.name), ("label", secret.label)):
        if value:
            entry[key] = value
    if secret.description:
        entry["description"] = secret.description
    return entry
