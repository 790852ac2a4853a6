# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's notes in LXD's database, for all members.

Each note is a profile in the charm's own project: its name is the note's, and one key has its
value. Nothing else in LXD is suitable. LXD answers the server's configuration from memory: a member
that has just joined does not know the cluster's keys. LXD writes all keys of one object together,
and If-Match does not separate two writers: LXD checks it in one transaction and writes in another
(measured on 5.0: of 885 successful increments 786 counted).

Creating an object is exclusive: its name is unique in the database.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

import deadlines
from lxd.client import Client
from lxd.errors import LxdError
from lxd.http import api_path
from state.notes import IDENTITY, PROJECT, entries_of

_VALUE = "user.value"
_IN_PROJECT = {"project": PROJECT}
_FEATURES = {
    "features.images": "false",
    "features.profiles": "true",
    "features.storage.volumes": "false",
}
_LEGACY = "user.lxd-cluster."
"""Keys of the default project where charms without the identity kept their notes."""
_KEPT = 3
"""The number of entries of a log that stay before its last one."""


def _stored(name: str) -> str:
    """A note's name as a profile has it. A member's name may have a slash, a profile's may not."""
    return name.replace("%", "%25").replace("/", "%2F")


class NotesApi:
    """Reads and writes notes. An absent note and an empty one are the same."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self) -> dict[str, str]:
        """All notes, including those of an older charm until the cluster has its identity."""
        notes = self._read()
        return notes if IDENTITY in notes else {**self._legacy(), **notes}

    def write(self, values: Mapping[str, str]) -> None:
        """Sets some notes; an empty value removes one. Each is written separately."""
        for name, value in values.items():
            if not value:
                self._delete(name)
            elif not self.create(name, value):
                body = {"description": "", "config": {_VALUE: value}, "devices": {}}
                self._client.change("PUT", _profile(name), body, _IN_PROJECT)

    def create(self, name: str, value: str) -> bool:
        """Writes a new note. False if it exists already: if two try, one succeeds.

        LXD itself tries again if its database was busy, and may then refuse what it has just
        written. So two writers that must know which of them was first write different values.
        """
        body: dict[str, Any] = {"name": _stored(name), "config": {_VALUE: value}}
        try:
            self._client.change("POST", api_path("profiles"), body, _IN_PROJECT)
        except LxdError:
            notes = self._read()
            if name in notes:
                return notes[name] == value
            self._make_project()
            self._client.change("POST", api_path("profiles"), body, _IN_PROJECT)
        return True

    def append(self, log: str, number: int, value: str) -> bool:
        """Writes entry `number` of a log. The last entry of a log counts.

        False if another member wrote it first, or the log has moved on: then nothing that counts
        has changed.
        """
        if not self.create(f"{log}{number}", value):
            return False
        entries = entries_of(log, self._read())
        for old in sorted(entries):
            if old < number - _KEPT:
                self._delete(f"{log}{old}")
        return max(entries) == number

    def take(self, log: str, entry: str, holders: Collection[str], seconds: float) -> bool:
        """Writes `entry` as the last one of a log, once the one before it is none of `holders`.

        It writes nothing if the entry is already the last one. False after `seconds`.
        """
        return self._client.until(lambda: self._taken(log, entry, holders), seconds)

    def _taken(self, log: str, entry: str, holders: Collection[str]) -> bool:
        entries = entries_of(log, self._read())
        number = max(entries, default=0)
        last = entries.get(number, "")
        if last == entry:
            return True
        return last not in holders and self.append(log, number + 1, entry)

    def append_next(self, log: str, entry: str) -> None:
        """Writes one more entry of a log. If another one comes first, that one counts."""
        self.append(log, max(entries_of(log, self._read()), default=0) + 1, entry)

    def forget_legacy(self) -> None:
        """Removes the notes of an older charm."""
        path = api_path("projects", "default")
        project = self._client.get(path)
        config = {k: v for k, v in project["config"].items() if not k.startswith(_LEGACY)}
        if config != project["config"]:
            body = {"description": project["description"], "config": config}
            self._client.change("PUT", path, body)

    def _read(self) -> dict[str, str]:
        query = {**_IN_PROJECT, "recursion": "1"}
        try:
            rows = self._client.get(api_path("profiles"), query, deadlines.LOOK)
        except LxdError as error:
            if error.not_found:
                return {}
            raise
        with_value = [row for row in rows if _VALUE in row["config"]]
        return {unquote(row["name"]): row["config"][_VALUE] for row in with_value}

    def _legacy(self) -> dict[str, str]:
        config: dict[str, str] = self._client.get(api_path("projects", "default"))["config"]
        return {
            key.removeprefix(_LEGACY): value
            for key, value in config.items()
            if key.startswith(_LEGACY)
        }

    def _delete(self, name: str) -> None:
        try:
            self._client.change("DELETE", _profile(name), query=_IN_PROJECT)
        except LxdError as error:
            if not error.not_found:
                raise

    def _make_project(self) -> None:
        body = {
            "name": PROJECT,
            "description": "Notes of the charm lxd-cluster; no instances belong here",
            "config": _FEATURES,
        }
        try:
            self._client.change("POST", api_path("projects"), body)
        except LxdError as error:
            # Another member may have made it at this moment.
            if PROJECT not in self._projects():
                raise error from None

    def _projects(self) -> set[str]:
        rows = self._client.get(api_path("projects"), {"recursion": "1"})
        return {row["name"] for row in rows}


def _profile(name: str) -> str:
    return api_path("profiles", _stored(name))
