# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Bootstraps, join tokens and joins through LXD's API."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from lxd import join_tokens
from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from lxd.http import Request, Response
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.ground import endpoint
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import alone, clustered, faulty

ALL = pytest.mark.parametrize("generation", NAMES)


def joiner(member: Server) -> Server:
    """A server beside a cluster, which listens."""
    cloud = member.cloud
    server = cloud.add("9", "m9", "10.0.0.10")
    server.snap.install("any/stable", "")
    cloud.now = max(cloud.now, server.ready)
    by_hand.listen(server)
    del server.config["cluster.https_address"]
    return server


def join(server: Server, token: str) -> None:
    lxd = LxdApi(server.lxd)
    join_target = lxd.cluster.join_target(token, frozenset())
    lxd.cluster.join("m9", endpoint(server), token, [], join_target)


@ALL
def test_a_server_becomes_a_cluster_of_one(generation: str):
    (server,) = alone(generation)
    lxd = LxdApi(server.lxd)
    assert lxd.cluster.is_alone(5)

    lxd.cluster.bootstrap("first")

    assert not lxd.cluster.is_alone(5)
    assert lxd.cluster.joined(5)
    assert [m.name for m in lxd.members.list()] == ["first"]


@ALL
def test_a_bootstrap_that_cannot_be_is_an_error(generation: str):
    (server,) = alone(generation)
    server.config = {}

    with pytest.raises(LxdError, match="https_address"):
        LxdApi(server.lxd).cluster.bootstrap("first")

    assert LxdApi(server.lxd).cluster.is_alone(5)


@ALL
def test_a_server_joins_with_a_token(generation: str):
    members = clustered(generation, 2)
    server = joiner(members[0])

    join(server, LxdApi(members[0].lxd).cluster.make_token("m9"))

    assert [m.name for m in LxdApi(server.lxd).members.list()] == ["m0", "m1", "m9"]


@ALL
def test_a_token_is_good_once(generation: str):
    members = clustered(generation, 2)
    token = LxdApi(members[0].lxd).cluster.make_token("m9")
    assert LxdApi(members[0].lxd).cluster.cancel_token("m9", "")
    server = joiner(members[0])

    with pytest.raises(LxdError, match="No matching cluster join operation"):
        join(server, token)

    assert LxdApi(server.lxd).cluster.is_alone(5)


@ALL
def test_a_token_is_known_by_its_digest(generation: str):
    lxd = LxdApi(clustered(generation, 2)[0].lxd)
    first = lxd.cluster.make_token("m9")
    # It invalidates the first one.
    second = lxd.cluster.make_token("m9")
    assert join_tokens.digest(first) != join_tokens.digest(second)

    assert not lxd.cluster.cancel_token("m9", join_tokens.digest(first))
    # It was cancelled in any case: no token for that name is valid any more.
    assert not lxd.cluster.cancel_token("m9", join_tokens.digest(second))
    assert not lxd.cluster.cancel_token("m8", "")


@ALL
def test_a_token_is_cancelled_by_any_member(generation: str):
    one, other = (LxdApi(server.lxd) for server in clustered(generation, 2))
    token = one.cluster.make_token("m9")

    assert other.cluster.cancel_token("m9", join_tokens.digest(token))


@ALL
def test_a_token_that_is_used_while_it_is_cancelled_counts_as_used(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    port = clustered(generation, 2)[0].lxd
    token = LxdApi(port).cluster.make_token("m9")
    send = port.send

    def ended_before(request: Request, seconds: float) -> Response:
        if request.method == "DELETE":
            send(request, seconds)
        return send(request, seconds)

    monkeypatch.setattr(port, "send", ended_before)

    assert not LxdApi(port).cluster.cancel_token("m9", join_tokens.digest(token))


@ALL
def test_a_token_that_cannot_be_cancelled_is_an_error(generation: str):
    members = clustered(generation, 2)
    lxd = LxdApi(members[0].lxd)
    lxd.cluster.make_token("m9")
    faulty(members[0], "DELETE /1.0/operations/ID", "refuse")

    with pytest.raises(LxdError):
        lxd.cluster.cancel_token("m9", "")


@ALL
def test_a_server_that_is_in_no_cluster_makes_no_token(generation: str):
    (server,) = alone(generation)

    with pytest.raises(LxdError):
        LxdApi(server.lxd).cluster.make_token("m9")


@ALL
def test_the_join_target_is_a_member_that_shows_the_clusters_certificate(generation: str):
    members = clustered(generation, 3)
    token = LxdApi(members[0].lxd).cluster.make_token("m9")
    members[0].power_off()
    server = LxdApi(joiner(members[1]).lxd)

    join_target = server.cluster.join_target(token, frozenset({join_tokens.certificate(token)}))

    assert join_target.address == "10.0.0.2:8443"
    assert join_tokens.fingerprint_of(join_target.certificate) == members[1].fingerprint


@ALL
def test_a_token_for_a_certificate_that_nobody_publishes_is_not_used(generation: str):
    members = clustered(generation, 2)
    token = LxdApi(members[0].lxd).cluster.make_token("m9")

    with pytest.raises(LxdUnreachable, match="no member publishes"):
        LxdApi(joiner(members[0]).lxd).cluster.join_target(token, frozenset({"another"}))


@ALL
def test_a_token_is_of_no_use_once_the_certificate_has_changed(generation: str):
    members = clustered(generation, 2)
    token = LxdApi(members[0].lxd).cluster.make_token("m9")
    by_hand.update_certificate(members[0])

    with pytest.raises(LxdUnreachable, match="not the cluster's certificate"):
        LxdApi(joiner(members[0]).lxd).cluster.join_target(token, frozenset())


@ALL
def test_members_that_cannot_be_reached_are_named(generation: str):
    members = clustered(generation, 2)
    token = LxdApi(members[0].lxd).cluster.make_token("m9")
    server = joiner(members[0])
    members[0].power_off()
    members[1].kill_daemon()

    with pytest.raises(LxdUnreachable, match=r"10\.0\.0\.1:8443: .*; 10\.0\.0\.2:8443: .*refused"):
        LxdApi(server.lxd).cluster.join_target(token, frozenset())


def packed(**details: Any) -> str:
    token = {"fingerprint": "f", "secret": "s", "addresses": ["10.0.0.1:8443"], **details}
    return base64.b64encode(json.dumps(token).encode()).decode()


@pytest.mark.parametrize(
    "token",
    [
        "",
        "no base64!",
        base64.b64encode(b"[]").decode(),
        base64.b64encode(b"{").decode(),
        packed(secret=5),
        packed(fingerprint=None),
        packed(addresses=[1]),
        packed(addresses=5),
    ],
)
def test_a_text_that_is_not_a_token_is_refused(token: str):
    with pytest.raises(LxdError, match="cannot be read"):
        join_tokens.digest(token)


@ALL
def test_a_join_that_is_under_way_is_waited_for(generation: str):
    members = clustered(generation, 2)
    server = joiner(members[0])
    lxd = LxdApi(server.lxd)
    token = LxdApi(members[0].lxd).cluster.make_token("m9")
    assert not lxd.cluster.await_forming(60)
    # Its client died before the answer.
    faulty(server, "PUT /1.0/cluster", "lost")
    with pytest.raises(LxdUnreachable):
        join(server, token)

    assert lxd.cluster.await_forming(60)

    assert lxd.cluster.joined(60)


@ALL
def test_a_bootstrap_that_is_under_way_is_waited_for(generation: str):
    (server,) = alone(generation)
    lxd = LxdApi(server.lxd)
    body = {"server_name": "first", "enabled": True}
    server.lxd.send(Request("PUT", "/1.0/cluster", body=body), 5)
    assert lxd.cluster.is_alone(5)

    assert lxd.cluster.joined(60)


@ALL
def test_whether_a_server_has_joined_is_unknown_no_longer_than_it_may_take(generation: str):
    (server,) = alone(generation)
    lxd = LxdApi(server.lxd)
    assert not lxd.cluster.joined(5)

    server.freeze()
    before = server.cloud.now
    assert not lxd.cluster.joined(60)
    assert not lxd.cluster.is_alone(20)
    assert 80 <= server.cloud.now - before < 110

    server.kill_daemon()
    before = server.cloud.now
    assert not lxd.cluster.joined(600)
    assert server.cloud.now - before < 60


@ALL
def test_one_that_leaves_is_alone_in_the_end(generation: str):
    members = clustered(generation, 3)
    lxd = LxdApi(members[2].lxd)
    with pytest.raises(LxdUnreachable, match="still in its cluster"):
        lxd.cluster.await_alone(5)

    lxd.members.leave("m2")

    lxd.cluster.await_alone(60)
    assert lxd.cluster.is_alone(5)
