# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Proxies that separate LXD's members.

LXD takes HTTPS_PROXY and NO_PROXY from its environment: snapd starts it with /etc/environment. Up
to 5.21.5, and in 5.0, its traffic with other members also uses that proxy. Its own option
`core.proxy_ignore_hosts` does not count there.
"""

from __future__ import annotations

import re

_PROXIED = re.compile(r"proxyconnect tcp: (?:dial tcp (\S+:\d+)|dial tcp: lookup ([^\s:]+))?")
"""Go's error for a request through a proxy that refuses it, hangs up, or whose name is unknown."""


def with_cure(error: str) -> str:
    """The error, with what to do about a proxy that it came through."""
    match = _PROXIED.search(error)
    if match is None:
        return error
    address = match[1] or match[2]
    proxy = f"the proxy {address}" if address else "a proxy"
    return f"{error}: {proxy} is in between: set no_proxy in /etc/environment"
