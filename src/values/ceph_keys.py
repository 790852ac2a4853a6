# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Keys of Ceph in the messages of its programs: they print a key that they cannot read."""

from __future__ import annotations

import re

_PRINTED = re.compile(r"(type=key val=)([^\s:]+)")
"""In the error of Ceph's programs about a key in a file (KeyRing.cc)."""
_AES256K = re.compile(r"Ag[A-D]")
"""The beginning of a key of this type: its number, 2, as two bytes in base64 (Crypto.h)."""


def hidden(text: str) -> str:
    """The text without keys: it is shown in statuses and logs."""
    return _PRINTED.sub(r"\1...", text)


def names_aes256k(text: str) -> bool:
    """Whether a key that a program could not read is of the type that came with Ceph 20.2.4."""
    return any(_AES256K.match(match[2]) for match in _PRINTED.finditer(text))
