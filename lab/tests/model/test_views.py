# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What hooks and operators see: environment, networks, status; and the state as JSON."""

from __future__ import annotations

import pytest
from jubilant.statustypes import Status
from pydantic import TypeAdapter

from lab.model import records
from lab.model.context import HookContext
from lab.model.errors import HookToolError
from lab.model.juju import Juju
from lab.model.rules import Rules
from lab.model.state import Interface, State
from lab.testing.world import STORING, World, charm, interfaces, names

STATE = TypeAdapter(State)


def parsed(world: World) -> Status:
    return Status._from_dict(world.juju.status(world.now))  # pyright: ignore[reportPrivateUsage]


def test_the_zone_is_in_the_environment_where_there_are_zones():
    world = World()
    world.state.model.zones = ["north"]
    world.deploy(units=1)
    context = world.begin("app/0")
    assert world.juju.environment(context.run)["JUJU_AVAILABILITY_ZONE"] == "north"


def test_no_zone_is_in_the_environment_without_zones():
    world = World()
    world.deploy(units=1)
    environment = world.juju.environment(world.begin("app/0").run)
    assert "JUJU_AVAILABILITY_ZONE" not in environment


def test_the_models_proxies_are_in_the_environment():
    world = World()
    world.juju.set_model_config({"juju-http-proxy": "http://p:1", "juju-no-proxy": "10.0.0.0/8"})
    world.deploy(units=1)
    environment = world.juju.environment(world.begin("app/0").run)
    assert environment["JUJU_CHARM_HTTP_PROXY"] == "http://p:1"
    assert environment["JUJU_CHARM_HTTPS_PROXY"] == ""
    assert environment["JUJU_CHARM_NO_PROXY"] == "10.0.0.0/8"


def test_a_relation_hooks_environment():
    world = World().settled(units=2)
    world.write("app/0", {"a": "1"})
    environment = world.juju.environment(world.begin("app/1").run)
    found = {key: value for key, value in environment.items() if "RE" in key and "VER" not in key}
    assert found == {
        "JUJU_RELATION": "peers",
        "JUJU_RELATION_ID": "peers:0",
        "JUJU_REMOTE_APP": "app",
        "JUJU_REMOTE_UNIT": "app/0",
        "JUJU_API_ADDRESSES": "",
    }
    assert environment["JUJU_HOOK_NAME"] == "peers-relation-changed"


def test_network_get_answers_for_the_bindings_space():
    world = World()
    world.deploy(units=1, bindings={"": "alpha", "public": "internal"})
    world.settle()
    context = world.inside("app/0")
    assert context.network_get("public") == {
        "bind-addresses": [
            {
                "mac-address": "02:00:00:00:01:01",
                "interface-name": "eth1",
                "addresses": [{"hostname": "", "value": "10.99.1.1", "cidr": "10.99.1.0/24"}],
            }
        ],
        "egress-subnets": ["10.99.1.1/32"],
        "ingress-addresses": ["10.99.1.1"],
    }
    assert context.network_get("peers", 0)["ingress-addresses"] == ["10.99.0.1"]


def bound(rules: Rules, space: str) -> HookContext:
    """The install hook of a unit whose bindings are in a space without its machine."""
    world = World(rules)
    world.state.model.spaces.append("empty")
    world.deploy(units=1, bindings={"": space, "public": "internal"})
    context = world.begin("app/0")
    inside = [i for i in world.state.machines["0"].interfaces if i.space == "internal"]
    world.juju.machine_addresses_changed("0", inside)
    return context


@pytest.mark.parametrize(("rules", "space"), [("4.0", "alpha"), ("4.0", "empty"), ("3.6", "empty")])
def test_network_get_fails_for_a_binding_without_a_network(rules: Rules, space: str):
    context = bound(rules, space)
    with pytest.raises(HookToolError, match='no network config found for binding "peers"'):
        context.network_get("peers")
    assert context.network_get("public")["ingress-addresses"] == ["10.99.1.1"]


def test_network_get_falls_back_to_a_private_address_in_the_default_space_of_older_ones():
    assert bound("3.6", "alpha").network_get("peers")["ingress-addresses"] == ["10.99.1.1"]


@pytest.mark.parametrize(
    ("rules", "addresses"),
    [("3.6", ["10.99.0.1", "10.99.0.10", "10.99.0.9"]), ("4.0", ["10.99.0.9", "10.99.0.10"])],
)
def test_the_addresses_of_a_binding_are_sorted_as_text(rules: Rules, addresses: list[str]):
    world = World(rules).settled(units=1)
    several = [
        Interface("eth0", "02:00:00:00:00:01", "alpha", ["10.99.0.9/24", "10.99.0.10/24"]),
        Interface("br0", "02:00:00:00:02:01", "alpha", ["10.99.0.1/32"]),
    ]
    world.juju.machine_addresses_changed("0", several)
    context = world.begin("app/0")
    assert context.network_get("peers")["ingress-addresses"][: len(addresses)] == addresses


def bound_addresses(context: HookContext) -> list[str]:
    """The addresses of a binding, as the charm reads them."""
    interfaces = context.network_get("peers")["bind-addresses"]
    return [address["value"] for interface in interfaces for address in interface["addresses"]]


def test_juju_3_lists_the_interfaces_by_their_first_address_as_text_and_ipv4_first():
    world = World("3.6").settled(units=1)
    several = [
        Interface("eth0", "02:00:00:00:00:01", "alpha", ["2001:db8::1/64", "203.0.113.9/24"]),
        Interface("eth1", "02:00:00:00:01:01", "alpha", ["203.0.113.80/24", "203.0.113.10/24"]),
        Interface("eth2", "02:00:00:00:02:01", "alpha", ["2001:db8::2/64"]),
    ]
    world.juju.machine_addresses_changed("0", several)
    context = world.begin("app/0")
    assert bound_addresses(context) == [
        *("203.0.113.10", "203.0.113.80"),
        *("203.0.113.9", "2001:db8::1"),
        "2001:db8::2",
    ]
    assert context.network_get("peers")["ingress-addresses"] == [
        *("203.0.113.10", "203.0.113.80", "203.0.113.9"),
        *("2001:db8::1", "2001:db8::2"),
    ]


def test_juju_4_lists_the_interfaces_in_any_order():
    world = World("4.0").settled(units=1)
    several = [
        Interface(f"eth{n}", f"02:00:00:00:0{n}:01", "alpha", [f"10.99.0.{n + 1}/24"])
        for n in range(3)
    ]
    world.juju.machine_addresses_changed("0", several)
    orders: set[tuple[str, ...]] = set()
    for _ in range(12):
        context = world.inside("app/0")
        orders.add(tuple(bound_addresses(context)))
        world.juju.kill_running(world.now, "app/0")
    assert len(orders) > 1
    assert {tuple(sorted(order)) for order in orders} == {("10.99.0.1", "10.99.0.2", "10.99.0.3")}


def test_a_machines_own_proxies_are_in_a_hooks_environment_as_programs_read_them():
    world = World().settled(units=1)
    world.juju.set_model_config({"http-proxy": "http://p:1", "no-proxy": "localhost"})
    environment = world.juju.environment(world.inside("app/0").run)
    proxies = {name: environment.get(name) for name in ("http_proxy", "HTTP_PROXY", "https_proxy")}
    assert proxies == {"http_proxy": "http://p:1", "HTTP_PROXY": "http://p:1", "https_proxy": None}
    assert environment["no_proxy"] == "localhost"
    assert environment["JUJU_CHARM_HTTP_PROXY"] == ""


def test_goal_state_can_fail():
    world = World().settled(units=1)
    world.state.faults.goal_state = 'saas application "ceph" not found'
    with pytest.raises(HookToolError, match="saas application"):
        world.inside("app/0").goal_state()


def test_network_get_refuses_an_unknown_binding():
    with pytest.raises(HookToolError, match='"nothing" not defined'):
        World().settled(units=1).inside("app/0").network_get("nothing")


def test_a_changed_address_gives_config_changed_and_reaches_the_peers():
    world = World().settled(units=2)
    world.juju.machine_addresses_changed("0", interfaces("0", last=50))
    runs = world.settle()
    assert names(runs, "app/0") == ["config-changed"]
    assert names(runs, "app/1") == ["peers-relation-changed"]
    context = world.inside("app/1")
    assert context.relation_get(0, "app/0")["ingress-address"] == "10.99.0.51"


def test_the_same_addresses_again_give_no_hook():
    world = World().settled(units=1)
    world.juju.machine_addresses_changed("0", interfaces("0"))
    assert world.settle() == []


def test_a_reboot_with_another_address_gives_start_and_config_changed():
    world = World().settled(units=1)
    world.juju.machine_lost(world.now, "0")
    world.juju.machine_addresses_changed("0", interfaces("0", last=50))
    world.juju.machine_rebooted(world.now, "0")
    assert names(world.settle()) == ["start", "config-changed"]


def test_status_while_a_unit_comes_to_life():
    world = World()
    world.juju.deploy(world.now, charm(), "app", 1)
    seen = [unit_status(world)]
    world.machines_up()
    context = world.begin("app/0")
    seen.append(unit_status(world))
    world.juju.commit(world.now, context)
    world.run("app/0")
    seen.append(unit_status(world))
    assert seen == [
        ("waiting", "waiting for machine", "allocating", ""),
        ("maintenance", "installing charm software", "executing", "running install hook"),
        ("unknown", "", "idle", ""),
    ]


def unit_status(world: World) -> tuple[str, str, str, str]:
    unit = parsed(world).apps["app"].units["app/0"]
    workload, agent = unit.workload_status, unit.juju_status
    return workload.current, workload.message, agent.current, agent.message


def test_a_status_set_in_install_survives_its_retry():
    world = World()
    world.deploy(units=1)
    context = world.begin("app/0")
    context.status_set(world.now, "maintenance", "half way")
    world.juju.fail(world.now, context)
    world.now += 5
    world.begin("app/0")
    assert unit_status(world)[1] == "half way"


def test_status_of_a_failed_hook():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    world.fail("app/0")
    assert unit_status(world) == ("error", 'hook failed: "config-changed"', "idle", "")


def test_status_of_a_lost_agent():
    world = World().settled(units=1)
    world.juju.machine_lost(world.now, "0")
    status = unit_status(world)
    assert (status[0], status[2]) == ("unknown", "lost")
    assert parsed(world).machines["0"].juju_status.current == "down"


def test_status_of_a_leaving_unit():
    world = World().settled(units=1)
    world.juju.remove_unit(world.now, "app/0")
    assert parsed(world).apps["app"].units["app/0"].juju_status.life == "dying"


@pytest.mark.parametrize(
    ("statuses", "derived"),
    [
        (["active", "active"], "active"),
        (["active", "waiting"], "waiting"),
        (["maintenance", "waiting"], "maintenance"),
        (["blocked", "maintenance"], "blocked"),
    ],
)
def test_an_applications_status_is_the_gravest_of_its_units(statuses: list[str], derived: str):
    world = World().settled(units=2)
    for unit, current in zip(list(world.state.units), statuses, strict=True):
        world.inside(unit).status_set(world.now, current)
    assert parsed(world).apps["app"].app_status.current == derived


def test_the_leader_sets_the_applications_status():
    world = World().settled(units=2)
    world.inside("app/0").status_set(world.now, "active", "all well", app=True)
    assert parsed(world).apps["app"].app_status.message == "all well"
    with pytest.raises(HookToolError, match="not the leader"):
        world.inside("app/1").status_set(world.now, "active", app=True)


def test_status_get():
    world = World().settled(units=2)
    context = world.inside("app/0")
    context.status_set(world.now, "active", "well")
    assert context.status_get().message == "well"
    found = context.app_status_get(world.now)
    assert found["units"]["app/0"] == {"status": "active", "message": "well", "status-data": {}}
    with pytest.raises(HookToolError, match="not the leader"):
        world.inside("app/1").app_status_get(world.now)


def test_a_charm_cannot_set_error():
    with pytest.raises(HookToolError, match='invalid status "error"'):
        World().settled(units=1).inside("app/0").status_set(0, "error")


def test_status_shows_leader_ports_version_relations_bindings_and_storage():
    world = World()
    world.deploy(units=1, info=charm(STORING))
    world.juju.storage_provisioned("data/0", "/srv/data")
    world.settle()
    context = world.inside("app/0")
    context.open_port("tcp", 8443, 8443, [])
    context.open_port("udp", 5000, 5010, ["api"])
    context.application_version_set("5.21")
    world.juju.commit(world.now, context)
    status = parsed(world)
    app = status.apps["app"]
    assert app.units["app/0"].leader
    assert app.units["app/0"].open_ports == ["8443/tcp", "5000-5010/udp"]
    assert app.version == "5.21"
    assert app.relations["peers"][0].related_app == "app"
    assert app.endpoint_bindings["public"] == "alpha"
    assert status.storage.storage["data/0"].status.current == "attached"


def test_a_closed_port_is_closed():
    world = World().settled(units=1)
    context = world.inside("app/0")
    context.open_port("tcp", 80, 80, [])
    context.open_port("tcp", 80, 80, [])
    context.close_port("tcp", 80, 80, [])
    assert context.opened_ports() == []


def test_the_log_has_what_hooks_say():
    world = World().settled(units=1)
    world.inside("app/0").juju_log(world.now, "WARNING", "look out")
    line = world.state.log[-1]
    assert (line.entity, line.level, line.message) == ("app/0", "WARNING", "look out")


def test_the_log_keeps_the_last_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "_KEPT", 3)
    state = State()
    for number in range(10):
        records.log(state, 0, "app/0", "INFO", "test", str(number))
    assert 3 <= len(state.log) <= 6
    assert state.log[-1].message == "9"


def test_the_state_survives_json_and_goes_on():
    world = World()
    world.deploy(units=2)
    world.step("app/0")
    world.juju.set_config("app", {"size": 4})
    copy = World()
    copy.juju = Juju(STATE.validate_json(STATE.dump_json(world.state)))
    assert copy.state == world.state
    assert names(copy.settle()) == names(world.settle())


def test_the_same_requests_give_the_same_model():
    worlds = [World().settled(units=3) for _ in range(2)]
    assert STATE.dump_json(worlds[0].state) == STATE.dump_json(worlds[1].state)
