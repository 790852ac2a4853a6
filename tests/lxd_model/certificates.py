# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Stand-ins for certificates: PEM of some bytes, and the fingerprint of these bytes."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache


@lru_cache(maxsize=4096)
def fingerprint(seed: str) -> str:
    """The fingerprint of the certificate of `seed`: the SHA-256 of its bytes."""
    return hashlib.sha256(_bytes(seed)).hexdigest()


@lru_cache(maxsize=4096)
def pem(seed: str) -> str:
    """The certificate of `seed`."""
    text = base64.b64encode(_bytes(seed)).decode()
    lines = "\n".join(text[i : i + 64] for i in range(0, len(text), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def _bytes(seed: str) -> bytes:
    return f"the certificate of {seed}".encode()
