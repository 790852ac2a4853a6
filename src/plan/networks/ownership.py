# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The owner of an existing network: the charm changes no key of a network that somebody else made.

If such a network already has all wanted keys, the charm only marks it as its own, because an option
names it.
"""

from __future__ import annotations

from collections.abc import Iterable

from modes import MARK, NAMED
from plan.storage import contributions as storage_contributions
from state.cluster import ClusterView, Network
from steps.networks import UpdateNetwork
from values.status import Status, blocked

_MARKS = frozenset({MARK, NAMED, storage_contributions.KEYS})
"""Keys that only the charm sets, or an operator who hands a network over.

The list of interfaces is not one of them: operators set it for their own networks.
"""
_NOTES = "user.lxd-cluster."
"""The beginning of keys that the charm sets for itself: they change nothing of a network."""


def only_notes(keys: Iterable[str]) -> bool:
    """Whether a change sets only what the charm notes for itself."""
    return all(key.startswith(_NOTES) for key in keys)


def is_charms(lxd: ClusterView, network: Network) -> bool:
    """Whether the charm made a network.

    A charm before this rule marked only some modes. The default profile's network is always the
    charm's: it puts back what somebody else sets there.
    """
    on_profile = lxd.nic is not None and lxd.nic.get("network") == network.name
    return on_profile or not _MARKS.isdisjoint(network.config)


def refused(lxd: ClusterView, network: Network, update: UpdateNetwork) -> Status | None:
    """Blocked for an update of a network that somebody else made, with the first key."""
    if is_charms(lxd, network):
        return None
    keys = sorted(key for key in update.values if not key.startswith(_NOTES))
    keys += ["parent"] if update.members else []
    if not keys:
        return None
    made_by_hand = f"network {network.name} was made by hand"
    return blocked(f"{made_by_hand}: {keys[0]} differs; choose another name")
