# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An LXD snap that is disabled: it is on the machine with all its data, and not in use."""

from __future__ import annotations

from state.facts import SnapFacts
from state.view import View
from values.status import Status, StatusText, blocked, waiting


def status(snap: SnapFacts) -> Status | None:
    """Why LXD is not in use. An operator disabled it for a reason: the charm does not enable it."""
    if not snap.disabled:
        return None
    if snap.changing:
        return waiting("for snapd, which is changing the LXD snap")
    return blocked(reason())


def reason() -> StatusText:
    """Why a unit with a disabled LXD can do nothing, and what to type."""
    return "the LXD snap is disabled: snap enable lxd"


def has_data(view: View) -> bool:
    """Whether a disabled LXD was a member, or has a database."""
    if not view.snap.disabled:
        return False
    was_member = view.peers is not None and bool(view.peers.own.cluster)
    return was_member or not view.snap.untouched
