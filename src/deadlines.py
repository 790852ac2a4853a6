# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Every time limit of the charm, in seconds, in one place."""

from __future__ import annotations

LOOK = 5.0
"""One read from LXD. A healthy daemon answers in milliseconds, one without quorum never."""

LIST = 30.0
"""A list that grows with the content of the cluster: 200 networks with 1,000 instances took 0.8 s.
"""

HANDSHAKE = 3.0
"""Another member's daemon accepts a TLS connection, as a sign that it lives."""

CHANGE = 60.0
"""One synchronous change in LXD. Creating a network on eight loaded members took 9 s."""

START = 30.0
"""LXD's daemon from start to its first answer; after a reboot 9 s were measured."""

START_WHILE_LEAVING = 5.0
"""The same in the later hooks of a leaving unit: Juju runs one for each unit that stays."""

RECOVERY_ANSWER = 300.0
"""How long units have to answer another unit's question before it counts as unanswered."""

UNRESPONSIVE = 120.0
"""How long LXD may fail to answer and still recover by itself: 13 s when the Raft leader leaves,
half a minute for a member to start after a reboot.
"""

STARTS_AGAIN = 60.0
"""A daemon that ends when it starts logs the reason at least this often: systemd starts it at once.
"""

DAEMON_STOP = 320.0
"""LXD's daemon ends, instances keep running. Its snap waits as long in a refresh; measured: 4 s."""

HEARTBEAT = 30.0
"""A member whose daemon just started counts as offline until the next heartbeat, every 10 s."""

POOL = 120.0
"""Making a pool on all members, or deleting it with its images."""

VOLUME = 300.0
"""LXD moves its images to another volume: some GB in the worst case."""

ENABLE = 60.0
"""Turning a server into a cluster of one. Measured: 2 s."""

JOIN = 120.0
"""One join. Measured: 0.7 s to 6 s; one that hangs never ends (LXD PR 12571, issue 19071)."""

EVACUATE = 3600.0
"""Somebody else's evacuation of a member: local pools copy each whole instance."""

MOVE = 3600.0
"""Moving one instance off a leaving member. If it takes longer, the next hook waits for it."""

IMAGES = 1800.0
"""LXD copies images that only one member has."""

EVACUATED_DEAD = 60.0
"""A member that LXD calls evacuated and that has not answered for this long is dead. It is three
times the offline threshold, after which LXD would call any other member offline.
"""

WITHOUT_HEARTBEATS = 120.0
"""How long a Raft leader sends no heartbeats before its daemon is reloaded: twelve of its rounds,
and six times the threshold after which LXD calls a member offline.
"""

RELOAD_AGAIN = 3600.0
"""Between two reloads of such a leader: each makes the database unavailable for some seconds."""

LEAVE = 120.0
"""A member's removal. Measured: 1 s, and 7 s when it was the raft leader."""

TURN = 60.0
"""Other members change their addresses before this one: one second each, or five with a reload of
the daemon.
"""

ROLES = 30.0
"""LXD gives its last two members new roles after the third has left. It does so within 10 s, or
never.
"""

GIVEN_BACK = 180.0
"""A member that is up for this long after its unit was gone is not on a released machine."""

LAPSE = 600.0
"""A unit that has had its token for this long without joining goes to the end of the queue."""

SNAP = 540.0
"""Installing a snap: a download of some hundred MB in the worst case."""

SNAP_BUSY = 240.0
"""Another change of LXD's snap before the charm's own: LXD asks for a refresh by itself when it
sees a newer member.
"""

PACKAGES = 300.0
"""Installing a few small Debian packages."""

PARTITIONS = 10.0
"""Until no other program has a partition of a wiped disk open: udev reads them for a moment."""

COMMAND = 60.0
"""Any other command on the machine."""
