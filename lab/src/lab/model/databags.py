# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A hook's view of its relations: the remote units and their data."""

from __future__ import annotations

from collections.abc import Mapping

from lab.model import relations
from lab.model.errors import HookToolError
from lab.model.hooks import HookRun
from lab.model.state import Relation, UnitRelation


def visible_units(relation: Relation, local: UnitRelation, run: HookRun) -> list[str]:
    """Units whose relation-joined has begun and whose relation-departed has not."""
    names = set(local.members)
    if run.relation_id == relation.id and run.remote_unit:
        if run.kind == "relation-departed":
            names.discard(run.remote_unit)
        else:
            names.add(run.remote_unit)
    return sorted(names)


def default_name(run: HookRun, *, app: bool) -> str:
    """The bag that relation-get means without a name: the hook's remote unit or application."""
    name = run.remote_app if app else run.remote_unit or run.remote_app
    if not name:
        raise HookToolError("no unit or application specified")
    return name


def own(relation: Relation, name: str, written: Mapping[str, str]) -> dict[str, str]:
    """An own bag with this hook's writes."""
    data = {**relation.data.get(name, {}), **written}
    return {key: value for key, value in data.items() if value}


def remote(
    relation: Relation,
    local: UnitRelation,
    run: HookRun,
    name: str,
    read: dict[tuple[int, str], dict[str, str]],
) -> dict[str, str]:
    """Another's bag. A member's is kept from hook to hook, any other's (in `read`) for one hook.

    Juju's agent caches in this way (uniter/runner/context/cache.go): a member's data is as old as
    the last hook about that member. A hook can read every unit that was ever in the relation.
    """
    own_app = run.unit.partition("/")[0]
    if name == own_app and not relations.is_peer(relation):
        raise HookToolError("permission denied")
    if name not in relation.data:
        raise HookToolError(f'settings for "{name}" not found: permission denied')
    if name in visible_units(relation, local, run):
        return dict(local.cache.setdefault(name, relation.data[name]))
    return dict(read.setdefault((relation.id, name), relation.data[name]))
