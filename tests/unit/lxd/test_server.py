# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD on one machine through its API: its data, whether it answers, whether it was restarted."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import alone


def test_what_lxd_says_of_itself(servers: list[Server], lxd: LxdApi):
    found = lxd.server.get()

    assert (found.name, found.clustered) == ("m0", True)
    assert found.version == servers[0].generation.version
    assert found.drivers == {"btrfs", "dir"}
    assert found.fingerprint == servers[1].fingerprint
    assert found.config["core.https_address"] == "10.0.0.1:8443"
    assert "clustering" in found.extensions


def test_keys_are_set_and_unset(servers: list[Server], lxd: LxdApi):
    key = "cluster.offline_threshold"
    lxd.server.set_config({key: "30"})
    assert LxdApi(servers[1].lxd).server.get().config[key] == "30"

    lxd.server.set_config({key: ""})
    assert key not in lxd.server.get().config


def test_a_key_that_lxd_does_not_know_is_an_error(lxd: LxdApi):
    with pytest.raises(LxdError, match=r"(?i)unknown key"):
        lxd.server.set_config({"no.such": "key"})


def test_a_daemon_without_a_quorum_answers_and_its_database_does_not(
    servers: list[Server], lxd: LxdApi
):
    assert lxd.server.answers_at_all()
    assert lxd.server.database_answers()

    for server in servers[1:]:
        server.power_off()

    assert lxd.server.answers_at_all()
    assert lxd.server.ready()
    assert not lxd.server.database_answers()


def test_a_daemon_that_hangs_answers_nothing(servers: list[Server], lxd: LxdApi):
    servers[0].freeze()

    assert not lxd.server.answers_at_all()
    assert not lxd.server.database_answers()
    assert lxd.server.process() == 0
    with pytest.raises(LxdUnreachable):
        lxd.server.get()
    with pytest.raises(LxdUnreachable):
        lxd.server.ready()


def test_a_daemon_that_is_not_there_is_waited_for(servers: list[Server], lxd: LxdApi):
    servers[0].kill_daemon()
    with pytest.raises(LxdStopped):
        lxd.server.await_start(5)

    servers[0].start_daemon()

    lxd.server.await_start(30)


@pytest.mark.parametrize("generation", NAMES)
def test_a_daemon_that_starts_again_is_another_process(generation: str):
    (server,) = alone(generation)
    lxd = LxdApi(server.lxd)
    before = lxd.server.process()
    assert before
    with pytest.raises(LxdUnreachable, match="not restarted in 5 s"):
        lxd.server.await_restart(before, 5)

    server.snap.reload()

    lxd.server.await_restart(before, 30)
    assert lxd.server.process() != before
