# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""snapd's refusals that last until an operator acts, in plain words.

By its source: `overlord/snapstate/refresh.go`, `check_snap.go`, `store/errors.go`.
"""

from __future__ import annotations

import re

from values.status import StatusText, names

_RUNNING_APPS = re.compile(r"has running apps \(([^)]*)\).*, pids: ([0-9,]+)")
_LOCAL = re.compile(r"cannot perform operation on local snap|local snap .* is unknown to the store")
_TOO_NEW = re.compile(r"assumes unsupported features: (snapd[0-9.]+)")
_ARCHITECTURE = re.compile(r"supported architectures .* incompatible with this system")


def too_old(needed: str) -> StatusText:
    """What an operator must do about an old snapd, which does not refresh itself for a snap."""
    return f"LXD needs {needed} on this machine or newer: snap refresh snapd"


def cure(error: str, channel: str = "") -> StatusText:
    """What an operator must do, and why; empty if snapd may do the same later without help.

    `channel` is the one that LXD was to be installed from.
    """
    if running := _RUNNING_APPS.search(error):
        apps, pids = (names(text.replace(" ", "").split(",")) for text in running.groups())
        return f"close {apps} on this machine (pid {pids}): LXD is to be exchanged"
    if _LOCAL.search(error):
        return f"LXD here is from a file: snap refresh lxd --amend --channel={channel}"
    if needed := _TOO_NEW.search(error):
        return too_old(needed[1])
    return "attach another LXD: " + error if _ARCHITECTURE.search(error) else ""
