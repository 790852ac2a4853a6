# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A member whose LXD snap somebody has removed.

snapd keeps a copy of LXD's folder, unless it was told not to, and devices of pools are untouched. A
fresh LXD would be in the way of both.
"""

from __future__ import annotations

from state.view import View
from values.status import Status, StatusText, blocked


def status(view: View) -> Status | None:
    """Blocked for a member without LXD, unless the cluster has removed it."""
    snap = view.snap
    if snap.installed or snap.disabled or snap.deb or not _is_member(view):
        return None
    return blocked(reason())


def reason() -> StatusText:
    """Why a member without a snap can do nothing, and what to look at."""
    return "LXD's snap was removed here; docs: How to recover"


def is_reinstalled(view: View) -> bool:
    """Whether a member's LXD is in no cluster because its snap was installed again.

    It did not leave and was not reset: before a member leaves, the charm removes the identity from
    its disk, and a reset has a note.
    """
    return _is_member(view) and view.noted_identity != "" and view.forming is None


def empty() -> StatusText:
    """Why a unit with such an LXD can do nothing, and what to look at."""
    return "LXD here is empty, and was a member; docs: How to recover"


def _is_member(view: View) -> bool:
    if view.peers is None:
        return bool(view.noted_identity)
    return bool(view.peers.own.cluster) and view.unit not in view.peers.removed
