# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Draws the schedule of a seed from the tables of events."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from tests.simulation.schedule import (
    ACTOR,
    COMMANDS,
    DYING,
    EXCHANGE_STEPS,
    EXCHANGES,
    EXCHANGING,
    FAULTS,
    GENERATIONS,
    HANDS,
    HANDS_STEPS,
    LEAVING,
    NETWORK_STEPS,
    NETWORKS,
    RULES,
    SHARED,
    SHARED_STEPS,
    STEPS,
    STORAGE,
    STORAGE_STEPS,
    Happening,
    Schedule,
)


def draw(seed: int) -> Schedule:
    """The schedule of a seed."""
    random = Random(f"schedule {seed}")
    seconds = random.choice([120.0, 300.0, 600.0, 1200.0, 2400.0])
    faults = random.choice([0, 1, 2, 3, 4, 6, 8, 12, 20])
    commands = random.choice([0, 1, 2, 3, 5, 8, 12])
    happenings = [_draw(random, FAULTS, seconds) for _ in range(faults)]
    happenings += [_draw(random, COMMANDS, seconds) for _ in range(commands)]
    happenings = _ambushed(random, happenings, STEPS)
    for topic in (_of_changes, _of_hands, _of_leaders, _of_ceph, _of_exchanges):
        happenings += topic(seed, seconds)
    return Schedule(
        seed=seed,
        units=random.choice([1, 2, 3, 3, 3, 4, 4, 5, 6]),
        seconds=seconds,
        slowness=random.choice([0.02, 0.1, 0.1, 0.5, 2.0]),
        zones=random.choice([0, 0, 1, 3]),
        keep_machines=random.random() < 0.3,
        lost_departures=random.random() < 0.3,
        late_departures=random.random() < 0.3,
        departures_never_told=random.random() < 0.5,
        removes_application=random.random() < 0.05,
        storage_backend=random.choice(["auto", "auto", "dir"]),
        through_ops=seed % 10 == 9,
        generation=Random(f"generation {seed}").choice(GENERATIONS),
        juju=Random(f"juju {seed}").choice(RULES),
        happenings=tuple(sorted(happenings, key=lambda h: (h.at, h.kind, h.unit))),
        unheard_leavers=Random(f"unheard {seed}").random() < 0.3,
    )


def _of_changes(seed: int, seconds: float) -> list[Happening]:
    """In three seeds of five the operator changes pools or networks while events happen."""
    if seed % 5 in (1, 3):
        topic, commands, steps = "storage", STORAGE, STORAGE_STEPS
    elif seed % 5 == 2:
        topic, commands, steps = "networks", NETWORKS, NETWORK_STEPS
    else:
        return []
    random = Random(f"{topic} {seed}")
    found = [_draw(random, commands, seconds) for _ in range(random.choice([1, 2, 3, 5]))]
    faults = [_draw(random, FAULTS, seconds) for _ in range(random.choice([0, 0, 1, 2, 4]))]
    return found + _ambushed(random, faults, steps)


def _of_hands(seed: int, seconds: float) -> list[Happening]:
    """In two seeds of five the operator does something without the charm."""
    if seed % 5 not in (0, 4):
        return []
    random = Random(f"hands {seed}")
    found = [_draw(random, HANDS, seconds) for _ in range(random.choice([1, 2, 2, 4]))]
    more = [_draw(random, LEAVING, seconds) for _ in range(random.choice([0, 0, 1, 2]))]
    return found + _ambushed(random, more, HANDS_STEPS)


def _of_ceph(seed: int, seconds: float) -> list[Happening]:
    """In one seed of ten instances are in a Ceph, and members die or are cut off for good."""
    random = Random(f"ceph {seed}")
    if random.random() >= 0.1:
        return []
    launched = [_draw(random, SHARED, seconds) for _ in range(random.choice([2, 4, 8]))]
    found = [replace(h, at=random.uniform(0.3, 0.6) * seconds) for h in launched]
    for _ in range(random.choice([1, 1, 2])):
        found += _death(random, random.uniform(0.6, 0.8) * seconds)
    faults = [_draw(random, DYING, seconds) for _ in range(random.choice([0, 1, 2, 4]))]
    return found + _ambushed(random, faults, SHARED_STEPS)


def _of_exchanges(seed: int, seconds: float) -> list[Happening]:
    """In one seed of ten the operator gives the members another LXD."""
    random = Random(f"exchanges {seed}")
    if random.random() >= 0.1:
        return []
    drawn = [_draw(random, EXCHANGES, seconds) for _ in range(random.choice([1, 1, 1, 2]))]
    found = [replace(h, at=random.uniform(0.3, 0.7) * seconds) for h in drawn]
    faults = [_draw(random, EXCHANGING, seconds) for _ in range(random.choice([0, 1, 2, 4]))]
    return found + _ambushed(random, faults, EXCHANGE_STEPS)


def _death(random: Random, at: float) -> list[Happening]:
    """A machine dies or is cut off, its unit is removed by force, and other machines reboot."""
    unit = random.randrange(60)
    kind = random.choice(["isolate", "isolate", "power-off", "destroy"])
    dies = Happening(at=at, kind=kind, unit=unit, seconds=random.uniform(100.0, 900.0))
    at += random.uniform(0.0, 60.0)
    removal = Happening(at=at, kind="force-remove", unit=unit)
    reboots = [
        Happening(at=at + random.uniform(30.0, 300.0), kind="reboot", unit=unit, seconds=10.0)
        for unit in range(random.choice([0, 2, 4]))
    ]
    return [dies, removal, *reboots]


def _of_leaders(seed: int, seconds: float) -> list[Happening]:
    """In one seed of ten a Raft leader sends no heartbeats."""
    random = Random(f"leaders {seed}")
    at, unit = random.random() * seconds, random.randrange(60)
    often = random.random() < 0.1
    return [Happening(at=at, kind="quiet-leader", unit=unit)] if often else []


def _draw(random: Random, table: dict[str, tuple[int, Any]], seconds: float) -> Happening:
    kinds = list(table)
    kind = random.choices(kinds, [table[k][0] for k in kinds])[0]
    # The cluster forms in the first two minutes: half of all events happen in them.
    at = random.random() * (120.0 if random.random() < 0.5 else seconds)
    unit = random.randrange(60)
    return Happening(at=at, kind=kind, unit=unit, **table[kind][1](random, seconds))


def _ambushed(
    random: Random, happenings: list[Happening], steps: dict[str, int]
) -> list[Happening]:
    """Lets some events wait for a step: two things rarely happen within one second by chance."""
    if random.random() < 0.4:
        return happenings
    share = random.choice([0.3, 0.6, 1.0])
    together = random.random() < 0.6
    trigger = _trigger(random, steps)
    met: list[Happening] = []
    for happening in happenings:
        if random.random() >= share:
            met.append(happening)
            continue
        on, nth = trigger if together else _trigger(random, steps)
        at = 0.0 if random.random() < 0.3 else 0.02 * 300 ** random.random()
        name = ACTOR if random.random() < 0.4 else ""
        met.append(replace(happening, at=at, on=on, nth=nth, name=name))
    return met


def _trigger(random: Random, steps: dict[str, int]) -> tuple[str, int]:
    return random.choices(list(steps), list(steps.values()))[0], random.choice(
        [0, 0, 1, 1, 2, 3, 5]
    )
