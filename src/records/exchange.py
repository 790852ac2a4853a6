# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members' notes that they are about to exchange their LXD for another release.

Once a member has the other release, LXD waits for all members to have it. The peers' data also show
that, but a unit whose hooks fail reads no new data: Juju refreshes them only between hooks that
succeed. Such a unit still reads LXD's database.
"""

from __future__ import annotations

from state.cluster import ClusterView, Member
from steps.server import WriteNotes
from values import lxd_versions

PREFIX = "exchanging."


def begun(version: str, lxd: ClusterView) -> bool:
    """Whether a member is about to exchange its LXD for this release, from any file."""
    noted = [lxd.notes.get(PREFIX + m.name, "") for m in lxd.members]
    return any(v and lxd_versions.same(v, version) for v in noted)


def beginning(member: Member, version: str, lxd: ClusterView) -> tuple[WriteNotes, ...]:
    """The note, before the member installs this version."""
    key = PREFIX + member.name
    return () if lxd.notes.get(key) == version else (WriteNotes({key: version}),)


def outdated(member: Member, version: str, lxd: ClusterView) -> list[WriteNotes]:
    """Clears a member's own note, unless it still has to install this version."""
    key = PREFIX + member.name
    return [WriteNotes({key: ""})] if lxd.notes.get(key, version) != version else []
