# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's refusals."""

from __future__ import annotations


class Refusal(Exception):  # noqa: N818 - LXD refuses, nothing is broken
    """LXD refuses a request, or an operation fails, with LXD's message. `status` is HTTP's."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


def not_found(what: str) -> Refusal:
    """An object that LXD does not know."""
    return Refusal(f"{what} not found", 404)


def bad(message: str) -> Refusal:
    """A request that is wrong for LXD."""
    return Refusal(message, 400)
