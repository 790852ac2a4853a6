# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Relations with another model: Juju calls the units there `remote-UUID/N`."""

from __future__ import annotations

import json

import ops
import pytest
from ops import testing

from options.options import Options
from relations import ceph, ovn
from tests.unit.model_units import formed
from tests.unit.stage import PEER, Stage

REMOTE = "remote-6f8bde1fb1a24a7f8a5b7c6d5e4f3a2b"
PEM = "-----BEGIN {0}-----\nTUlJ\n-----END {0}-----\n"
CERTIFICATE, PRIVATE_KEY = (PEM.format(kind) for kind in ("CERTIFICATE", "PRIVATE KEY"))
KEY = "AQDsecretkeyAA=="


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The second of three members."""
    app = formed(3)
    return Stage(app, app.units["lxd/1"], monkeypatch)


def run(stage: Stage, *relations: testing.Relation, **config: str) -> testing.State:
    """The hook for the last of these relations."""
    event = stage.context.on.relation_changed(relations[-1], remote_unit=0)
    state = stage.state(config=config, relations={stage.relation, *relations})
    return stage.context.run(event, state)


def written(stage: Stage) -> dict[str, str]:
    """The files that the charm has written on the machine, by path."""
    return {str(path): text for path, text in stage.unit.machine.files.items()}


def test_a_ceph_there_is_used_by_the_names_of_this_model(stage: Stage):
    asked = ceph.request("lxd/1", Options(storage_backend="ceph"), None)
    reply = {"exit-code": 0, "request-id": json.loads(asked["broker_req"])["request-id"]}
    databag = {
        "ceph-public-address": "10.0.9.1",
        "key": KEY,
        "broker-rsp-lxd-1": json.dumps(reply),
    }
    # `broker_req` is the unit's request from an earlier hook.
    relation = testing.Relation(
        "ceph",
        remote_app_name=REMOTE,
        remote_units_data={0: databag, 1: {}},
        local_unit_data={"broker_req": asked["broker_req"]},
    )

    out = run(stage, relation, **{"storage-backend": "ceph"})

    own = out.get_relation(relation.id).local_unit_data
    assert own["unit-name"] == "lxd/1"
    assert any(KEY in text for text in written(stage).values())
    _says_nothing_of(REMOTE, stage, out, relation)


def test_an_ovn_there_is_used_by_the_names_of_this_model(stage: Stage):
    database = testing.Relation(
        "ovsdb-cms", remote_app_name=REMOTE, remote_units_data={0: {"bound-address": "10.0.9.1"}}
    )
    databag = {"lxd_1.server.cert": CERTIFICATE, "lxd_1.server.key": PRIVATE_KEY, "ca": CERTIFICATE}
    signer = testing.Relation(
        "certificates", remote_app_name=f"{REMOTE[:-1]}0", remote_units_data={0: databag}
    )

    out = run(stage, database, signer, **{"network-mode": "ovn"})

    asked = out.get_relation(signer.id).local_unit_data
    assert asked["unit_name"] == "lxd_1"
    assert written(stage)[str(ovn.KEY)] == PRIVATE_KEY
    _says_nothing_of(REMOTE[:-1], stage, out, database, signer)


def test_a_unit_there_that_goes_takes_no_member_out(stage: Stage):
    relation = testing.Relation("ceph", remote_app_name=REMOTE, remote_units_data={0: {}, 1: {}})
    # It has the number of this unit.
    event = stage.context.on.relation_departed(relation, remote_unit=1, departing_unit=1)

    out = stage.context.run(event, stage.state(relations={stage.relation, relation}))

    assert out.unit_status == ops.ActiveStatus("member m1, voter")


def _says_nothing_of(
    name: str, stage: Stage, out: testing.State, *relations: testing.Relation
) -> None:
    """No file, databag or status has Juju's name for the other side."""
    bags = [out.get_relation(r.id).local_unit_data for r in relations]
    peer = out.get_relation(stage.relation.id)
    assert isinstance(peer, testing.PeerRelation)
    assert peer.endpoint == PEER
    texts = [*written(stage), *written(stage).values(), out.unit_status.message]
    bags = [*bags, peer.local_unit_data, peer.local_app_data]
    texts += [text for bag in bags for item in bag.items() for text in item]
    assert not [text for text in texts if name in text]
