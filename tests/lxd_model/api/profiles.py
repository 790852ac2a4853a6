# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Profiles. By LXD's source a new name is exclusive, and a rename is one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tests.lxd_model import instances
from tests.lxd_model.api import used_by
from tests.lxd_model.api.call import EMPTY, Answer, Call, Change, Handler, change
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.refusal import Refusal, bad, not_found
from tests.lxd_model.things import DEFAULT, Profile

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

PATH = "/1.0/profiles"


def _as_json(server: Server, profile: Profile) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": profile.name,
        "description": profile.description,
        "config": dict(profile.config),
        "devices": dict(profile.devices),
        "used_by": used_by.of_profile(server.records, profile),
    }
    if server.generation.modern:
        found["project"] = profile.project
    return found


def _project(call: Call) -> str:
    return instances.profile_project(call.records, call.project)


def _find(call: Call) -> Profile:
    profile = call.records.profiles.get((_project(call), call.names[0]))
    if profile is None:
        raise not_found("Profile")
    return profile


def get_all(call: Call) -> Answer:
    """GET /1.0/profiles."""
    project = _project(call)
    rows = [p for p in call.records.profiles.values() if p.project == project]
    if not call.recursive:
        return Answer([used_by.url("profiles", p.name, project=project) for p in rows])
    return Answer([_as_json(call.server, p) for p in rows])


def get(call: Call) -> Answer:
    """GET /1.0/profiles/NAME."""
    profile = _find(call)
    return Answer(_as_json(call.server, profile), _etag(profile))


def _etag(profile: Profile) -> str:
    return etag(profile.config, profile.description, profile.devices)


def _check_name(name: str) -> None:
    if not name:
        raise bad("No name provided")
    if "/" in name:
        raise bad("Profile names may not contain slashes")
    if name in (".", ".."):
        raise bad(f'Invalid profile name "{name}"')


def post(call: Call) -> Answer:
    """POST /1.0/profiles: not an operation in any generation."""
    body, project = call.body, _project(call)
    name = body.get("name", "")
    _check_name(name)
    if (project, name) in call.records.profiles:
        raise Refusal(f'Error inserting "{name}" into database: The profile already exists')
    profile = Profile(
        project,
        name,
        body.get("description", ""),
        call.config,
        call.devices,
    )
    call.records.profiles[profile.key] = profile
    return Answer(None, status=201)


def _change(call: Call, profile: Profile) -> Answer:
    server = call.server
    what = Change(
        "Updating profile", used_by.url("profiles", profile.name, project=profile.project)
    )

    def effect() -> None:
        if profile.key not in server.records.profiles:
            raise not_found("Profile")
        instances.set_profile(server, profile)

    return change(call, what, effect, server.generation.profile_operations)


def put(call: Call) -> Answer:
    """PUT /1.0/profiles/NAME."""
    profile, body = _find(call), call.body
    check(call, _etag(profile))
    changed = replace(
        profile,
        description=body.get("description", ""),
        config=call.config,
        devices=call.devices,
    )
    return _change(call, changed)


def patch(call: Call) -> Answer:
    """PATCH /1.0/profiles/NAME: changes only the named devices and keys."""
    profile, body = _find(call), call.body
    check(call, _etag(profile))
    changed = replace(
        profile,
        description=body.get("description", profile.description),
        config={**profile.config, **call.config},
        devices={**profile.devices, **call.devices},
    )
    return _change(call, changed)


def rename(call: Call) -> Answer:
    """POST /1.0/profiles/NAME: if several clients rename it at once, only one succeeds."""
    records, project, name = call.records, _project(call), call.names[0]
    if name == DEFAULT:
        raise Refusal('The "default" profile cannot be renamed', 403)
    new = call.body.get("name", "")
    _check_name(new)
    if (project, new) in records.profiles:
        raise Refusal(f'Name "{new}" already in use')
    profile = records.profiles.pop((project, name), None)
    if profile is None:
        raise Refusal("Query affected 0 rows instead of 1")
    for user in [i for i in records.instances.values() if name in i.profiles]:
        if instances.profile_project(records, user.project) == project:
            names = tuple(new if n == name else n for n in user.profiles)
            records.instances[user.key] = replace(user, profiles=names)
    renamed = replace(profile, name=new)
    records.profiles[renamed.key] = renamed
    return Answer(None, status=201)


def delete(call: Call) -> Answer:
    """DELETE /1.0/profiles/NAME: only a profile without instances."""
    if call.names[0] == DEFAULT:
        raise Refusal('The "default" profile cannot be deleted', 403)
    profile = _find(call)
    if instances.users_of_profile(call.records, profile):
        raise Refusal("Profile is currently in use")
    del call.records.profiles[profile.key]
    return Answer(EMPTY)


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post},
    f"{PATH}/NAME": {"GET": get, "PUT": put, "PATCH": patch, "POST": rename, "DELETE": delete},
}
