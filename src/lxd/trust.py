# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The certificates that the cluster trusts."""

from __future__ import annotations

import deadlines
from lxd.client import Client
from lxd.http import api_path

_CERTIFICATES = api_path("certificates")


class TrustApi:
    """/1.0/certificates."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def rename(self, old: str, new: str) -> None:
        """The member that was trusted as `old` is trusted as `new`.

        Nothing changes if no member is trusted as `old`, or one as `new`. LXD itself keeps the old
        name when it renames a member. 6.9 then cannot remove that member, and 5.21 removes it and
        goes on to trust its machine (read in the source of both; measured on 6.9).
        """
        rows = self._client.get(_CERTIFICATES, {"recursion": "1"}, deadlines.LIST)
        trusted = {row["name"]: row["fingerprint"] for row in rows if row["type"] == "server"}
        if old in trusted and new not in trusted:
            path = api_path("certificates", trusted[old])
            self._client.change("PATCH", path, {"name": new})
