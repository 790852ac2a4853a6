# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Programs of this machine that must succeed."""

from __future__ import annotations

import subprocess

import deadlines


def run(*command: str) -> str:
    """Runs a program, which has `deadlines.COMMAND` seconds, and returns its output.

    Raises OSError if it does not exist, SubprocessError if it fails or takes longer.
    """
    completed = subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=deadlines.COMMAND
    )
    return completed.stdout
