# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The interface `ceph-client`, as between the charms ceph-mon, microceph or ceph-proxy and us.

The requirer's unit writes a broker request. The provider's units answer in their own databags,
each with what it knows: its address, the key, the result of the request.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, Json

from tests.interface.requirer import NOTHING, Databag, Requirer
from tests.unit.model_units import ModelApp, formed

KEY = "AQDsecretkeyAA=="
CONF = "/etc/ceph/lxd-cluster.conf"
KEYRING = "/etc/ceph/lxd-cluster.client.lxd.keyring"
RSP = "broker-rsp-lxd-1"


class Strict(BaseModel):
    """A part of a databag: a key that is not here is none of the interface."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CreatePool(Strict):
    """Makes a replicated pool, if there is none with that name."""

    op: Literal["create-pool"]
    name: str = Field(min_length=1)
    replicas: int = Field(ge=1)
    app_name: str = Field(alias="app-name", min_length=1)


class SetKeyPermissions(Strict):
    """Sets the capabilities of a client's key: pairs of a daemon's kind and what it allows."""

    op: Literal["set-key-permissions"]
    client: str = Field(min_length=1)
    permissions: list[str] = Field(min_length=2)


class BrokerRequest(Strict):
    """The operations that the monitors' leader does, one after the other."""

    api_version: Literal[1] = Field(alias="api-version")
    request_id: str = Field(alias="request-id", min_length=1)
    ops: list[Annotated[CreatePool | SetKeyPermissions, Field(discriminator="op")]] = Field(
        min_length=1
    )


class RequirerUnit(Strict):
    """The databag of a unit that asks."""

    application_name: str = Field(alias="application-name", pattern=r"^[a-z][a-z0-9-]*$")
    unit_name: str = Field(alias="unit-name", pattern=r"^[a-z][a-z0-9-]*/\d+$")
    broker_req: Json[BrokerRequest]


@pytest.fixture
def requirer(monkeypatch: pytest.MonkeyPatch) -> Requirer:
    """A member that wants its default pool in a Ceph."""
    app = formed(3)
    return Requirer(app, "lxd/1", "ceph", {"storage-backend": "ceph"}, monkeypatch)


@pytest.fixture
def first(monkeypatch: pytest.MonkeyPatch) -> Requirer:
    """The only unit of an application that is made on a Ceph: it waits for it."""
    app = ModelApp(options={"storage_backend": "ceph"})
    app.add(0).server.drivers |= {"ceph"}
    app.settle()
    return Requirer(app, "lxd/0", "ceph", {"storage-backend": "ceph"}, monkeypatch)


def asked(requirer: Requirer) -> BrokerRequest:
    """The request in the databag, which conforms to the interface."""
    return RequirerUnit.model_validate(requirer.databag).broker_req


def result(requirer: Requirer, **more: Any) -> str:
    """What the broker says about the unit's request: fine, unless `more` says otherwise."""
    return json.dumps({"exit-code": 0, "request-id": asked(requirer).request_id} | more)


def monitor(address: str = "10.0.9.1", **more: str) -> Databag:
    """The databag of a ceph-mon that does not lead."""
    return {"auth": "cephx", "ceph-public-address": address, "key": KEY, **more}


def leader(requirer: Requirer, address: str = "10.0.9.1", **more: str) -> Databag:
    """The databag of the ceph-mon that has done what the unit asked."""
    key = f"broker-rsp-{requirer.unit.replace('/', '-')}"
    return monitor(address, **{"broker_rsp": result(requirer), key: result(requirer)} | more)


def hosts(requirer: Requirer) -> list[str]:
    """The monitors in the written configuration; none without one."""
    lines = requirer.files.get(CONF, "").splitlines()
    found = [line.partition("=")[2].strip() for line in lines if line.startswith("mon host")]
    return found[0].split(",") if found else []


# Nothing yet.


def test_a_new_relation_gets_a_request_for_a_pool(requirer: Requirer):
    requirer.created()

    (pool,) = asked(requirer).ops
    assert isinstance(pool, CreatePool)
    assert pool.app_name == "rbd"
    assert requirer.files == {}


def test_a_file_system_gets_a_request_for_a_key(requirer: Requirer):
    requirer.config = {"storage-pools": "files: cephfs"}

    requirer.created()

    (key,) = asked(requirer).ops
    assert isinstance(key, SetKeyPermissions)
    assert key.client == requirer.databag["application-name"]
    assert key.permissions[::2] == ["mon", "osd", "mds"]
    assert len(key.permissions) % 2 == 0


def test_nothing_is_asked_where_no_pool_is_in_a_ceph(requirer: Requirer):
    requirer.config = {}

    requirer.created()

    assert requirer.databag == {}


def test_every_unit_asks_the_same_under_one_id(requirer: Requirer, monkeypatch: pytest.MonkeyPatch):
    other = Requirer(requirer.app, "lxd/2", "ceph", requirer.config, monkeypatch)

    requirer.created()
    other.created()

    assert asked(requirer) == asked(other)
    assert requirer.databag["unit-name"] != other.databag["unit-name"]


def test_the_request_stays_as_it_is_while_nothing_else_is_wanted(requirer: Requirer):
    """Another id would make the broker work again."""
    requirer.created()
    before = requirer.databag

    requirer.changed(NOTHING)

    assert requirer.databag == before


def test_another_request_has_another_id(requirer: Requirer):
    requirer.created()
    before = asked(requirer)

    requirer.config = {"storage-backend": "ceph", "ceph-replicas": 2}
    requirer.changed(NOTHING)

    assert asked(requirer).request_id != before.request_id


# The answer is there.


def test_the_answer_of_ceph_mon_is_used(requirer: Requirer):
    requirer.created()

    requirer.changed({0: leader(requirer), 1: monitor("10.0.9.2"), 2: monitor("10.0.9.3")})

    assert hosts(requirer) == ["10.0.9.1", "10.0.9.2", "10.0.9.3"]
    assert KEY in requirer.files[KEYRING]
    assert asked(requirer)


def test_what_the_interface_has_besides_does_no_harm(requirer: Requirer):
    """The default features of images, and the results of other units' requests."""
    requirer.created()

    more = {"rbd-features": "61", "broker-rsp-lxd-2": '{"exit-code": 1, "request-id": "x"}'}
    requirer.changed({0: leader(requirer, **more)})

    assert hosts(requirer) == ["10.0.9.1"]


@pytest.mark.parametrize(
    ("said", "used"),
    [
        ("10.0.9.1", ["10.0.9.1"]),
        ("fd00::9", ["fd00::9"]),
        ("[fd00::9]", ["[fd00::9]"]),
        ("10.0.9.2 10.0.9.1", ["10.0.9.1", "10.0.9.2"]),
        ("10.0.9.2:6789 10.0.9.1:6789", ["10.0.9.1:6789", "10.0.9.2:6789"]),
        ("[fd00::9]:6789", ["[fd00::9]:6789"]),
        ("mon-1.example:6789", ["mon-1.example:6789"]),
    ],
)
def test_every_form_of_a_monitors_address_is_used(requirer: Requirer, said: str, used: list[str]):
    """ceph-proxy publishes its option: addresses or names with ports, separated by spaces."""
    requirer.created()

    requirer.changed({0: leader(requirer, said)})

    assert hosts(requirer) == used


def test_microceph_says_its_monitors_in_the_data_of_the_application(requirer: Requirer):
    """Only the unit that did the request has an address and a key in its databag."""
    requirer.created()
    all_of_them = ["10.0.9.1", "10.0.9.2", "10.0.9.3"]

    requirer.changed(
        {0: leader(requirer), 1: {}, 2: {}},
        {"ceph-mon-public-addresses": json.dumps(all_of_them)},
    )

    assert hosts(requirer) == all_of_them


def test_microceph_may_have_a_leader_without_a_monitor(requirer: Requirer):
    """Juju's leader need not run one: its databag has a key, and no address."""
    requirer.created()

    requirer.changed(
        {0: leader(requirer, ""), 1: {}}, {"ceph-mon-public-addresses": '["10.0.9.2"]'}
    )

    assert hosts(requirer) == ["10.0.9.2"]


def test_a_request_that_failed_may_be_granted_by_the_next_leader(requirer: Requirer):
    """The first one's refusal stays in its databag."""
    requirer.created()
    refusal = result(requirer, **{"exit-code": 1, "stderr": "no OSDs"})

    requirer.changed({0: leader(requirer, **{RSP: refusal}), 1: leader(requirer, "10.0.9.2")})

    assert hosts(requirer) == ["10.0.9.1", "10.0.9.2"]


def test_a_new_key_is_written(requirer: Requirer):
    requirer.created()
    requirer.changed({0: leader(requirer)})

    requirer.changed({0: leader(requirer, key="AQDanotherkeyA==")})

    assert "AQDanotherkeyA==" in requirer.files[KEYRING]


def test_the_key_of_the_unit_that_granted_the_request_is_used(requirer: Requirer):
    """Only the leader of microceph's monitors answers. An earlier one keeps its old answer."""
    requirer.created()
    old = monitor("10.0.9.1", **{RSP: result(requirer, **{"request-id": "an earlier one"})})
    key = "AQDotherkeyAAA=="

    requirer.changed({0: old, 1: leader(requirer, "10.0.9.2", key=key)})

    assert f"key = {key}" in requirer.files[KEYRING]


def test_a_monitor_that_departs_is_used_no_longer(requirer: Requirer):
    requirer.created()
    requirer.changed({0: leader(requirer), 9: monitor("10.0.9.9")})

    requirer.departed({0: leader(requirer)})

    assert hosts(requirer) == ["10.0.9.1"]


# The answer is partial.


@pytest.mark.parametrize("missing", ["ceph-public-address", "key", "broker-rsp-lxd-0"])
def test_an_answer_without_a_part_is_waited_for(first: Requirer, missing: str):
    first.created()
    databag = {key: value for key, value in leader(first).items() if key != missing}

    first.changed({0: databag})

    assert first.files == {}
    assert first.status == "waiting: for Ceph to answer"


@pytest.mark.parametrize(
    "rest",
    [
        {"request-id": "of-an-older-request"},
        {"request-id": "of-an-older-request", "exit-code": 1},
    ],
)
def test_the_result_of_an_older_request_is_none(first: Requirer, rest: dict[str, Any]):
    first.created()

    first.changed({0: leader(first, **{"broker-rsp-lxd-0": result(first, **rest)})})

    assert first.files == {}
    assert first.status == "waiting: for Ceph to answer"


def test_a_provider_that_says_nothing_is_waited_for(first: Requirer):
    """A unit of it can join before it writes anything; Juju adds its addresses."""
    first.created()

    first.changed({0: {}, 1: {"private-address": "10.0.9.2"}})

    assert asked(first)
    assert first.status == "waiting: for Ceph to answer"


# The request is refused.


def test_a_refusal_says_why(first: Requirer):
    first.created()
    refusal = result(first, **{"exit-code": 1, "stderr": "no OSDs"})

    first.changed({0: leader(first, **{"broker-rsp-lxd-0": refusal})})

    assert first.files == {}
    assert first.status == "blocked: ceph: it refuses the request: no OSDs"


def test_a_refusal_may_have_no_id(first: Requirer):
    """The broker says none if an operation raised an error."""
    first.created()
    refusal = json.dumps({"exit-code": 1, "stderr": "Unexpected error"})

    first.changed({0: leader(first, **{"broker-rsp-lxd-0": refusal})})

    assert first.status == "blocked: ceph: it refuses the request: Unexpected error"


def test_a_success_without_an_id_grants_nothing(first: Requirer):
    first.created()

    first.changed({0: leader(first, **{"broker-rsp-lxd-0": '{"exit-code": 0}'})})

    assert first.files == {}


# The answer is malformed.

NO_ADDRESS = "blocked: ceph: its ceph-public-address is not an address: see juju show-unit lxd/0"
NO_KEY = "blocked: ceph: its key is not a valid key: see juju show-unit lxd/0"
MALFORMED = [
    ({"broker-rsp-lxd-0": "{"}, "waiting: for Ceph to answer"),
    ({"broker-rsp-lxd-0": "[]"}, "waiting: for Ceph to answer"),
    ({"broker-rsp-lxd-0": "null"}, "waiting: for Ceph to answer"),
    ({"ceph-public-address": "None"}, NO_ADDRESS),
    ({"ceph-public-address": "10.0.9.1:port"}, NO_ADDRESS),
    ({"ceph-public-address": "fd00::9/64"}, NO_ADDRESS),
    ({"key": "a b"}, NO_KEY),
    ({"key": "AQD"}, NO_KEY),
]


@pytest.mark.parametrize(("wrong", "status"), MALFORMED)
def test_a_malformed_answer_is_not_written(first: Requirer, wrong: dict[str, str], status: str):
    first.created()

    first.changed({0: leader(first, **wrong)})

    assert first.files == {}
    assert first.status == status


@pytest.mark.parametrize("listed", ["", "{", "10.0.9.7", "{}", "[1]", '["x y"]', "null"])
def test_a_malformed_list_of_monitors_does_not_count(requirer: Requirer, listed: str):
    requirer.created()

    requirer.changed({0: leader(requirer)}, {"ceph-mon-public-addresses": listed})

    assert hosts(requirer) == ["10.0.9.1"]


# The relation goes.


def test_nothing_is_written_when_the_relation_goes(requirer: Requirer):
    requirer.created()
    requirer.changed({0: leader(requirer)})
    before = requirer.databag

    requirer.broken()

    assert requirer.databag == before


def test_a_unit_without_its_ceph_asks_for_it_again(first: Requirer):
    first.created()

    first.broken()
    first.without()

    status = "blocked: ceph: integrate it with a Ceph: juju integrate lxd ceph-mon"
    assert first.status == status
