# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Answers of Juju that are missing. The charm decides nothing without those that a plan needs."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import ops
from ops import hookcmds

from values.status import Status, waiting

Read = TypeVar("Read")


class NoAnswer(Exception):  # noqa: N818 - it is the name of what happened
    """Juju did not answer what a hook or an action needs: `status` says which tool failed."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


@contextmanager
def answers_needed() -> Generator[None]:
    """Raises NoAnswer for each way in which ops reports that a hook tool failed."""
    try:
        yield
    except ops.TooManyRelatedAppsError as error:
        # This happens after a refresh that was rolled back (Juju issue 19631). The charm cannot
        # know the right one.
        reason = f"Juju has {error.num_related} relations {error.relation_name} instead of one"
        raise NoAnswer(waiting(reason)) from error
    except (ops.ModelError, hookcmds.Error) as error:
        raise NoAnswer(_status(error)) from error


def answer_or(read: Callable[[], Read], otherwise: Read) -> Read:
    """The result of `read`; `otherwise` if Juju does not answer."""
    try:
        with answers_needed():
            return read()
    except NoAnswer:
        return otherwise


def failed(tool: str, reason: str) -> Status:
    """The status of a unit that needs the answer of a hook tool which failed."""
    return waiting(f"Juju's {tool} fails: {reason}")


def _status(error: ops.ModelError | hookcmds.Error) -> Status:
    return failed(_tool(error), message_of(error))


def _tool(error: ops.ModelError | hookcmds.Error) -> str:
    """The name of the hook tool that failed. ops keeps its error as the cause of its own."""
    failed = error if isinstance(error, hookcmds.Error) else error.__cause__
    return failed.cmd[0] if isinstance(failed, hookcmds.Error) and failed.cmd else "answer"


def message_of(error: ops.ModelError | hookcmds.Error) -> str:
    """The message of a hook tool that failed."""
    return words(error.stderr if isinstance(error, hookcmds.Error) else str(error))


def words(text: str) -> str:
    """A hook tool's message in one line."""
    return " ".join(text.split()).removeprefix("ERROR ") or "it does not say why"
