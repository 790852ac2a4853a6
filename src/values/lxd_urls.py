# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The objects in LXD's URLs: users of a pool or a profile, objects of operations and warnings.

LXD quotes each part of a path, and a project's name in the query: `team+a` is `?project=team%2Ba`.
This module unquotes them once; `api_path` and the client quote requests once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

_API = "1.0"


@dataclass(frozen=True)
class Named:
    """The object of a URL: the unquoted parts of its path after /1.0."""

    parts: tuple[str, ...]
    project: str = "default"
    member: str = ""
    """Its member, empty if the URL does not name one."""

    @property
    def kind(self) -> str:
        """`instances`, `profiles` or another kind, empty for LXD itself."""
        return self.parts[0] if self.parts else ""

    @property
    def name(self) -> str:
        """Its own name."""
        return self.parts[-1] if self.parts else ""

    def __str__(self) -> str:
        text = "/".join(self.parts)
        text += f" of project {self.project}" if self.project != "default" else ""
        return text + (f" on {self.member}" if self.member else "")


@lru_cache
def read(url: str) -> Named:
    """The object of one of LXD's URLs."""
    split = urlsplit(url)
    parts = tuple(unquote(part) for part in split.path.split("/") if part)
    query = parse_qs(split.query)
    return Named(
        parts[1:] if parts[:1] == (_API,) else parts,
        query.get("project", ["default"])[-1],
        query.get("target", [""])[-1],
    )
