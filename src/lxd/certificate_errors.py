# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Refusals of a joining server's own certificate that a new certificate avoids."""

from __future__ import annotations

from lxd import clock_errors

_OTHER_NAME = "Existing server certificate with different name"
"""A failed join made the cluster trust the certificate, and the machine was renamed since then.

Read in the source of 5.0.2, 5.21.7 and 6.9.
"""


def needs_new_certificate(error: str) -> bool:
    """Whether no join with the server's present certificate can succeed."""
    return clock_errors.made_too_early(error) or _OTHER_NAME in error
