# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Refusals of actions, and the words for their confirmations."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plan.unit import make_plan
from state.view import Peers, View
from values import unit_names

_NO_WORD = re.compile(r"[^A-Za-z0-9._-]+")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_FOR_SHELL = re.compile(r'(["$`\\])')
"""What a shell does not read as text between double quotes."""
_YAML_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null"])
"""Words that Juju's client does not read as text."""


class ActionRefused(Exception):  # noqa: N818 - it is the name of what happened
    """The action was refused, and why."""


def confirmation(verb: str, value: str) -> str:
    """The confirmation that an operator must type, such as `wipe-0123`.

    Juju's client rewrites what looks like a number (0123, 1e5), and splits words at some
    characters.
    """
    return f"{verb}-{_NO_WORD.sub('-', value).strip('-')}"


def leaders_peers(view: View, action: str) -> Peers:
    """The peers, for an action of the leader. Raises ActionRefused on any other unit."""
    if view.leader and view.peers is not None:
        return view.peers
    app = view.unit.partition("/")[0]
    raise ActionRefused(f"only the leader can: juju run {app}/leader {action}")


def not_a_member(view: View, action: str) -> str:
    """Why an action that needs a member is refused, and where to run it."""
    others = view.peers.others.items() if view.peers else ()
    members = [unit for unit, data in others if data.cluster]
    member = min(members, key=unit_names.order, default="")
    advice = f"; juju run {member} {action}" if member else ""
    return f"this unit is not a member that answers ({make_plan(view).status}){advice}"


def alternatives(names_: Iterable[str], action: str) -> str:
    """The existing alternatives to the given name, as an operator types them."""
    commands = [f"{action} name={quoted(name)}" for name in sorted(names_)]
    return f"type {' or '.join(commands)}" if commands else "there is nothing to name"


def quoted(name: str) -> str:
    """A name in a form that Juju's client reads as text, and not as a number or a date."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _YAML_WORDS
    if plain:
        return name
    in_yaml = "'" + name.replace("'", "''") + "'"
    return '"' + _FOR_SHELL.sub(r"\\\1", in_yaml) + '"'
