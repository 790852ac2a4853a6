# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Where a daemon really listens, whatever is configured."""

from __future__ import annotations

import pytest

from lxd.errors import LxdError, LxdUnreachable
from lxd.join_tokens import fingerprint_of
from tests.lxd_model import by_hand, generations
from tests.lxd_model.ground import ask, client, cluster, endpoint, lxd, machines, statuses
from tests.lxd_model.listeners import CLUSTER, CORE

ALL = pytest.mark.parametrize("generation", generations.NAMES)


@ALL
def test_another_address_for_clients_closes_the_clusters_listener(generation: str):
    cloud, (one, two, three) = cluster(3, generation)
    two.addresses.add("10.1.0.2")
    lxd(two).server.set_config({CORE: "10.1.0.2:8443"})
    cloud.now += 40
    assert statuses(one) == ["ONLINE", "OFFLINE", "ONLINE"]
    with pytest.raises(ConnectionRefusedError):
        one.lxd.certificate("10.0.0.2", 8443, 5)
    two.snap.reload()
    cloud.now += 20
    assert statuses(three) == ["ONLINE"] * 3
    assert one.lxd.certificate("10.0.0.2", 8443, 5)
    assert one.lxd.certificate("10.1.0.2", 8443, 5)


def test_all_members_at_once_lose_their_database():
    cloud, servers = cluster(3)
    for server in servers:
        server.addresses.add(f"10.1.0.{server.machine}")
        lxd(server).server.set_config({CORE: f"10.1.0.{server.machine}:8443"})
    cloud.now += 40
    for server in servers:
        assert ask(server, "GET", "/1.0/cluster/members").error
    for server in servers:
        server.snap.reload()
    cloud.now += 20
    assert statuses(servers[0]) == ["ONLINE"] * 3


def test_every_address_covers_the_clusters():
    cloud, (one, two) = cluster(2)
    lxd(two).server.set_config({CORE: "[::]:8443"})
    cloud.now += 40
    assert statuses(one) == ["ONLINE"] * 2


@ALL
def test_a_port_that_is_taken(generation: str):
    _, (one,) = machines(1, generation)
    where = endpoint(one)
    one.listeners.taken[where] = "nginx"
    for _ in range(2):
        if CORE not in lxd(one).server.get().config:
            with pytest.raises(LxdError, match="bind: address already in use"):
                lxd(one).server.set_config({CORE: where})
    # 5.0 keeps the value in any case, and does not check the same value again.
    if generation == "5.0":
        lxd(one).server.set_config({CORE: where})
    assert (CORE in lxd(one).server.get().config) == (generation == "5.0")


@ALL
def test_a_port_that_is_taken_later(generation: str):
    cloud, (one,) = machines(1, generation)
    where = endpoint(one)
    lxd(one).server.set_config({CORE: where, CLUSTER: where})
    one.listeners.taken[where] = "nginx"
    one.restart()
    cloud.now += 10
    # LXD reports what is configured.
    assert ask(one, "GET", "/1.0").body["metadata"]["environment"]["addresses"] == [where]
    with pytest.raises(OSError, match="wrong version number"):
        one.lxd.certificate(one.address, 8443, 5)
    lxd(one).cluster.bootstrap("m0")
    with pytest.raises((LxdError, LxdUnreachable)):
        lxd(one).members.list()
    del one.listeners.taken[where]
    one.snap.reload()
    cloud.now += 10
    assert statuses(one) == ["ONLINE"]


def test_a_member_whose_address_is_gone_waits_for_it():
    cloud, (one, two) = cluster(2)
    two.address = "10.9.9.9"
    two.restart()
    cloud.now += 30
    assert not lxd(two).server.answers_at_all()
    assert statuses(one) == ["ONLINE", "OFFLINE"]
    two.address = "10.0.0.2"
    cloud.tick()
    cloud.now += 20
    assert statuses(two) == ["ONLINE"] * 2


@ALL
def test_the_certificate_that_is_shown(generation: str):
    _, (one, two) = cluster(2, generation)
    for server in (one, two):
        shown = fingerprint_of(one.lxd.certificate(server.address, 8443, 5))
        assert shown == lxd(one).server.get().fingerprint
    before = lxd(two).server.get().fingerprint
    body = {"cluster_certificate": "-----BEGIN CERTIFICATE-----", "cluster_certificate_key": ""}
    client(one).change("PUT", "/1.0/cluster/certificate", body)
    after = lxd(two).server.get().fingerprint
    assert after != before
    assert fingerprint_of(two.lxd.certificate(one.address, 8443, 5)) == after


def test_a_frozen_daemon_shows_nothing():
    cloud, (one, two) = cluster(2)
    two.freeze()
    begun = cloud.now
    with pytest.raises(TimeoutError):
        one.lxd.certificate(two.address, 8443, 3)
    assert cloud.now - begun == pytest.approx(3)  # pyright: ignore[reportUnknownMemberType]


def test_the_certificate_of_a_server_alone_is_its_own():
    _, (one,) = machines(1)
    by_hand.listen(one)
    assert fingerprint_of(one.lxd.certificate(one.address, 8443, 5)) == one.fingerprint
