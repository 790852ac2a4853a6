# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The ways in which a daemon does not answer."""

from __future__ import annotations

from enum import Enum


class Silence(Enum):
    """STOPPED has no socket, HUNG answers nothing. WAITING has started and waits for members of
    another version, NO_DATABASE has lost its quorum: both answer some requests, by generation.
    """

    STOPPED = 0
    HUNG = 1
    WAITING = 2
    NO_DATABASE = 3
