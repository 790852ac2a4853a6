# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Secrets: revisions, grants and the revision that each reader tracks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lab.model import relations
from lab.model.errors import HookToolError, JujuError
from lab.model.state import Consumer, Grant, Secret, SecretRevision, State, Unit


@dataclass(frozen=True, slots=True)
class Details:
    """The details of a secret; empty means unchanged."""

    label: str = ""
    description: str = ""
    expire: str = ""
    rotate: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """A secret made by a hook."""

    uri: str
    owner: str
    content: dict[str, str]
    details: Details


@dataclass(frozen=True, slots=True)
class Updated:
    """New content, which makes a new revision, or new details."""

    uri: str
    content: dict[str, str] | None
    details: Details


@dataclass(frozen=True, slots=True)
class Granted:
    """A grant made by a hook."""

    uri: str
    grant: Grant


@dataclass(frozen=True, slots=True)
class Revoked:
    """Revoked grants: those of a relation, or those to a unit or an application."""

    uri: str
    relation_id: int | None
    to: str


@dataclass(frozen=True, slots=True)
class Removed:
    """A secret, or one revision of it, removed by a hook."""

    uri: str
    revision: int | None


Change = Added | Updated | Granted | Revoked | Removed


def new_uri(state: State) -> str:
    """A URI that no secret has had. Juju's URIs are random; these are counted."""
    state.counters.secret += 1
    return f"secret:{state.counters.secret:020d}"


def apply(state: State, now: float, change: Change) -> None:
    """Apply a hook's writes to a secret."""
    if isinstance(change, Added):
        _create(state, now, change)
    elif (secret := state.secrets.get(change.uri)) is not None:
        _change(state, now, secret, change)


def _change(
    state: State, now: float, secret: Secret, change: Updated | Granted | Revoked | Removed
) -> None:
    match change:
        case Updated():
            _set_details(secret, change.details)
            if change.content is not None:
                _revise(secret, now, change.content)
        case Granted():
            if change.grant not in secret.grants:
                secret.grants.append(change.grant)
        case Revoked():
            secret.grants = [grant for grant in secret.grants if not _revokes(change, grant)]
        case Removed():
            _remove(state, secret, change.revision)


def may_read(state: State, secret: Secret, unit: Unit) -> bool:
    """Whether a unit may read a secret: its own, its application's, or a granted one."""
    return secret.owner in {unit.name, unit.app} or any(
        grant.to in {unit.name, unit.app}
        and (grant.relation_id is None or grant.relation_id in state.relations)
        for grant in secret.grants
    )


def find(state: State, unit: Unit, uri: str, label: str) -> Secret:
    """The secret that a hook means, by URI or by the owner's or the reader's label.

    Raises HookToolError when it does not exist.
    """
    if uri:
        full = uri if uri.startswith("secret:") else f"secret:{uri}"
        secret = state.secrets.get(full)
        if secret is None:
            raise HookToolError(f'secret "{full.removeprefix("secret:")}" not found')
        return secret
    for secret in state.secrets.values():
        consumer = secret.consumers.get(unit.name)
        owned = secret.owner in {unit.name, unit.app} and secret.label == label
        if owned or (consumer is not None and consumer.label == label):
            return secret
    raise HookToolError(f'secret with label "{label}" not found')


@dataclass(frozen=True, slots=True)
class Reading:
    """How a secret is read: the label to store for it, and the revision."""

    label: str
    refresh: bool
    peek: bool


def owner_of(state: State, pending: list[Change], uri: str) -> str:
    """The owner of a secret, also of one that the hook makes; "?" if there is none."""
    for change in pending:
        if isinstance(change, Added) and change.uri == uri:
            return change.owner
    secret = state.secrets.get(uri)
    return secret.owner if secret is not None else "?"


def pending_content(pending: list[Change], uri: str, label: str) -> dict[str, str] | None:
    """The content that a hook has given a secret and not committed yet, if any."""
    full = uri if not uri or uri.startswith("secret:") else f"secret:{uri}"
    content: dict[str, str] | None = None
    for change in pending:
        if isinstance(change, (Added, Updated)):
            meant = change.uri == full if full else change.details.label == label
            if meant and change.content is not None:
                content = change.content
    return content


def info(secret: Secret) -> dict[str, Any]:
    """JSON of `secret-info-get`."""
    return {
        secret.uri.removeprefix("secret:"): {
            "revision": secret.latest,
            "label": secret.label,
            "owner": "unit" if "/" in secret.owner else "application",
            "description": secret.description,
            "rotation": secret.rotate,
        }
    }


def read(state: State, unit: Unit, secret: Secret, reading: Reading) -> dict[str, str]:
    """Content for a reader: of the revision that it tracks, unless it refreshes or peeks.

    Raises HookToolError without permission to read.
    """
    if not may_read(state, secret, unit):
        raise HookToolError("permission denied")
    consumer = secret.consumers.get(unit.name)
    if consumer is None or consumer.revision not in secret.revisions:
        consumer = Consumer(secret.latest, consumer.label if consumer else "")
        secret.consumers[unit.name] = consumer
    if reading.label:
        consumer.label = reading.label
    if reading.refresh:
        consumer.revision = secret.latest
    return secret.revisions[secret.latest if reading.peek else consumer.revision].content


def check_grant(state: State, unit: Unit, secret_owner: str, relation_id: int) -> None:
    """Raises HookToolError if Juju refuses a grant through this relation."""
    relation = state.relations.get(relation_id)
    if relation is None or relation_id not in unit.relations:
        raise HookToolError(f"relation {relation_id} not found")
    peer = relations.is_peer(relation)
    if peer and secret_owner == unit.name and state.model.rules == "4.0":
        raise HookToolError("granting access to a secret over a peer relation is not supported")


def add_user_secret(state: State, now: float, name: str, content: Mapping[str, str]) -> str:
    """Add an operator's secret; returns its URI."""
    if any(not s.owner and s.name == name for s in state.secrets.values()):
        raise JujuError(f'secret with name "{name}" already exists')
    secret = Secret(uri=new_uri(state), owner="", name=name)
    secret.revisions[1] = SecretRevision(dict(content), now)
    state.secrets[secret.uri] = secret
    return secret.uri


def update_user_secret(state: State, now: float, secret: str, content: Mapping[str, str]) -> None:
    """Give an operator's secret a new revision."""
    _revise(_user_secret(state, secret), now, dict(content))


def grant_user_secret(state: State, secret: str, app: str) -> None:
    """Let an application read an operator's secret."""
    if app not in state.applications:
        raise JujuError(f'application "{app}" not found')
    user_secret = _user_secret(state, secret)
    if Grant(app, None) not in user_secret.grants:
        user_secret.grants.append(Grant(app, None))


def revoke_user_secret(state: State, secret: str, app: str) -> None:
    """Revoke a grant to an application."""
    user_secret = _user_secret(state, secret)
    user_secret.grants = [grant for grant in user_secret.grants if grant.to != app]


def remove_user_secret(state: State, secret: str) -> None:
    """Remove an operator's secret."""
    del state.secrets[_user_secret(state, secret).uri]


def _user_secret(state: State, identifier: str) -> Secret:
    for secret in state.secrets.values():
        if not secret.owner and identifier in {secret.name, secret.uri}:
            return secret
    raise JujuError(f'secret "{identifier}" not found')


def _create(state: State, now: float, added: Added) -> None:
    secret = Secret(uri=added.uri, owner=added.owner)
    secret.revisions[1] = SecretRevision(added.content, now)
    _set_details(secret, added.details)
    state.secrets[added.uri] = secret


def _revokes(revoked: Revoked, grant: Grant) -> bool:
    of_relation = revoked.relation_id is not None and grant.relation_id == revoked.relation_id
    return of_relation or (revoked.to != "" and grant.to == revoked.to)


def _revise(secret: Secret, now: float, content: dict[str, str]) -> None:
    if content == secret.revisions[secret.latest].content:
        return
    secret.latest += 1
    secret.revisions[secret.latest] = SecretRevision(content, now)


def _set_details(secret: Secret, details: Details) -> None:
    secret.label = details.label or secret.label
    secret.description = details.description or secret.description
    secret.expire = details.expire or secret.expire
    secret.rotate = details.rotate or secret.rotate


def _remove(state: State, secret: Secret, revision: int | None) -> None:
    if revision is not None:
        secret.revisions.pop(revision, None)
        if secret.revisions:
            secret.latest = max(secret.revisions)
            return
    del state.secrets[secret.uri]
