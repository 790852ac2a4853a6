# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The certificates that the cluster trusts."""

from __future__ import annotations

from collections.abc import Mapping

import deadlines
from lxd.client import Client
from lxd.http import api_path

_CERTIFICATES = api_path("certificates")


class TrustApi:
    """/1.0/certificates."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def rename_certificates(
        self, own: str, name: str, renamed: Mapping[str, str]
    ) -> frozenset[str]:
        """Trusts members under their present names. Returns the old names that are left.

        LXD itself keeps the old name when it renames a member. 6.9 then cannot remove that member,
        and 5.0 and 5.21 still trust the removed machine, or stop trusting the member that has the
        name now (read in the source of all; measured on 6.9).

        `own` is the fingerprint of this member's certificate, which gets `name`; empty for none.
        The certificates of the others in `renamed`, new names by old ones, are found by the names
        under which they are trusted. If another certificate has the new name, that one must be
        renamed first: members that have exchanged their names do it themselves. A repetition
        changes nothing.
        """
        rows = self._client.get(_CERTIFICATES, {"recursion": "1"}, deadlines.LIST)
        trusted: dict[str, str] = {
            row["fingerprint"]: row["name"] for row in rows if row["type"] == "server"
        }
        others = {f: trusted_as for f, trusted_as in trusted.items() if f != own}
        if own in trusted:
            self._rename(own, name, trusted)
        left = self._rename_others(others, renamed, trusted)
        if own in trusted:
            self._take_from_others(own, name, trusted)
        return left

    def _rename_others(
        self, others: Mapping[str, str], renamed: Mapping[str, str], trusted: dict[str, str]
    ) -> frozenset[str]:
        """Returns the old names of those whose new names are not free."""
        left = {old: new for old, new in renamed.items() if old in others.values()}
        while free := [old for old, new in left.items() if _may_get(new, old, trusted, others)]:
            for fingerprint in (f for f, trusted_as in others.items() if trusted_as == free[0]):
                self._rename(fingerprint, left[free[0]], trusted)
            del left[free[0]]
        return frozenset(left)

    def _take_from_others(self, own: str, name: str, trusted: dict[str, str]) -> None:
        """Renames them: LXD would stop trusting them when this member, with that name, leaves."""
        for fingerprint in [f for f, trusted_as in trusted.items() if trusted_as == name]:
            if fingerprint != own:
                self._rename(fingerprint, f"{name}-{fingerprint[:12]}", trusted)

    def _rename(self, fingerprint: str, name: str, trusted: dict[str, str]) -> None:
        if trusted[fingerprint] != name:
            path = api_path("certificates", fingerprint)
            self._client.change("PATCH", path, {"name": name})
            trusted[fingerprint] = name


def _may_get(new: str, old: str, trusted: Mapping[str, str], before: Mapping[str, str]) -> bool:
    """Whether `new` is free, and only one other certificate had the name `old`."""
    return new not in trusted.values() and list(before.values()).count(old) == 1
