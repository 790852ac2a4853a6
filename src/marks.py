"""Members that are leaving, as they mark themselves in LXD's own configuration.

A unit that leaves can publish nothing to its peers any more, and one that is held may stay for
long. The others must know: it admits nobody and looks after nothing.
"""

from __future__ import annotations

from steps import SetServerConfig
from view import Lxd, Member

PREFIX = "user.lxd-cluster.leaving."


def leaving(lxd: Lxd) -> frozenset[str]:
    """The names of members that are marked."""
    config = lxd.server.config
    return frozenset(
        k.removeprefix(PREFIX) for k, v in config.items() if k.startswith(PREFIX) and v
    )


def serves(member: Member | None, lxd: Lxd) -> bool:
    """Whether a member does its part for the others: it is up, evacuated or not, and stays."""
    return member is not None and member.up and member.name not in leaving(lxd)


def mark(member: Member) -> SetServerConfig:
    """Marks a member. One key for each, so that two at once do not undo one another."""
    return SetServerConfig({PREFIX + member.name: "true"})


def outdated(own: str, lxd: Lxd) -> list[SetServerConfig]:
    """Clears the marks of members that are gone, and that of `own`, which stays."""
    names = {m.name for m in lxd.members} - {own}
    keys = {PREFIX + name: "" for name in leaving(lxd) - names}
    return [SetServerConfig(keys)] if keys else []
