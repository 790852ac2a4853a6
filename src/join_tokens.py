"""LXD's join tokens, packed as `lxc cluster add` shows them."""

from __future__ import annotations

import base64
import hashlib
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import deadlines
from lxd_reading import LxdError


def pack(told: dict[str, Any]) -> str:
    """A token from what LXD tells of the operation that stands for it."""
    token = {
        "server_name": told["serverName"],
        "fingerprint": told["fingerprint"],
        "addresses": told["addresses"],
        "secret": told["secret"],
        "expires_at": told.get("expiresAt", "0001-01-01T00:00:00Z"),
    }
    return base64.b64encode(json.dumps(token).encode()).decode()


def digest(token: str) -> str:
    """Tells a token from another one for the same name, and shows nothing of it."""
    return digest_of(json.loads(base64.b64decode(token))["secret"])


def digest_of(secret: str) -> str:
    """The same of a token's secret, as LXD shows it in the operation that stands for it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


def way_in(token: str) -> tuple[str, str]:
    """The first of the token's addresses that answers with the certificate that it promises.

    The address and that certificate. Raises LxdError if none does.
    """
    told: dict[str, Any] = json.loads(base64.b64decode(token))
    problems: list[str] = []
    for address in told["addresses"]:
        parts = urlsplit(f"//{address}")
        try:
            where = (parts.hostname or "", parts.port or 8443)
            certificate = ssl.get_server_certificate(where, timeout=deadlines.LOOK)
        except OSError as error:
            problems.append(f"{address}: {error}")
            continue
        if hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest() == told["fingerprint"]:
            return address, certificate
        problems.append(f"{address}: not the cluster's certificate")
    raise LxdError("no member can be reached: " + "; ".join(problems))
