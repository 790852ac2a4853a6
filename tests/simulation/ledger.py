"""What was done with the operator's own hands: the charm is not to be blamed for it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Instances and volumes go by the names that `view` gives them."""

    made: dict[str, str] = field(default_factory=dict[str, str])
    """Everything that was ever launched or added, and the machine it was made on."""
    deleted: set[str] = field(default_factory=set[str])
    """What the operator deleted, or acknowledged as lost, or removed with its member."""
    given_up: set[str] = field(default_factory=set[str])
    """Machines that were destroyed, or whose units were removed by force."""
    removed: set[str] = field(default_factory=set[str])
    """Members that the operator removed from the cluster, by name."""
    fixed: dict[str, str] = field(default_factory=dict[str, str])
    """Instances that must stay where they are, for their devices, and the machine of each."""
    theirs: set[str] = field(default_factory=set[str])
    """Machines whose LXD the operator put into a cluster by hand."""
    hands: set[str] = field(default_factory=set[str])
    """Machines on which the operator had instances stopped: by an evacuation, or with the snap."""
    happened: int = 0
    """Faults and commands that took effect."""
