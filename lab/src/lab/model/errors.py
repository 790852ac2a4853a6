# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The two ways in which a request to the model is refused."""

from __future__ import annotations


class JujuError(Exception):
    """An operator's request that Juju refuses; the text is what `juju` prints after "ERROR"."""


class HookToolError(Exception):
    """A hook tool's request that Juju refuses; the text is what it prints after "ERROR"."""
