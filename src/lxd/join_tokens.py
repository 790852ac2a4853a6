# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's join tokens, in the format of `lxc cluster add`."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import deadlines
from lxd.errors import LxdError, LxdUnreachable
from values.addresses import PORT

if TYPE_CHECKING:
    from lxd.port import LxdPort


def pack(details: dict[str, Any]) -> str:
    """A token from the metadata of its operation."""
    token = {
        "server_name": details["serverName"],
        "fingerprint": details["fingerprint"],
        "addresses": details["addresses"],
        "secret": details["secret"],
        "expires_at": details.get("expiresAt", "0001-01-01T00:00:00Z"),
    }
    return base64.b64encode(json.dumps(token).encode()).decode()


def digest(token: str) -> str:
    """Distinguishes tokens for the same name, and reveals nothing of them."""
    return digest_of(_unpack(token)["secret"])


def digest_of(secret: str) -> str:
    """The same for a token's secret, as LXD shows it in the token's operation."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def certificate(token: str) -> str:
    """The fingerprint of the certificate in a token."""
    return str(_unpack(token)["fingerprint"])


@lru_cache(maxsize=64)
def fingerprint_of(certificate: str) -> str:
    """The fingerprint of a certificate (PEM), in LXD's format.

    Cached: all members of a cluster show the same certificate.
    """
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()


@dataclass(frozen=True)
class JoinTarget:
    """The member through which a server joins: its endpoint and its certificate (PEM)."""

    address: str
    certificate: str


def join_target(token: str, trusted: frozenset[str], port: LxdPort) -> JoinTarget:
    """The first of the token's addresses that shows the certificate in the token.

    `trusted` are the fingerprints that the cluster's members publish, empty if they publish none.
    Raises LxdUnreachable: if the certificate has changed, the token is made again.
    """
    details = _unpack(token)
    expected = details["fingerprint"]
    if trusted and expected not in trusted:
        raise LxdUnreachable("the join token names a certificate that no member publishes")
    problems: list[str] = []
    for address in details["addresses"]:
        try:
            parts = urlsplit(f"//{address}")
            certificate = port.certificate(parts.hostname or "", parts.port or PORT, deadlines.LOOK)
        except (OSError, ValueError) as error:
            problems.append(f"{address}: {error}")
            continue
        if fingerprint_of(certificate) == expected:
            return JoinTarget(address, certificate)
        problems.append(f"{address}: not the cluster's certificate")
    raise LxdUnreachable("no member can be reached: " + "; ".join(problems))


def _unpack(token: str) -> dict[str, Any]:
    try:
        details: dict[str, Any] = json.loads(base64.b64decode(token))
        texts = [details["fingerprint"], details["secret"], *details["addresses"]]
        # A text with half a character would raise an error later, when its bytes are needed.
        if all(isinstance(text, str) and text.encode() for text in texts):
            return details
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise LxdError("the join token cannot be read") from error
    raise LxdError("the join token cannot be read")
