# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The keys of LXD's server configuration that follow from relations; all members share them.

An operator may have set one. So the charm notes what it has written, and removes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from relations import RELATIONS
from relations.relation import Relation
from state.cluster import ClusterView
from state.notes import WROTE
from state.view import View
from steps.plan import Step
from steps.server import SetServerConfig, WriteNotes


def steps(
    view: View, lxd: ClusterView, relations: Iterable[Relation[Any]] = RELATIONS
) -> list[Step]:
    """Sets each key to the value of its relation, or removes it after the relation is gone."""
    return [
        step
        for relation in relations
        if relation.server_keys
        for key in relation.server_keys.keys
        for step in _of_key(view, lxd, relation, key)
    ]


def _of_key(view: View, lxd: ClusterView, relation: Relation[Any], key: str) -> list[Step]:
    answer, rules, note = relation.of(view), relation.server_keys, WROTE + key
    if rules is None:
        return []
    wanted = "" if answer is None else rules.values(answer).get(key, "")
    current, noted = lxd.server.config.get(key, ""), lxd.notes.get(note, "")
    if wanted:
        if current == wanted:
            return []
        # The note comes first: if the hook is killed in between, the note shows whose the key is.
        return [WriteNotes({note: wanted}), SetServerConfig({key: wanted})]
    if not noted or answer is not None or rules.needed(lxd):
        return []
    own: list[Step] = [SetServerConfig({key: ""})] if current == noted else []
    return [*own, WriteNotes({note: ""})]
