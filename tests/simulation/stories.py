"""Short histories for mistakes that need several things to meet, which seeds draw too seldom."""

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

TWO_MAKERS = replace(
    _BEFORE,
    seed=113350,
    units=6,
    zones=3,
    happenings=(
        Happening(at=4.15, kind="cut-pair", unit=52, n=1, seconds=66.8),
        Happening(at=41.75, kind="cut-pair", unit=30, n=5, seconds=4.17),
        Happening(at=71.04, kind="address", unit=55, seconds=46.4),
    ),
)
"""A member does not hear of another's turn in time, and gives one itself."""

USED_AND_CANCELLED = replace(
    _BEFORE,
    seed=929914,
    seconds=300.0,
    happenings=(
        Happening(at=0.29, kind="clock", unit=30, seconds=1800.0, on="Join"),
        Happening(at=1.57, kind="freeze-daemon", unit=28, seconds=5.5, on="MakeToken", name="*"),
    ),
)
"""A token is taken back for being old by a clock that jumped, while its unit joins with it."""


CUT_OFF_IN_CREATION = replace(
    _BEFORE,
    seed=895022,
    units=3,
    seconds=300.0,
    slowness=0.5,
    happenings=(
        Happening(at=177.5, kind="config", word="pool=other"),
        Happening(at=3.0, kind="isolate", seconds=15.0, on="CreatePool", nth=1, name="*"),
    ),
)
"""The steward is cut off from the other members between a pool's first phase and its second."""

GONE_WHILE_IT_FOUNDS = replace(
    _BEFORE,
    seed=71408,
    seconds=300.0,
    zones=0,
    keep_machines=False,
    lost_departures=False,
    departures_never_told=False,
    happenings=(
        Happening(at=0.14, kind="kill-hook", unit=53, n=12, on="SetServerConfig", name="*"),
        Happening(at=0.56, kind="remove-unit", unit=59, on="SetServerConfig", name="*"),
    ),
)
"""The hook that bootstraps is cut short, LXD goes on with it, and Juju takes the unit away."""


def told(story: Schedule, times: int) -> Iterator[Schedule]:
    """A story, and the same with other seconds; every third time with another seed, too."""
    yield story
    random = Random(f"story {story.seed}")
    for time in range(1, times):
        yield replace(
            story,
            seed=story.seed if time % 3 else random.randrange(_SEEDS),
            happenings=tuple(_nearly(random, happening) for happening in story.happenings),
        )


def _nearly(random: Random, happening: Happening) -> Happening:
    return replace(
        happening,
        at=happening.at * random.uniform(0.9, 1.1),
        seconds=happening.seconds * random.uniform(0.8, 1.3),
    )
