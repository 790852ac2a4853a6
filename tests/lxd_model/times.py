# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Durations on a real LXD, in seconds. Each figure was measured on small machines."""

from __future__ import annotations

REQUEST = 0.01
"""One request that a healthy daemon answers at once."""

OPERATION = 0.02
"""From the answer that an operation has begun until it does something."""

EVENTS = 10.0
"""How long LXD waits for a missing member before it says so."""

NO_LEADER = 5.005
"""How long it looks for the leader of its database."""

HEADLESS = 2.0
"""The same on a member without a vote, while it can ask voters."""

HANDSHAKE = 5.0
"""How long it waits for a member that accepts a connection and says nothing."""

BOOTSTRAP = 1.9
JOIN = 1.2
"""A join: a third of it until the cluster has accepted it, the rest in the database's Raft group.
"""

LEAVE = 1.0
REMOVE = 0.3
"""A member's removal by force: 0.1 s to 0.7 s."""

HANDOVER = 5.0
"""The additional time for a Raft leader that leaves: it hands over first."""

ELECTION = 8.0
"""How long the others find no leader after theirs has left: measured over 7 s, under 9 s."""

PARTING = 5.0
"""How long LXD still serves a member that was removed by force. Measured: over 0.1 s, under 30 s.
"""

RESTART = 0.1
"""From the answer of a member that has left until its daemon ends, to start again."""

MOVE = 2.0
"""Moving one small container off an evacuated member: 1.2 s to 8 s."""

REFUSAL = 4.9
"""LXD's own deadline for a transaction, a moment before the charm's."""

DAEMON_START = 3.0
"""A daemon from its start until its socket is there."""

BOOT = 9.0
"""A machine from power on until LXD's daemon answers."""

NETWORK = 2.0
"""Creating a network on all members, once it is defined on each."""

INSTALL = 6.0
"""Installing a snap."""

LISTED = 5.0
"""How long LXD still lists an operation that has ended."""

HEARTBEAT = 10.0
"""Between two rounds of the raft leader's heartbeats."""
