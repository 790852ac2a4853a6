# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A machine that was cut off has an old copy of the database, and recovers only its content."""

from __future__ import annotations

import pytest

from tests.lxd_model import by_hand, copies
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server


def cluster(generation: str) -> tuple[Cloud, list[Server]]:
    cloud = Cloud(generation=generation)
    servers = [cloud.add(str(n), f"m{n}", f"10.0.0.{n + 1}") for n in range(3)]
    for server in servers:
        server.revision = "1"
        server.start_daemon()
    cloud.now += 10.0
    by_hand.bootstrap(servers[0])
    for server in servers[1:]:
        by_hand.join(server, servers[0])
        cloud.now += 30.0
        cloud.tick()
    return cloud, servers


def off_at_once(cloud: Cloud, *servers: Server) -> None:
    for server in servers:
        server.power_off()
    cloud.now += 60.0
    cloud.tick()


@pytest.mark.parametrize("generation", NAMES)
def test_copies_of_members_that_hear_of_each_other_are_equally_new(generation: str):
    _, servers = cluster(generation)

    assert len({copies.index(server) for server in servers}) == 1


@pytest.mark.parametrize("generation", NAMES)
def test_who_is_cut_off_recovers_what_it_had_then(generation: str):
    cloud, (first, second, third) = cluster(generation)
    off_at_once(cloud, third)
    by_hand.launch(first, "c1")
    off_at_once(cloud, first, second)
    assert copies.index(third) < copies.index(second) == copies.index(first)
    third.power_on()

    third.database.recover()

    assert not third.records.instances
    (recovery,) = cloud.recoveries
    assert recovery.missed == {"default/c1"}
    assert recovery.index < max(recovery.others.values())


@pytest.mark.parametrize("generation", NAMES)
def test_the_newest_copy_has_everything(generation: str):
    cloud, (first, second, third) = cluster(generation)
    off_at_once(cloud, third)
    by_hand.launch(first, "c1")
    off_at_once(cloud, first, second)
    second.power_on()

    second.database.recover()

    assert [str(i) for i in second.records.instances.values()] == ["default/c1"]
    assert not cloud.recoveries[0].missed


@pytest.mark.parametrize("generation", NAMES)
def test_who_is_back_has_caught_up(generation: str):
    cloud, (first, _, third) = cluster(generation)
    off_at_once(cloud, third)
    by_hand.launch(first, "c1")
    third.power_on()
    cloud.now += 60.0
    cloud.tick()

    assert copies.index(third) == copies.index(first)
