# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The name of a unit's member: its machine's, unless another member has that name already.

MAAS has machines with one short name in several domains. LXD accepts any name for a member that
does not begin with `@` and is not `none` (read in its source). So the second member's name ends
with the number of its unit, which never changes and is unique.
"""

from __future__ import annotations

from state.view import Peers, View
from values.status import StatusText

_NOT_CLUSTERED = "none"
"""LXD's own name for a server that is in no cluster.

Newer versions of LXD refuse it, older ones break.
"""
_FORBIDDEN = "Failed getting existing certificate: Forbidden"


def of_unit(view: View, peers: Peers) -> str:
    """The name of the member that this unit is to become."""
    numbered = f"{view.hostname}-{view.unit.rpartition('/')[2]}"
    # A published name does not change: a join may have begun with it.
    if peers.own.name == numbered or _refused(view, peers) or clash(view, peers, view.hostname):
        return numbered
    unusable = view.hostname == _NOT_CLUSTERED or _trusted_as_another(view)
    return numbered if unusable else view.hostname


def clash(view: View, peers: Peers, name: str) -> str:
    """The other unit that has priority for a name, empty if there is none."""
    rank = {entry.unit: i for i, entry in enumerate(peers.app.queue)}
    own_rank = (rank.get(view.unit, len(rank)), view.unit)
    for unit, data in sorted(peers.others.items()):
        first = (rank.get(unit, len(rank)), unit) < own_rank
        # A unit that is not queued may be gone without Juju saying so here.
        if unit in rank and data.name == name and (data.cluster or first):
            return unit
    return ""


def taken(name: str) -> StatusText:
    """Why a unit that would have this name is refused."""
    return f"the cluster already has a member {name}: rename this machine"


def _trusted_as_another(view: View) -> bool:
    """Whether the cluster trusts another certificate under the machine's name.

    A failed join left it there, and the machine was erased since then. From 5.21 on LXD accepts no
    second certificate with that name, and never replaces the first one (measured, 5.21.7 and 6.9).
    """
    return view.failures is not None and _FORBIDDEN in view.failures.last


def _refused(view: View, peers: Peers) -> bool:
    """Whether a member refuses this unit because of the machine's name."""
    why = taken(view.hostname)
    queued = {entry.unit for entry in peers.app.queue}
    return any(u in queued and d.refused.get(view.unit) == why for u, d in peers.others.items())
