# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What the operator did by hand: the charm is not responsible for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Instances and volumes have the names that `view` gives them."""

    made: dict[str, str] = field(default_factory=dict[str, str])
    """Everything that was ever launched or added, and its machine."""
    deleted: set[str] = field(default_factory=set[str])
    """What the operator deleted, acknowledged as lost, or removed with its member."""
    given_up: set[str] = field(default_factory=set[str])
    """Machines that were destroyed, or whose units were removed by force."""
    removed: set[str] = field(default_factory=set[str])
    """Members that the operator removed from the cluster, by name."""
    fixed: dict[str, str] = field(default_factory=dict[str, str])
    """Instances that must stay where they are because of their devices, with their machines."""
    theirs: set[str] = field(default_factory=set[str])
    """Machines whose LXD the operator put into a cluster by hand."""
    hands: set[str] = field(default_factory=set[str])
    """Machines where the operator had instances stopped: by an evacuation, or with the snap."""
    happened: int = 0
    """Faults and commands that took effect."""
