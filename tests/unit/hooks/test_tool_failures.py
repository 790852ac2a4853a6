# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Hook tools that fail: the unit waits and says why, and decides nothing by a guess."""

from __future__ import annotations

import copy
import shlex
from pathlib import Path

import ops
import pytest
from ops import testing

from hooks.holds import CannotLeave
from lab.model.state import StorageDirective
from lab.testing.world import charm as lab_charm
from tests.unit.hook_tools import HookTools, tools_for
from tests.unit.model_units import formed
from tests.unit.scenarios import api, names, the_cluster
from tests.unit.stage import PEER, Stage
from values.interface import Interface

LEADER, MEMBER = "lxd/0", "lxd/1"
UNREADABLE = "ERROR could not download resource: HTTP request failed: EOF"
DANGLING = "ERROR saas application not found\n"
"""goal-state with a relation to another model's application that is gone (Juju issue 23212)."""
NO_LINK = 'block device link for storage attachment "storage-local-0" for unit "lxd/0" missing'
NEVER_THERE = [
    'ERROR storage attachment "local/0" not provisioned\n',
    f'ERROR invalid value "local/0" for option -s: {NO_LINK}\n',
]


@pytest.mark.parametrize("error", NEVER_THERE, ids=["pending", "without a link"])
@pytest.mark.parametrize("unit", [LEADER, MEMBER])
def test_a_storage_that_is_never_attached_does_not_stop_the_unit(
    three: HookTools, unit: str, error: str
):
    """Juju issues 19423 and 23291."""
    three.juju.add_storage(three.world.now, unit, "local", StorageDirective("loop", 1024, 1))
    three.failing["storage-get"] = error

    three.hook(unit)

    assert three.status(unit).startswith("active")


def test_a_storage_that_juju_cannot_look_up_now_stops_the_unit(three: HookTools):
    """The charm would forget the device."""
    three.juju.add_storage(three.world.now, LEADER, "local", StorageDirective("loop", 1024, 1))
    three.failing["storage-get"] = "ERROR connection is shut down"

    three.hook(LEADER)

    assert "Juju's storage-get fails: connection is shut down" in three.status(LEADER)


FAILURES = [
    ("goal-state", DANGLING, "Juju's goal-state fails: saas application not found"),
    ("config-get", "ERROR permission denied", "Juju's config-get fails: permission denied"),
    ("relation-ids", "ERROR connection is shut down", "relation-ids fails: connection is shut"),
    ("relation-list", "ERROR i/o timeout", "Juju's relation-list fails: i/o timeout"),
    ("relation-get --format=json -r cluster:0 --app", "", "relation-get fails: it does not say"),
    ("storage-list", "ERROR try again\n", "Juju's storage-list fails: try again"),
]


@pytest.mark.parametrize(("tool", "error", "status"), FAILURES)
def test_a_tool_that_fails_is_not_an_error_of_the_unit(
    three: HookTools, tool: str, error: str, status: str
):
    three.app.options["images_replicas"] = 1
    three.juju.set_config("lxd", {"images-replicas": "1"})
    before = copy.deepcopy(three.app.units[LEADER].server.records.config)
    three.failing[tool] = error

    done = three.hook(LEADER)

    assert status in three.status(LEADER)
    assert three.app_status() == three.status(LEADER)
    assert done.count("relation-set") == 0
    assert three.app.units[LEADER].server.records.config == before
    three.failing.clear()
    three.hook(LEADER)
    assert three.status(LEADER) == "active: member m0, voter"


def test_a_member_that_needs_not_ask_who_is_there_goes_on(three: HookTools):
    three.failing["goal-state"] = DANGLING

    three.hook(MEMBER)

    assert three.status(MEMBER) == "active: member m1, voter"


@pytest.mark.parametrize(
    "error", ['ERROR no network config found for binding "cluster"', "ERROR i/o timeout"]
)
def test_a_member_keeps_the_addresses_that_it_has(three: HookTools, error: str):
    records = three.app.units[LEADER].server.records
    before = copy.deepcopy(records.config)
    three.failing["network-get"] = error

    done = three.hook(LEADER, "config-changed")

    assert three.status(LEADER) == "active: member m0, voter"
    assert (records.config, done.count("relation-set")) == (before, 0)


def test_a_new_unit_waits_for_an_address(new: HookTools):
    new.failing["network-get"] = "ERROR i/o timeout"

    new.hook(LEADER, "install")
    new.hook(LEADER, "start")

    assert new.status(LEADER).startswith("waiting: ")
    assert "i/o timeout" in new.status(LEADER)


def test_a_binding_without_a_network_says_what_to_type(new: HookTools):
    """Juju issue 21988: 4.0 on a MAAS whose spaces have names, without --bind."""
    new.failing["network-get"] = 'ERROR no network config found for binding "cluster"'

    new.hook(LEADER, "install")

    assert "cluster" in new.status(LEADER)
    assert "juju bind" in new.status(LEADER)


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param({"": "empty"}, id="all of them, as without --bind"),
        pytest.param({"cluster": "empty"}, id="an exception: juju issue 22294"),
        pytest.param({"https": "empty"}, id="the other exception"),
    ],
)
def test_what_is_said_of_a_binding_puts_it_right(new: HookTools, lost: dict[str, str]):
    new.juju.state.model.spaces.append("empty")
    new.juju.bind("lxd", lost, force=True)
    new.hook(LEADER, "install")
    assert new.status(LEADER).startswith("blocked: the binding ")

    _, app, *words = shlex.split(new.status(LEADER).partition("juju ")[2].replace("SPACE", "alpha"))
    pairs = [word.rpartition("=") for word in words]
    new.juju.bind(app, {endpoint: space for endpoint, _, space in pairs})

    new.hook(LEADER, "config-changed")
    assert "binding" not in new.status(LEADER)


def test_what_an_idle_hook_asks(three: HookTools):
    """Each is a process on the machine and a request to the controller."""
    for unit, most in ((LEADER, 20), (MEMBER, 18)):
        three.hook(unit)
        done = three.hook(unit)
        assert len(done.calls) < most
        assert sum(called.file for called in done.calls) == 0
        assert sum(called.out for called in done.calls) < 6_000


def test_two_peer_relations_are_one_too_many(monkeypatch: pytest.MonkeyPatch):
    """After a refresh that was rolled back: Juju issue 19631."""
    app = formed(3)
    stage = Stage(app, app.units[LEADER], monkeypatch)
    second = testing.PeerRelation(PEER)

    out = stage.context.run(
        stage.context.on.update_status(), stage.state(relations={stage.relation, second})
    )

    assert out.unit_status == ops.WaitingStatus("Juju has 2 relations cluster instead of one")
    assert out.get_relation(stage.relation.id) == stage.relation


def test_an_update_status_may_come_before_any_other_hook(new: HookTools):
    """Juju issue 22688."""
    new.hook(LEADER, "update-status")

    assert new.app.units[LEADER].snap.calls[:1] == ["install 5.21/stable"]


@pytest.mark.parametrize("before", [[], ["config-changed"]])
def test_a_unit_that_juju_goes_on_listing_is_none(three: HookTools, before: list[str]):
    """Juju issue 23326: after remove-unit, the others' relation-list names it forever."""
    removed = "lxd/2"
    three.app.leaving.add(removed)
    three.juju.remove_unit(three.world.now, removed)
    three.hook(removed, "stop")
    three.juju.remove_unit(three.world.now, removed, force=True)
    three.world.wait(60)
    three.app.leaving.clear()
    for name in before:
        three.hook(LEADER, name)

    done = three.hook(LEADER)

    assert removed not in three.juju.state.units
    listed = [called for called in done.calls if called.tool == "relation-list"]
    assert listed
    assert removed in three.world.inside(LEADER).relation_list(0)
    assert three.app_status().startswith("active: 2 members")


@pytest.fixture
def leaver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HookTools:
    """Three members, one of them leaving."""
    app = formed(3)
    app.leaving.add("lxd/2")
    tools = tools_for(app, tmp_path, monkeypatch)
    tools.juju.remove_unit(tools.world.now, "lxd/2")
    return tools


def test_a_member_is_held_while_nobody_says_who_stays(leaver: HookTools):
    leaver.failing["goal-state"] = DANGLING

    with pytest.raises(CannotLeave, match="goal-state fails: saas application not found"):
        leaver.hook("lxd/2", "stop")

    assert names(leaver.app) == ["m0", "m1", "m2"]
    leaver.failing.clear()
    leaver.hook("lxd/2", "stop")
    assert names(leaver.app) == ["m0", "m1"]


def test_a_unit_that_is_not_a_member_is_not_held(new: HookTools):
    new.juju.remove_unit(new.world.now, LEADER)
    new.failing |= {"goal-state": DANGLING, "resource-get": UNREADABLE}
    new.failing |= {"relation-list": "ERROR i/o timeout"}
    new.failing["network-get"] = 'ERROR no network config found for binding "cluster"'

    new.hook(LEADER, "stop")

    assert new.app.units[LEADER].snap.calls == []


def test_a_member_leaves_without_what_it_no_longer_needs(leaver: HookTools):
    leaver.failing |= {"resource-get": UNREADABLE, "storage-list": "ERROR no", "network-get": ""}

    leaver.hook("lxd/2", "stop")

    assert names(leaver.app) == ["m0", "m1"]


def test_a_token_that_a_hook_cannot_publish_is_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    app = formed(1)
    app.add(1)
    app.hook("lxd/1")
    assert app.own("lxd/1").able
    juju = tools_for(app, tmp_path, monkeypatch)
    juju.failing["relation-set"] = "ERROR connection is shut down"

    with pytest.raises(ops.ModelError):
        juju.hook("lxd/0")

    assert the_cluster(app).tokens == {}
    juju.failing.clear()
    juju.hook("lxd/0")
    assert set(the_cluster(app).tokens) == {"m1"}


def on_binding(tools: HookTools, **options: str) -> None:
    """The default network is on the interface of the binding `network`."""
    api(tools.app).networks.update("lxdbr0", {"ipv4.address": "10.9.0.1/24"}, {})
    tools.hook("lxd/0")
    for unit in tools.app.units.values():
        unit.machine.interfaces_ = [Interface("eth0", subnets=(f"{unit.address}/24",), up=True)]
    tools.app.options |= {name.replace("-", "_"): value for name, value in options.items()}
    tools.juju.set_config("lxd", options)


BOUND = "network-get --format=json network"


@pytest.mark.parametrize("mode", ["macvlan", "fan"])
@pytest.mark.parametrize(
    ("error", "why"), [("ERROR i/o timeout", "i/o timeout"), ("", "it does not say why")]
)
def test_no_interface_is_guessed_for_a_network_on_a_binding(
    three: HookTools, mode: str, error: str, why: str
):
    on_binding(three, **{"network-mode": mode})
    three.failing[BOUND] = error

    done = three.hook(MEMBER)

    assert three.status(MEMBER) == f"waiting: Juju's network-get fails: {why}"
    assert done.count("relation-set") == 0
    three.failing.clear()
    three.hook(MEMBER)
    assert three.status(MEMBER) == "active: member m1, voter"


def test_a_network_whose_interface_is_named_needs_no_binding(three: HookTools):
    on_binding(three, **{"network-mode": "macvlan", "network-parent": "eth0"})
    three.failing[BOUND] = "ERROR i/o timeout"

    three.hook(MEMBER)

    assert three.status(MEMBER) == "active: member m1, voter"


def test_a_binding_for_networks_without_a_network_asks_for_an_interface(three: HookTools):
    """It does not change by itself."""
    on_binding(three, **{"network-mode": "macvlan"})
    three.failing[BOUND] = 'ERROR no network config found for binding "network"'

    three.hook(MEMBER)

    assert three.status(MEMBER) == (
        "blocked: network-parent: name the interface for the network lxdbr0"
    )


@pytest.mark.parametrize("unit", ["lxd/0", "lxd/1"])
def test_a_relation_that_is_gone_in_another_model_stops_nothing(three: HookTools, unit: str):
    """`juju remove-saas --force`: the agent still lists it, and the controller denies it."""
    other = lab_charm({"name": "other", "provides": {"p": {"interface": "tls-certificates"}}})
    three.juju.deploy(three.world.now, other, "other", 1)
    three.world.machines_up()
    number = three.juju.integrate("lxd:certificates", "other:p")
    three.world.settle()
    for tool in ("relation-get --format=json", "relation-set"):
        three.failing[f"{tool} -r certificates:{number}"] = "ERROR permission denied\n"

    three.hook(unit)

    assert three.status(unit).startswith("active")


GONE = [("ceph", "ceph-client"), ("ovsdb-cms", "ovsdb-cms"), ("ovsdb", "ovsdb")]


@pytest.mark.parametrize(("endpoint", "interface"), GONE)
def test_a_provider_that_is_gone_in_another_model_stops_nothing(
    three: HookTools, endpoint: str, interface: str
):
    """Juju 3.6 lists its relation and units, and denies each databag (operator issue 2709)."""
    other = lab_charm({"name": "other", "provides": {"p": {"interface": interface}}})
    three.juju.deploy(three.world.now, other, "other", 1)
    three.world.machines_up()
    number = three.juju.integrate(f"lxd:{endpoint}", "other:p")
    three.world.settle()
    for tool in ("relation-get --format=json", "relation-set"):
        three.failing[f"{tool} -r {endpoint}:{number}"] = "ERROR permission denied\n"

    three.hook("lxd/1")

    assert three.status("lxd/1").startswith("active")
