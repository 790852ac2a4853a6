# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Short histories for mistakes that need several events together, which seeds rarely produce."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from tests.simulation.schedule import Happening, Schedule

_SEEDS = 10**6

_BEFORE = Schedule(
    seed=0,
    units=4,
    seconds=120.0,
    slowness=0.02,
    zones=1,
    keep_machines=True,
    lost_departures=True,
    late_departures=True,
    departures_never_told=True,
    removes_application=False,
    storage_backend="auto",
    through_ops=False,
    generation="5.0",
    juju="3.6",
    happenings=(),
)

_ORDERLY = replace(
    _BEFORE,
    zones=0,
    keep_machines=False,
    lost_departures=False,
    late_departures=False,
    departures_never_told=False,
)
"""Juju tells of every departure in time."""

TWO_ISSUERS = replace(
    _BEFORE,
    seed=1,
    units=6,
    happenings=(
        Happening(at=0.4, kind="isolate", seconds=200.0, on="Join", nth=2, name="*"),
        Happening(at=6.0, kind="freeze-daemon", seconds=100.0, on="MakeToken", nth=2, name="*"),
        Happening(at=45.0, kind="config", word="replicas=2", on="MakeToken", nth=2),
    ),
)
"""A join hangs, and the member that admitted it stops answering, so another member makes tokens."""

USED_AND_CANCELLED = replace(
    _BEFORE,
    seed=963194,
    seconds=300.0,
    happenings=(
        Happening(at=2.055, kind="clock", unit=43, seconds=1357.0, on="Join"),
        Happening(at=2.114, kind="freeze-daemon", unit=23, seconds=5.1, on="MakeToken", name="*"),
    ),
)
"""Because a clock jumped, a token is cancelled as too old while its unit joins with it."""


CUT_OFF_IN_CREATION = replace(
    _BEFORE,
    seed=442907,
    units=3,
    seconds=300.0,
    slowness=0.5,
    happenings=(
        Happening(at=192.4, kind="config", word="pool=other"),
        Happening(at=5.0, kind="isolate", seconds=38.5, on="CreatePool", nth=1, name="*"),
    ),
)
"""The coordinator is cut off from the other members between a pool's first phase and its second."""

DIES_IN_CREATION = replace(
    _BEFORE,
    units=3,
    seconds=300.0,
    happenings=(
        Happening(at=200.0, kind="config", word="name=br7"),
        Happening(at=1.0, kind="kill-daemon", unit=1, seconds=5.0, on="CreateNetwork", nth=1),
    ),
)
"""The daemon of another member ends while it makes its part of a network."""

GONE_WHILE_IT_FOUNDS = replace(
    _ORDERLY,
    seed=71408,
    seconds=300.0,
    late_departures=True,
    happenings=(
        Happening(at=0.1, kind="remove-unit", on="EnableCluster", name="*"),
        Happening(at=0.0, kind="kill-hook", n=14, on="EnableCluster", name="*"),
    ),
)
"""Juju removes a unit, the hook that bootstraps is killed, and LXD continues the bootstrap."""

NEWEST_COPY_SURVIVES = replace(
    _ORDERLY,
    seed=5,
    units=5,
    seconds=600.0,
    slowness=0.1,
    happenings=(
        Happening(at=200.0, kind="power-off", unit=2, seconds=60.0),
        Happening(at=225.0, kind="launch", unit=3, word="auto"),
        Happening(at=240.0, kind="destroy", unit=0, seconds=20.0),
        Happening(at=240.5, kind="destroy", unit=1, seconds=20.0),
    ),
)
"""Two of three voters are destroyed; one of the others was off and has an old copy."""

_PLAIN = replace(
    _ORDERLY,
    seed=1,
    units=3,
    seconds=400.0,
    slowness=0.1,
    generation="5.21",
)

CERTIFICATE_CHANGES = replace(_PLAIN, happenings=(Happening(at=150.0, kind="update-certificate"),))
"""The cluster shows another certificate, but is the same."""

FOUNDED_BY_HAND = replace(
    _PLAIN, units=4, happenings=(Happening(at=0.5, kind="bootstrap-by-hand", on="Join", nth=0),)
)
"""The LXD of a unit that waits for its turn is a cluster of the operator's."""

JOINED_BY_HAND = replace(
    _PLAIN, happenings=(Happening(at=150.0, kind="join-by-hand", seconds=160.0),)
)
"""A member without a unit is off for a while."""

HAS_A_DEVICE = replace(
    _PLAIN,
    happenings=(
        Happening(at=150.0, kind="thing", unit=1, word="gpu"),
        Happening(at=160.0, kind="remove-unit", unit=1),
    ),
)
"""An instance with a device is on a leaving member."""

HAS_A_VOLUME = replace(
    _PLAIN,
    happenings=(
        Happening(at=150.0, kind="volume", unit=1),
        Happening(at=160.0, kind="remove-unit", unit=1),
    ),
)
"""Its name begins like those of the charm's volumes."""

HAS_A_BUCKET = replace(
    _PLAIN,
    happenings=(
        Happening(at=150.0, kind="thing", unit=1, word="bucket"),
        Happening(at=160.0, kind="remove-unit", unit=1),
    ),
)
"""LXD does not count buckets."""

ABANDONED = replace(
    _PLAIN,
    happenings=(
        Happening(at=140.0, kind="on-remove", word="abandon"),
        Happening(at=150.0, kind="launch", unit=1, word="auto"),
        Happening(at=155.0, kind="volume", unit=1),
        Happening(at=160.0, kind="remove-unit", unit=1),
    ),
)
"""A member is given up, and some of its objects can move."""

ALL_GO = replace(
    _PLAIN,
    units=1,
    removes_application=True,
    happenings=(Happening(at=150.0, kind="launch", unit=0, word="auto"),),
)
"""The application goes with its last unit, and its cluster has an instance."""

CUT_OFF_AND_RECOVERED = replace(
    _PLAIN,
    happenings=(
        Happening(at=150.0, kind="isolate", unit=1, seconds=240.0),
        Happening(at=320.0, kind="recover-quorum", unit=1),
    ),
)
"""A voter that reaches no other is told to recover, while the others have their quorum."""

EVACUATED_AND_DESTROYED = replace(
    _PLAIN,
    happenings=(
        Happening(at=150.0, kind="evacuate", unit=2),
        Happening(at=190.0, kind="destroy", unit=2, seconds=20.0),
    ),
)
"""A member is evacuated, and its machine is destroyed: LXD still calls it evacuated."""

ALL_OTHERS_EVACUATED = replace(
    _PLAIN,
    generation="6.9",
    happenings=(
        Happening(at=150.0, kind="evacuate", unit=1),
        Happening(at=190.0, kind="evacuate", unit=2),
        Happening(at=240.0, kind="remove-unit", unit=0),
    ),
)
"""The only member with the database leaves: LXD has taken the other members' roles."""

HAS_AN_EPHEMERAL = replace(
    _PLAIN,
    happenings=(
        Happening(at=150.0, kind="thing", unit=1, word="ephemeral"),
        Happening(at=160.0, kind="remove-unit", unit=1),
    ),
)
"""An ephemeral instance is on a leaving member."""

QUIET_LEADER = replace(
    _PLAIN, generation="5.0", happenings=(Happening(at=150.0, kind="quiet-leader"),)
)
"""The Raft leader sends no heartbeats any more, and its daemon runs."""

QUIET_EVACUATED_LEADER = replace(
    QUIET_LEADER,
    happenings=(
        Happening(at=130.0, kind="evacuate", unit=0),
        *QUIET_LEADER.happenings,
        Happening(at=330.0, kind="config", word="lan"),
    ),
)
"""The same, and its member was evacuated before: LXD calls only the others offline.

The statuses name the network that waits for them. So nobody restores the member.
"""

QUIET_LEADER_WITH_INSTANCES = replace(
    QUIET_LEADER,
    happenings=(
        Happening(at=140.0, kind="launch", unit=0, word="auto"),
        Happening(at=141.0, kind="launch", unit=1, word="auto"),
        Happening(at=142.0, kind="launch", unit=2, word="auto"),
        *QUIET_LEADER.happenings,
    ),
)
"""The daemon of the Raft leader must start again, and instances run on its machine."""

LEAVES_6_9 = replace(
    _PLAIN,
    generation="6.9",
    happenings=(
        Happening(at=150.0, kind="launch", unit=0, word="auto"),
        Happening(at=160.0, kind="remove-unit", unit=0),
        Happening(at=200.0, kind="remove-unit", unit=0),
    ),
)
"""Two of three members leave, including the Raft leader."""

NAMES_SHIFT = replace(
    _PLAIN,
    units=5,
    generation="5.0",
    happenings=(
        Happening(at=150.0, kind="rename-member", unit=3),
        Happening(at=150.5, kind="remove-unit", unit=3),
    ),
)
"""A member gets the name that another one had, whose unit leaves. LXD shows that one's old name."""


CUT_OFF_WITH_A_CEPH = replace(
    _PLAIN,
    units=4,
    seconds=700.0,
    keep_machines=True,
    happenings=(
        Happening(at=150.0, kind="launch-in-ceph", unit=0),
        Happening(at=151.0, kind="launch-in-ceph", unit=0),
        Happening(at=152.0, kind="launch-in-ceph", unit=0, word="true"),
        Happening(at=200.0, kind="isolate", unit=0, seconds=1000.0),
        Happening(at=230.0, kind="force-remove", unit=0),
        Happening(at=450.0, kind="reboot", unit=0, seconds=10.0),
        Happening(at=451.0, kind="reboot", unit=1, seconds=10.0),
        Happening(at=452.0, kind="reboot", unit=2, seconds=10.0),
    ),
)
"""A member is cut off and removed; its instances in a Ceph move, and run on. The others reboot."""

LOST_AND_REFRESHED = replace(
    _ORDERLY,
    units=2,
    seconds=300.0,
    generation="5.21",
    happenings=(
        Happening(at=100.0, kind="force-remove", unit=1),
        Happening(at=150.0, kind="refresh", seconds=10.0),
    ),
)
"""The only voter is lost for good, and then LXD of the other member is refreshed by hand."""


def variants(story: Schedule, times: int) -> Iterator[Schedule]:
    """A history, and the same with other moments; every third time with another seed, too."""
    yield story
    random = Random(f"story {story.seed}")
    for time in range(1, times):
        yield replace(
            story,
            seed=story.seed if time % 3 else random.randrange(_SEEDS),
            happenings=tuple(_nearly(random, happening) for happening in story.happenings),
        )


def _nearly(random: Random, happening: Happening) -> Happening:
    # The number of pauses in a step changes with the charm, and with it the moment of a kill.
    pauses = random.randint(-3, 3) if happening.kind == "kill-hook" else 0
    return replace(
        happening,
        n=max(0, happening.n + pauses),
        at=happening.at * random.uniform(0.9, 1.1),
        seconds=happening.seconds * random.uniform(0.8, 1.3),
    )
