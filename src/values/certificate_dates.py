# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The date of a certificate, read without a library: deciding code imports none for X.509."""

from __future__ import annotations

import base64
import re

_BODY = re.compile(r"-----BEGIN [A-Z0-9 ]+-----\s+([A-Za-z0-9+/=\s]+)-----END")
_DATE = re.compile(rb"\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z")
"""UTCTime or GeneralizedTime of X.690. The first one in a certificate is `notBefore` (RFC 5280)."""
_TWO_DIGITS = "50"
"""A UTCTime has two digits of the year: from here on it is in the 20th century (RFC 5280)."""


def begin(pem: str) -> str:
    """When the first certificate of a PEM text becomes valid, as YYYYMMDDhhmmss in UTC.

    Empty if it cannot be read.
    """
    body = _BODY.search(pem)
    try:
        content = base64.b64decode(body[1]) if body else b""
    except ValueError:
        return ""
    match = _DATE.search(content)
    if match is None:
        return ""
    if match[2]:
        return match[2].decode()
    short = match[1].decode()
    return ("19" if short[:2] >= _TWO_DIGITS else "20") + short
