# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Sealing join tokens: HPKE (RFC 9180). Only the unit that a token is for can read it."""

from __future__ import annotations

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

_SUITE = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


class SealError(Exception):
    """The sealed text is not for this key, or was changed on its way."""


def new_key() -> bytes:
    """A private key of 32 bytes, to be kept secret."""
    return X25519PrivateKey.generate().private_bytes_raw()


def public_half(private: bytes) -> str:
    """The public half of a private key (base64)."""
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return base64.b64encode(key.public_bytes_raw()).decode()


def seal(text: str, public: str, purpose: str) -> str:
    """`text`, encrypted to the key `public` and bound to `purpose`. Raises SealError."""
    try:
        key = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
        # A key of low order has the right form, but no secret can be shared with it.
        sealed = _SUITE.encrypt(text.encode(), key, info=purpose.encode())
    except ValueError as error:
        raise SealError(f"not a public key: {error}") from error
    return base64.b64encode(sealed).decode()


def unseal(sealed: str, private: bytes, purpose: str) -> str:
    """The text that was sealed for this key and purpose. Raises SealError for anything else."""
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        data = base64.b64decode(sealed, validate=True)
        return _SUITE.decrypt(data, key, info=purpose.encode()).decode()
    except (ValueError, InvalidTag) as error:
        raise SealError("the token is not sealed to this unit") from error
