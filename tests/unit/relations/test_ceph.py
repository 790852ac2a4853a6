# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The relation `ceph`: the request, the checks of the answer, and pools that need it."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import ops
import pytest
from ops import testing

from host import ceph_files
from host.machine import Machine
from options.options import Options
from relations import ceph
from state.facts import Ceph
from state.peers import Storage
from tests.unit.findings import root
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import names, the_cluster
from tests.unit.stage import Stage

KEY = "AQDsecretkeyAA=="
READY = Ceph(user="lxd", key=KEY, monitors=("10.0.9.1", "10.0.9.2"), granted=True)


def asked(
    decided: Storage | None = None, others: tuple[Storage, ...] = (), **options: Any
) -> list[dict[str, Any]]:
    databag = ceph.request("lxd/1", Options(**options), decided, others)
    return json.loads(databag["broker_req"])["ops"] if databag else []


def pool(name: str, replicas: int = 3) -> dict[str, Any]:
    return {"op": "create-pool", "name": name, "replicas": replicas, "app-name": "rbd"}


ACCESS = {
    "op": "set-key-permissions",
    "client": "lxd",
    "permissions": ["mon", "allow r, profile rbd", "osd", "allow rwx", "mds", "allow rwps"],
}

REQUESTS: list[tuple[dict[str, Any], Storage | None, list[Any]]] = [
    ({}, None, []),
    ({"storage_backend": "ceph"}, None, [pool("lxd-local")]),
    ({"storage_backend": "ceph", "ceph_pool": "mine", "ceph_replicas": 2}, None, [pool("mine", 2)]),
    ({}, Storage(backend="ceph", pool="local"), [pool("lxd-local")]),
    ({"storage_pools": "shared: ceph"}, None, [pool("lxd-shared")]),
    ({"storage_pools": "{shared: {backend: ceph, osd-pool: rbd}}"}, None, [pool("rbd")]),
    (
        {"storage_pools": "files: cephfs"},
        None,
        [ACCESS],
    ),
]


@pytest.mark.parametrize(("options", "decided", "ops"), REQUESTS)
def test_what_is_asked_for(
    options: dict[str, Any], decided: Storage | None, ops: list[dict[str, Any]]
):
    assert asked(decided, **options) == ops


IN_CEPH, FILES = Storage(backend="ceph", pool="old"), Storage(backend="cephfs", pool="files")
LOCAL = Storage(backend="dir", pool="local")

LEFT: list[tuple[dict[str, Any], Storage, tuple[Storage, ...], list[Any]]] = [
    ({}, LOCAL, (LOCAL,), []),
    ({}, LOCAL, (IN_CEPH,), [ACCESS]),
    ({}, LOCAL, (IN_CEPH, FILES), [ACCESS]),
    ({"storage_pools": "old: ceph"}, LOCAL, (IN_CEPH,), [pool("lxd-old")]),
    ({"storage_pools": "files: cephfs"}, LOCAL, (IN_CEPH, FILES), [ACCESS]),
    ({"storage_backend": "ceph"}, LOCAL, (FILES,), [pool("lxd-local"), ACCESS]),
    ({"storage_backend": "dir"}, IN_CEPH, (), [ACCESS]),
    (
        {"storage_backend": "ceph"},
        Storage(backend="ceph", pool="local-ceph"),
        (LOCAL,),
        [pool("lxd-local")],
    ),
]


@pytest.mark.parametrize(("options", "decided", "others", "ops"), LEFT)
def test_the_key_for_pools_that_no_option_names_any_more_is_asked_for(
    options: dict[str, Any], decided: Storage, others: tuple[Storage, ...], ops: list[Any]
):
    """A new unit must have its part of them, and nothing new is made in Ceph."""
    assert asked(decided, others, **options) == ops


def test_the_same_is_asked_under_the_same_id():
    one, other = (ceph.request("lxd/1", Options(storage_backend="ceph"), None) for _ in range(2))

    assert one == other
    assert one["application-name"] == "lxd"


def test_a_request_to_a_ceph_of_another_model_has_the_units_name():
    """ceph-mon sees remote-UUID/0 there, and answers to the charm's unit-name."""
    asked = ceph.request("lxd-cluster/0", Options(storage_backend="ceph"), None)

    assert asked["unit-name"] == "lxd-cluster/0"


REQUEST = ceph.request("lxd/1", Options(storage_backend="ceph"), None)["broker_req"]
ID = json.loads(REQUEST)["request-id"]


def monitor(reply: object, **more: str) -> dict[str, str]:
    """The data of one monitor's unit."""
    return {"auth": "cephx", "key": KEY, "broker-rsp-lxd-1": json.dumps(reply)} | more


FINE = monitor({"exit-code": 0, "request-id": ID}, **{"ceph-public-address": "10.0.9.1"})

ANSWERS: list[tuple[list[dict[str, str]], bool, str]] = [
    ([FINE], True, ""),
    ([{}, FINE], True, ""),
    ([], False, ""),
    ([{"ceph-public-address": "10.0.9.1"}], False, ""),
    ([monitor({"exit-code": 0, "request-id": "older"})], False, ""),
    ([monitor({"exit-code": 1, "request-id": ID, "stderr": "no room"})], False, "no room"),
    ([{**FINE, "broker-rsp-lxd-1": "{"}], False, ""),
    ([{**FINE, "broker-rsp-lxd-1": "[]"}], False, ""),
    ([{k: v for k, v in FINE.items() if k != "key"}], False, ""),
]


@pytest.mark.parametrize(("monitors", "ready", "problem"), ANSWERS)
def test_what_an_answer_is_worth(monitors: list[dict[str, str]], ready: bool, problem: str):
    found = ceph.answer("lxd/1", REQUEST, monitors)

    assert (found.ready, found.problem) == (ready, problem)


def test_the_files_can_be_read_by_root_alone(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    files = {tmp_path / "ceph" / path.name: text for path, text in ceph_files.files(READY).items()}

    machine.write_privately(files)

    assert ceph_files.present(tmp_path / "ceph") == files
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert sorted(path.name for path in files) == [
        "lxd-cluster.client.lxd.keyring",
        "lxd-cluster.conf",
    ]


def test_the_files_say_where_the_monitors_are_and_who_asks():
    conf, keyring = ceph_files.files(READY).values()

    assert "mon host = 10.0.9.1,10.0.9.2" in conf.splitlines()
    assert keyring == f"[client.lxd]\n\tkey = {KEY}\n"


def test_the_configuration_leaves_each_user_its_own_key():
    """Those of a pool that was made under another name of the application, and client.admin."""
    conf, _ = ceph_files.files(READY).values()

    assert "keyring = /etc/ceph/lxd-cluster.$name.keyring" in conf.splitlines()


def test_the_users_with_a_key_here_are_seen(tmp_path: Path):
    for name in ("lxd-cluster.client.admin.keyring", "lxd-cluster.conf", "ceph.client.x.keyring"):
        (tmp_path / name).write_text("")

    assert ceph_files.compared(READY, ceph_files.present(tmp_path)).users == {"admin"}


def test_the_key_is_in_no_plan_and_no_view():
    app = formed(1)
    app.related["ceph"] = READY
    app.options["storage_pools"] = "shared: ceph"

    assert KEY not in f"{app.view('lxd/0')} {app.plan('lxd/0')}"


def related(stage: Stage, **remote: str) -> testing.Relation:
    return testing.Relation("ceph", remote_app_name="ceph-mon", remote_units_data={0: remote})


def test_every_unit_asks_ceph_itself(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    stage = Stage(app, app.units["lxd/1"], monkeypatch)
    relation = related(stage)
    config = {"storage-backend": "ceph"}
    state = stage.state(config=config, relations={stage.relation, relation})

    out = stage.context.run(stage.context.on.relation_changed(relation), state)

    databag = out.get_relation(relation.id).local_unit_data
    assert databag["application-name"] == "lxd"
    assert json.loads(databag["broker_req"])["ops"] == [pool("lxd-local")]


def test_that_ceph_goes_takes_no_member_out(monkeypatch: pytest.MonkeyPatch):
    app = formed(3)
    stage = Stage(app, app.units["lxd/1"], monkeypatch)
    relation = related(stage)
    event = stage.context.on.relation_departed(relation, remote_unit=0, departing_unit=1)
    state = stage.state(relations={stage.relation, relation})

    out = stage.context.run(event, state)

    assert out.unit_status == ops.ActiveStatus("member m1, voter")
    assert "m1" in names(app)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ceph-public-address", "10.0.9.1\n[client]\nadmin socket = /root/x"),
        ("ceph-public-address", "10.0.9.1\r[client]"),
        ("ceph-public-address", "fe80::1%a\nb"),
        ("key", KEY + "\n[client.admin]\n\tkey = x"),
        ("key", KEY + "\n"),
        ("key", "no key"),
    ],
)
def test_an_answer_puts_no_lines_of_its_own_into_files(key: str, value: str):
    answer = ceph.answer("lxd/1", REQUEST, [FINE | {key: value}])

    written = "".join(ceph_files.files(answer).values())
    assert not any(f"[{section}]" in written for section in ("client", "client.admin"))
    assert answer.ready or answer.malformed


def test_one_monitor_that_makes_no_sense_does_not_count():
    bad = monitor({"exit-code": 0, "request-id": ID}, **{"ceph-public-address": "x\ny"})

    assert ceph.answer("lxd/1", REQUEST, [bad, FINE]).monitors == ("10.0.9.1",)


def test_an_answer_that_is_nested_without_end_is_none():
    answer = ceph.answer("lxd/1", REQUEST, [FINE | {"broker-rsp-lxd-1": "[" * 100_000}])

    assert not answer.granted


def off_ceph() -> ModelApp:
    """The default pool was in a Ceph, is on the members' disks now, and its first one is left."""
    app = formed(3)
    for unit in app.units.values():
        unit.server.drivers |= {"ceph"}
    app.related["ceph"] = READY
    for backend in ("ceph", "dir"):
        app.options["storage_backend"] = backend
        app.settle()
    assert root(app) == "local-dir"
    assert "local-ceph" in the_cluster(app).pools
    return app


def test_a_unit_joins_though_no_option_names_the_pool_in_ceph_any_more():
    app = off_ceph()
    app.add(3).server.drivers |= {"ceph"}
    wanted, pools = Options(**app.options), app.own("lxd/0").pools
    request = ceph.request("lxd/3", wanted, app.app().storage, pools)["broker_req"]
    reply = json.dumps({"exit-code": 0, "request-id": json.loads(request)["request-id"]})
    monitor = {"key": KEY, "ceph-public-address": "10.0.9.1", "broker-rsp-lxd-3": reply}
    app.related["ceph"] = ceph.answer("lxd/3", request, [monitor])

    app.settle()

    assert "m3" in names(app)


def test_a_unit_publishes_the_request_for_it(monkeypatch: pytest.MonkeyPatch):
    app = off_ceph()
    stage = Stage(app, app.units["lxd/1"], monkeypatch)
    relation = related(stage)
    state = stage.state(config={"storage-backend": "dir"}, relations={stage.relation, relation})

    out = stage.context.run(stage.context.on.relation_changed(relation), state)

    request = out.get_relation(relation.id).local_unit_data["broker_req"]
    assert json.loads(request)["ops"] == [ACCESS]
