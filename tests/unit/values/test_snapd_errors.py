# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Which of snapd's refusals an operator must solve."""

from __future__ import annotations

import pytest

from values import snapd_errors

MISFIT = 'snap "lxd" supported architectures (amd64) are incompatible with this system (arm64)'
TASKS = 'cannot perform the following tasks:\n- Make current revision unavailable (snap "lxd" has '
CURES = {
    'cannot install snap file: snap "lxd" has running apps (lxc), pids: 41234': (
        "close lxc on this machine (pid 41234): LXD is to be exchanged"
    ),
    f"{TASKS}running apps (buginfo, lxc) and hooks (configure), pids: 17,41234)": (
        "close buginfo, lxc on this machine (pid 17, 41234): LXD is to be exchanged"
    ),
    "cannot perform operation on local snap": (
        "LXD here is from a file: snap refresh lxd --amend --channel=6/stable"
    ),
    'local snap "lxd" is unknown to the store, use --amend to proceed anyway': (
        "LXD here is from a file: snap refresh lxd --amend --channel=6/stable"
    ),
    'snap "lxd" assumes unsupported features: snapd2.75 (try to refresh snapd)': (
        "LXD needs snapd2.75 on this machine or newer: snap refresh snapd"
    ),
    MISFIT: f"attach another LXD: {MISFIT}",
}


@pytest.mark.parametrize(("error", "cure"), CURES.items())
def test_what_lasts_until_somebody_acts_says_how(error: str, cure: str):
    assert snapd_errors.cure(error, "6/stable") == cure


@pytest.mark.parametrize(
    "error",
    [
        'snap "lxd" has "refresh-snap" change in progress',
        'snap "lxd" has running hooks (configure), pids: 41234',
        "connection refused",
    ],
)
def test_what_passes_by_itself_needs_nobody(error: str):
    assert snapd_errors.cure(error, "6/stable") == ""
