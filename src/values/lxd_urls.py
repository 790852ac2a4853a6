"""What LXD's URLs name: of users of a pool or a profile, of operations, of warnings.

LXD quotes each part of a path, and a project's name in the query: `team+a` is `?project=team%2Ba`.
Here that is undone, once; `api_path` and the client quote what is asked for, once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

_API = "1.0"


@dataclass(frozen=True)
class Named:
    """What a URL names: the parts of its path after /1.0, as they are."""

    parts: tuple[str, ...]
    project: str = "default"
    member: str = ""
    """The member that it is on, empty where the URL does not say."""

    @property
    def kind(self) -> str:
        """`instances`, `profiles` or another, empty for LXD itself."""
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
    """What a URL of LXD's names."""
    split = urlsplit(url)
    parts = tuple(unquote(part) for part in split.path.split("/") if part)
    query = parse_qs(split.query)
    return Named(
        parts[1:] if parts[:1] == (_API,) else parts,
        query.get("project", ["default"])[-1],
        query.get("target", [""])[-1],
    )
