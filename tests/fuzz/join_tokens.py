# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Join tokens: read, or refused for what they are."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from act import token_sealing
from act.forming import purpose
from lxd import join_tokens
from lxd.errors import LxdError, LxdUnreachable
from tests.fuzz import texts
from tests.fuzz.checks import Unwell, check_status
from values.public_keys import is_key
from values.status import blocked


class _NoPort:
    """A network where nothing answers."""

    def certificate(self, host: str, port: int, timeout: float) -> str:
        raise OSError(f"nobody at {host} {port} within {timeout}")


_KEY = b"k" * 32


def tokens(r: random.Random) -> None:
    """A join token, sealed or not: read, or refused for what it is."""
    fields: dict[str, Any] = {
        "server_name": "m1",
        "fingerprint": "0" * 64,
        "addresses": ["10.0.0.1:8443"],
        "secret": "s",
        "expires_at": "0001-01-01T00:00:00Z",
    }
    for name in r.sample(sorted(fields), r.randrange(0, 3)):
        fields[name] = texts.value(r)
    if r.random() < 0.3:
        fields["addresses"] = [texts.word(r) for _ in range(r.randrange(3))]
    text = texts.json_text(r, r.choice((fields, fields, fields, texts.value(r))))
    token = _encoded(text)
    token = r.choice((token, token, texts.mangled(r, token), texts.word(r)))
    for read in (join_tokens.digest, join_tokens.certificate, _join_target):
        try:
            read(token)
        except (LxdError, LxdUnreachable) as error:
            check_status(blocked(f"could not join: {error}").message)
    sealed = r.choice((token, texts.mangled(r, _sealed()), texts.word(r)))
    try:
        token_sealing.unseal(sealed, _KEY, purpose("lxd/1"))
    except token_sealing.SealError as error:
        check_status(blocked(f"could not join: {error}").message)
    key = r.choice((texts.word(r), texts.mangled(r, token_sealing.public_half(_KEY))))
    try:
        token_sealing.seal("x", key, "y")
    except token_sealing.SealError as error:
        check_status(blocked(f"could not make a token: {error}").message)
    else:
        if not is_key(key):
            raise Unwell(f"sealed to {key!r}")


def _encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode(errors="surrogatepass")).decode()


@cache
def _sealed() -> str:
    return token_sealing.seal("x", token_sealing.public_half(_KEY), purpose("lxd/1"))


def _join_target(token: str) -> None:
    port: Any = _NoPort()
    join_tokens.join_target(token, frozenset(), port)
