# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The keys of LXD's server configuration that follow from relations; all members share them.

An operator may have set one. So the charm notes what it has written, and removes nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from plan.server.proxies import digest
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
    own = bool(current) and digest(key, current) in _digests(key, noted)
    if wanted:
        return _setting(key, wanted, lxd, own=own)
    if not noted or answer is not None or rules.needed(lxd):
        return []
    removal: list[Step] = [SetServerConfig({key: ""})] if own else []
    return [*removal, WriteNotes({note: ""})]


def _setting(key: str, wanted: str, lxd: ClusterView, *, own: bool) -> list[Step]:
    """Steps after which the key has the wanted value. `own`: its current value is the charm's."""
    note, current = WROTE + key, lxd.server.config.get(key, "")
    after = WriteNotes({note: digest(key, wanted)})
    if current == wanted:
        # An operator's own value is not the charm's, even if it is the wanted one.
        return [after] if own and lxd.notes.get(note) != digest(key, wanted) else []
    # The note comes first and has both values: the hook may be killed, or LXD may refuse.
    both = f"{digest(key, current)} {digest(key, wanted)}" if own else digest(key, wanted)
    return [WriteNotes({note: both}), SetServerConfig({key: wanted}), after]


def _digests(key: str, noted: str) -> list[str]:
    """The noted values as digests. An older charm noted the value itself."""
    return [*noted.split(), digest(key, noted)]
