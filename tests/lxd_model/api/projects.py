# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Projects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lxd_model import peers
from tests.lxd_model.api import used_by
from tests.lxd_model.api.call import EMPTY, Answer, Call, Handler
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.refusal import Refusal, bad
from tests.lxd_model.things import DEFAULT, Profile, Project, is_true

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lxd_model.records import Records
    from tests.lxd_model.server import Server

PATH = "/1.0/projects"
_OFF_BY_DEFAULT = ("features.networks", "features.networks.zones")


def _as_json(server: Server, project: Project) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": project.name,
        "description": project.description,
        "config": dict(project.config),
        "used_by": used_by.of_project(server.records, project.name),
    }
    if server.generation.newest:
        found["replica_mode"] = ""
    return found


def _find(records: Records, name: str) -> Project:
    project = records.projects.get(name)
    if project is None:
        raise Refusal("Project not found", 404)
    return project


def get_all(call: Call) -> Answer:
    """GET /1.0/projects."""
    rows = call.records.projects.values()
    if not call.recursive:
        return Answer([used_by.url("projects", p.name) for p in rows])
    return Answer([_as_json(call.server, p) for p in rows])


def get(call: Call) -> Answer:
    """GET /1.0/projects/NAME."""
    project = _find(call.records, call.names[0])
    return Answer(_as_json(call.server, project), _etag(project))


def _etag(project: Project) -> str:
    return etag(project.name, project.description, project.config)


def post(call: Call) -> Answer:
    """POST /1.0/projects: a name can be used once."""
    body, records = call.body, call.records
    name = body.get("name")
    if not name:
        raise bad("No name provided")
    if "/" in name or " " in name or name in (".", "..", "*"):
        raise bad(f'Invalid project name "{name}"')
    if call.server.generation.newest:
        # So that each has the project's part of the database (projectsPost of 6.9).
        peers.require_all(call.server)
    if name in records.projects:
        if call.server.generation.newest:
            raise Refusal(f'Failed creating project "{name}": Project "{name}" already exists', 409)
        raise Refusal(f'Error inserting "{name}" into database: The project already exists', 500)
    features = records.projects[DEFAULT].config
    config = {k: "true" for k in features if k.startswith("features.") and k not in _OFF_BY_DEFAULT}
    config.update(call.config)
    records.projects[name] = Project(name, body.get("description", ""), config)
    if is_true(config.get("features.profiles", "")):
        description = f"Default LXD profile for project {name}"
        records.profiles[name, DEFAULT] = Profile(name, DEFAULT, description)
    return Answer(None, status=201)


def put(call: Call) -> Answer:
    """PUT /1.0/projects/NAME."""
    return _change(call, call.config)


def patch(call: Call) -> Answer:
    """PATCH /1.0/projects/NAME: 5.0 forgets keys that are not named, or refuses."""
    project = _find(call.records, call.names[0])
    config = call.config
    if call.server.generation.modern:
        config = {**project.config, **config}
    return _change(call, config)


def _change(call: Call, config: Mapping[str, str]) -> Answer:
    records = call.records
    project = _find(records, call.names[0])
    check(call, _etag(project))
    config = {key: value for key, value in config.items() if value != ""}
    for key, value in project.config.items():
        if key.startswith("features.") and config.get(key) != value and project.name == DEFAULT:
            raise bad("You can't change the features of the default project")
    for key in config:
        if key.startswith("features.") and key not in project.config and project.name == DEFAULT:
            raise bad("You can't change the features of the default project")
    description = call.body.get("description", project.description)
    records.projects[project.name] = Project(project.name, description, config)
    return Answer(EMPTY)


def rename(call: Call) -> Answer:
    """POST /1.0/projects/NAME: an operation that fails if the name is taken."""
    raise bad("Renaming a project is not modelled")


def delete(call: Call) -> Answer:
    """DELETE /1.0/projects/NAME: only an empty one."""
    records = call.records
    project = _find(records, call.names[0])
    if project.name == DEFAULT:
        raise Refusal('The "default" project cannot be deleted', 403)
    own = used_by.url("profiles", DEFAULT, project=project.name)
    if set(used_by.of_project(records, project.name)) - {own}:
        raise bad("Only empty projects can be removed")
    records.profiles.pop((project.name, DEFAULT), None)
    del records.projects[project.name]
    return Answer(EMPTY)


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post},
    f"{PATH}/NAME": {"GET": get, "PUT": put, "PATCH": patch, "DELETE": delete},
}
