# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The three generations of LXD in the model, and their differences.

Differences that follow from an extension of the API come from `extensions`, the lists of real
daemons. The rest was measured or read in LXD's source, release by release.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_RECORDINGS = Path(__file__).parents[1] / "recordings"


@dataclass(frozen=True)
class Generation:
    """One generation. `extensions` is one list for all servers: do not change it."""

    name: str
    version: str
    extensions: list[str]
    has: frozenset[str]
    """The same as a set."""
    modern: bool
    """5.21 and later: timeouts of waits are errors, a join's trust stays, dead members heal."""
    newest: bool
    """6.9: leaders show one role, evacuations run one after the other and take the vote away."""

    @property
    def profile_operations(self) -> bool:
        """Whether changes of profiles and volumes are operations."""
        return "storage_and_profile_operations" in self.has

    @property
    def storage_operations(self) -> bool:
        """Whether changes of pools and networks are operations."""
        return "storage_and_network_operations" in self.has

    @property
    def voter_role(self) -> str:
        """The name of a voter's role."""
        return "database-voter" if self.newest else "database"


@cache
def generation(name: str) -> Generation:
    """The generation `5.0`, `5.21` or `6.9`."""
    version = {"5.0": "5.0.2", "5.21": "5.21.7", "6.9": "6.9"}[name]
    rows = json.loads((_RECORDINGS / f"{version}.json").read_text())
    server = next(row["answer"]["metadata"] for row in rows if row["path"] == "/1.0")
    extensions: list[str] = server["api_extensions"]
    return Generation(
        name=name,
        version=version,
        extensions=extensions,
        has=frozenset(extensions),
        modern=name != "5.0",
        newest=name == "6.9",
    )


def of_version(version: str) -> Generation:
    """The generation of a version: 5.0.x, 5.21.x, or anything newer."""
    if version.startswith("5.0."):
        return generation("5.0")
    return generation("5.21" if version.startswith("5.") else "6.9")


def schema(version: str) -> tuple[int, int]:
    """The version of LXD's database. Releases of 5.0, and of 5.21, share one."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


NAMES = ("5.0", "5.21", "6.9")
