"""The actions that change something: what each refuses, and what it does."""

from __future__ import annotations

import re
from collections.abc import Iterable

from plan import leader
from plan.unit import make_plan
from state.view import View

_NO_WORD = re.compile(r"[^A-Za-z0-9._-]+")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_YAML_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null"])
"""What Juju's client takes for something else than text."""


class ActionRefused(Exception):  # noqa: N818 - it is the name of what happened
    """The action was not carried out, and why."""


def confirmation(verb: str, what: str) -> str:
    """What an operator types to say that it is really meant, such as `wipe-0123`.

    Juju's client rewrites what looks like a number (0123, 1e5) and parts words at some characters.
    """
    return f"{verb}-{_NO_WORD.sub('-', what).strip('-')}"


def not_a_member(view: View, action: str) -> str:
    """Why an action that needs a member is refused, and where to run it."""
    others = view.peers.others.items() if view.peers else ()
    members = [unit for unit, data in others if data.cluster]
    member = min(members, key=leader.number, default="")
    where = f"; juju run {member} {action}" if member else ""
    return f"this unit is not a member that answers ({make_plan(view).status}){where}"


def alternatives(names_: Iterable[str], action: str) -> str:
    """What there is instead of what was named, as it is typed."""
    commands = [f"{action} name={quoted(name)}" for name in sorted(names_)]
    return f"type {' or '.join(commands)}" if commands else "there is nothing to name"


def quoted(name: str) -> str:
    """A name as Juju's client takes it for text, and not for a number or a date."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _YAML_WORDS
    return name if plain else f"\"'{name}'\""
