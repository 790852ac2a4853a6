# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the charm before the cluster's identity left: in LXD, on machines, in databags."""

from __future__ import annotations

import json
from typing import Any

from act import token_sealing
from act.forming import purpose
from lxd.http import Request
from records import join_lock, loss_record
from state.notes import IDENTITY, PROJECT
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import cluster_api, notes, the_cluster

VERSION = "1"
_KEYS = "user.lxd-cluster."
"""The prefix of the default project's keys that were its notes."""
_FIRST = {
    "unit": {
        *("version", "name", "address", "key", "lxd", "revision", "able", "attempt"),
        *("cluster", "storage", "snap", "token", "refused"),
    },
    "app": {"version", "bootstrap", "cluster", "storage", "queue"},
    "token": {"unit", "attempt", "sealed", "made"},
}
"""The first charm's data. It ignored all else, and had no notes."""
_SINCE = {"fingerprint", "package", "arch", "channel", "silent", "lost"}
"""Keys that the last charm before the identity did not write either."""


def made_by_older_charm(app: ModelApp, *, first: bool) -> ModelApp:
    """The cluster is one of the first charm, or of the last before the identity."""
    fingerprint = the_cluster(app).fingerprint
    kept = {} if first else _older(notes(app))
    _take_notes_away(app)
    project = the_cluster(app).projects["default"]
    config = {**project.config, **{_KEYS + name: value for name, value in kept.items()}}
    body = {"description": project.description, "config": config}
    _send(app, Request("PUT", "/1.0/projects/default", body=body))
    for name, unit in app.units.items():
        unit.machine.identity_ = ""
        unit.machine.units_ = {}
        app.databags[name] = _databag(app, name, fingerprint, first=first)
    app.app_data = _as_before(app.app_data, "app", first=first)
    if "cluster" in app.app_data:
        app.app_data["cluster"] = json.dumps(fingerprint)
    return app


def _older(values: dict[str, str]) -> dict[str, str]:
    """The notes as keys of the default project."""
    kept = {
        name: value
        for name, value in values.items()
        if name.startswith(("leaving.", "ran.", "unit."))
    }
    # Its records had no address.
    kept |= {k: " ".join(v.split()[:2]) for k, v in kept.items() if k.startswith("unit.")}
    if (lock := join_lock.read(values)) is not None:
        kept[join_lock.OLDER] = str(lock)
    if gone := loss_record.read(values):
        kept[loss_record.OLDER] = json.dumps(gone)
    return kept


def _take_notes_away(app: ModelApp) -> None:
    api = cluster_api(app)
    api.notes.write(dict.fromkeys(notes(app), ""))
    _send(app, Request("DELETE", f"/1.0/projects/{PROJECT}"))
    assert IDENTITY not in api.notes.read()


def _send(app: ModelApp, request: Request) -> None:
    records = the_cluster(app)
    port = next(s.lxd for s in app.cloud.holding(records) if s.silence() is None)
    response = port.send(request, 60.0)
    assert not response.error, response.error


def _databag(app: ModelApp, name: str, fingerprint: str, *, first: bool) -> dict[str, str]:
    found = _as_before(app.databags[name], "unit", first=first)
    if "cluster" in found:
        found["cluster"] = json.dumps(fingerprint)
    if "token" in found:
        found["token"] = json.dumps(_token(app, json.loads(found["token"]), first=first))
    return found


def _as_before(databag: dict[str, str], kind: str, *, first: bool) -> dict[str, str]:
    kept = {
        key: value
        for key, value in databag.items()
        if (key in _FIRST[kind] if first else key not in _SINCE)
    }
    return {**kept, "version": VERSION}


def _token(app: ModelApp, token: dict[str, Any], *, first: bool) -> dict[str, Any]:
    """A token whose message was only LXD's own, and named no cluster."""
    unit = token["unit"]
    if unit in app.units and (key := app.units[unit].machine.key()) is not None:
        message = json.loads(token_sealing.unseal(token["sealed"], key, purpose(unit)))
        token["sealed"] = token_sealing.seal(
            message["token"], token_sealing.public_half(key), purpose(unit)
        )
    return {
        key: value
        for key, value in token.items()
        if (key in _FIRST["token"] if first else key != "certificate")
    }
