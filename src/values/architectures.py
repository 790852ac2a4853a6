# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Architectures of machines: the kernel and snaps name them differently."""

from __future__ import annotations

from collections.abc import Collection

_DEBIAN = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armhf",
    "i686": "i386",
    "ppc64le": "ppc64el",
}
"""By the kernel's name, where it differs: the name in snaps."""
_ANY = "all"


def of_snaps(kernel: str) -> str:
    """The name in snaps of a machine's architecture."""
    return _DEBIAN.get(kernel, kernel)


def suits(snap: Collection[str], kernel: str) -> bool:
    """Whether a snap for these architectures runs on a machine. One that names none runs on all."""
    return not snap or not kernel or _ANY in snap or of_snaps(kernel) in snap
