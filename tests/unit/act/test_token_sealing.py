# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Sealed tokens: for one key, for one purpose, unchanged."""

from __future__ import annotations

import pytest

from act import token_sealing

KEY = token_sealing.new_key()
SEALED = token_sealing.seal("secret", token_sealing.public_half(KEY), "for lxd/1")


def test_the_owner_of_the_key_reads_it():
    assert token_sealing.unseal(SEALED, KEY, "for lxd/1") == "secret"


@pytest.mark.parametrize(
    ("sealed", "key", "purpose"),
    [
        (SEALED, token_sealing.new_key(), "for lxd/1"),
        (SEALED, KEY, "for lxd/2"),
        ("AAAA" + SEALED[4:], KEY, "for lxd/1"),
        ("not base64!", KEY, "for lxd/1"),
        ("", KEY, "for lxd/1"),
    ],
    ids=["another key", "another purpose", "another text", "no base64", "nothing"],
)
def test_another_key_purpose_or_text_does_not_unseal(sealed: str, key: bytes, purpose: str):
    with pytest.raises(token_sealing.SealError):
        token_sealing.unseal(sealed, key, purpose)


def test_a_bad_public_key_is_refused():
    with pytest.raises(token_sealing.SealError):
        token_sealing.seal("secret", "short", "for lxd/1")
