# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Steps of most histories: form a cluster, join, evacuate, wait."""

from __future__ import annotations

import subprocess

from lxd.client import Client
from lxd.http import api_path
from state.notes import IDENTITY
from tests.conformance.answers import Transcript
from tests.conformance.side import MACHINES, POOL

SOON = 36.0
"""Seconds for a change that must happen by itself: a heartbeat, an election, a new role."""
_EVACUATION = 60.0


def bootstrap(transcript: Transcript, machine: str) -> None:
    """Makes a cluster of one, with a pool and the charm's first note.

    A member counts as offline 20 s after its last heartbeat. That is LXD's default: with less, a
    late heartbeat makes a member offline by chance. LXD 6.9 makes no project for notes while a
    member is down, so the charm writes its first note here.
    """
    lxd, endpoint = transcript.side.lxd(machine), transcript.side.endpoint(machine)
    lxd.server.set_config({"core.https_address": endpoint, "cluster.https_address": endpoint})
    lxd.pools.create(POOL, "dir", {}, {})
    lxd.cluster.bootstrap(transcript.side.hostname(machine))
    lxd.notes.write({IDENTITY: "conformance"})


def token(transcript: Transcript, issuer: str, joiner: str) -> str:
    """A join token for a machine."""
    return transcript.side.lxd(issuer).cluster.make_token(transcript.side.hostname(joiner))


def join(transcript: Transcript, machine: str, secret: str) -> None:
    """A machine joins with a token."""
    side = transcript.side
    lxd = side.lxd(machine)
    lxd.server.set_config({"core.https_address": side.endpoint(machine)})
    answers = [{"entity": "storage-pool", "name": POOL, "key": "source", "value": ""}]
    join_target = lxd.cluster.join_target(secret, frozenset())
    lxd.cluster.join(side.hostname(machine), side.endpoint(machine), secret, answers, join_target)


def form(transcript: Transcript, *machines: str) -> None:
    """One cluster of these machines."""
    first, *rest = machines
    bootstrap(transcript, first)
    for machine in rest:
        join(transcript, machine, token(transcript, first, machine))


def await_restart(transcript: Transcript, machine: str) -> None:
    """Waits for LXD, which restarts its daemon after it has left."""
    transcript.side.wait(3)
    transcript.side.lxd(machine).server.await_start(30)


def located(transcript: Transcript, machine: str) -> str:
    """Every instance, its location and its mode of evacuation."""
    side = transcript.side
    letters = {side.hostname(m): m for m in MACHINES}
    found = sorted(side.lxd(machine).instances.list(), key=lambda i: i.name)
    return ", ".join(f"{i} on {letters.get(i.location)} ({i.evacuate})" for i in found)


def evacuate(transcript: Transcript, asked: str, machine: str) -> None:
    """An evacuation until its end."""
    side = transcript.side
    path = api_path("cluster", "members", side.hostname(machine), "state")
    body = {"action": "evacuate"}
    Client(side.port(asked)).change("POST", path, body, seconds=_EVACUATION)


def recovered(transcript: Transcript, machine: str) -> str:
    """Whether LXD's tool agreed to recover the database there."""
    try:
        transcript.side.recover(machine)
    except (AssertionError, subprocess.SubprocessError):
        return "no"
    return "yes"
