# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A network over all members: the shares of addresses, and the peers."""

from __future__ import annotations

import ipaddress
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from host import overlay_dhcp
from plan.networks import overlay_dhcp as plan_overlay_dhcp
from state.facts import OverlayDhcp
from tests.lxd_model.cloud import Cloud
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp
from tests.unit.overlays import spread
from tests.unit.scenarios import api, changed, names, the_cluster, with_instance
from values.status import Kind

SEGMENT = {"network_mode": "vxlan", "network_name": "seg0", "network_ipv4": "10.9.0.1/24"}


def ranges(app: ModelApp) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for unit in app.units.values():
        text = next(t for p, t in unit.machine.files.items() if p.name == "dhcp.conf")
        line = next(line for line in text.splitlines() if line.startswith("dhcp-range="))
        first, last, *_ = line.removeprefix("dhcp-range=").split(",")
        found.append((int(ipaddress.ip_address(first)), int(ipaddress.ip_address(last))))
    return sorted(found)


@pytest.mark.parametrize("generation", NAMES)
def test_the_gateway_is_on_every_member_and_the_number_is_the_clusters_own(generation: str):
    config = network(spread(generation=generation), "seg0")

    assert config["ipv4.address"].endswith(".0.1/16")
    assert config["ipv4.dhcp"] == "false"
    assert config["bridge.hwaddr"].startswith("02:16:3e:")
    assert config["tunnel.lxd.protocol"] == "vxlan"
    assert config["tunnel.lxd.group"].startswith("239.")
    assert "dns.domain" not in config


def test_members_give_out_addresses_that_nobody_else_gives_out():
    app = spread(4)

    found = ranges(app)

    assert all(low > before for (_, before), (low, _) in itertools.pairwise(found))
    assert [u.machine.services for u in app.units.values()] == [
        ["lxd-cluster-dhcp-seg0.service"]
    ] * 4
    assert {p for u in app.units.values() for p in u.machine.packages} == set(overlay_dhcp.PACKAGES)


@given(st.integers(8, 26), st.integers(0, 300), st.integers(0, 300))
def test_two_units_with_other_shares_have_no_address_in_common(prefix: int, one: int, other: int):
    gateway = ipaddress.IPv4Interface(f"10.0.0.1/{prefix}")
    numbers = [plan_overlay_dhcp.share_number(f"lxd/{number}", gateway) for number in (one, other)]
    (low, high), (low2, high2) = (plan_overlay_dhcp.share(number, gateway) for number in numbers)

    assert low <= high
    assert gateway.network.network_address < low
    assert high < gateway.network.broadcast_address
    assert gateway.ip < low
    assert numbers[0] == numbers[1] or high < low2 or high2 < low


def test_one_that_joins_later_has_a_share_of_its_own():
    app = spread(3)
    before = ranges(app)

    app.add(7)
    app.settle()

    after = ranges(app)
    assert set(before) < set(after)
    assert len(set(after)) == 4


def test_an_overlay_that_does_not_run_any_more_is_set_up_again():
    app = spread(2)
    machine = app.units["lxd/1"].machine
    noted = dict(machine.overlays_)
    machine.overlays_["seg0"] = ""

    app.settle()

    assert machine.overlays_ == noted


@pytest.mark.parametrize("generation", NAMES)
def test_dhcp_that_ends_at_once_is_started_once_in_a_hook(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    app = spread(2, generation)
    machine = app.units["lxd/1"].machine
    machine.overlays_["seg0"] = ""
    starts: list[str] = []

    def dies(network: str, *_: object) -> None:
        starts.append(network)

    with monkeypatch.context() as patch:
        patch.setattr(machine, "run_overlay", dies)
        plan = app.hook("lxd/1")

    reason = "network seg0: DHCP fails: systemctl status lxd-cluster-dhcp-seg0"
    assert str(plan.status) == f"blocked: {reason}"
    assert starts == ["seg0"]
    assert app.own("lxd/1").problem == reason

    # The next hook tries again.
    assert app.hook("lxd/1").status.kind is Kind.ACTIVE
    assert machine.overlays_["seg0"]


KEYS = ["bridge.hwaddr", "tunnel.lxd.id", "tunnel.lxd.group"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_deleted_by_hand_is_chosen_as_in_a_new_network(key: str):
    app = spread(2)
    before = dict(network(app, "seg0"))

    api(app).networks.update("seg0", {key: ""}, {})
    app.settle()

    assert network(app, "seg0") == before


def test_an_overlay_that_does_not_run_and_is_not_wanted_ends():
    app = spread(2)
    app.units["lxd/1"].machine.overlays_["gone"] = ""

    app.settle()

    assert set(app.units["lxd/1"].machine.overlays_) == {"seg0"}


def numbered(*numbers: int, generation: str = "5.21", **options: Any) -> ModelApp:
    """Units with these numbers, the first of them the leader and the bootstrap unit."""
    app = ModelApp(options=options, cloud=Cloud(generation=generation))
    app.leader = f"lxd/{numbers[0]}"
    for number in numbers:
        app.add(number)
    app.settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("older", "newcomer"), [(2, 17), (17, 2)])
def test_a_newcomer_leaves_a_members_share_alone(generation: str, older: int, newcomer: int):
    # Sixteen shares, and the first is unused.
    app = numbered(older, generation=generation, **SEGMENT)
    before = dict(app.units[f"lxd/{older}"].machine.overlays_)

    app.add(newcomer)
    app.settle()
    app.hook(f"lxd/{older}")

    reason = f"network seg0: 10.9.0.0/24 has no free share beside lxd/{older}'s; use a wider subnet"
    assert statuses(app)[f"lxd/{newcomer}"] == f"blocked: {reason}"
    assert names(app) == [f"m{older}"]
    assert before
    assert app.units[f"lxd/{older}"].machine.overlays_ == before


def test_the_member_with_the_lower_number_has_a_share_of_two():
    app = numbered(2, 17)

    changed(app, **SEGMENT)

    reason = "network seg0: 10.9.0.0/24 has no free share beside lxd/2's; use a wider subnet"
    assert statuses(app)["lxd/17"] == f"blocked: {reason}"
    assert app.units["lxd/2"].machine.overlays_
    assert not app.units["lxd/17"].machine.overlays_


def test_a_subnet_that_is_too_narrow_is_named():
    app = spread(2)
    api(app).networks.update("seg0", {"ipv4.address": "10.9.0.1/27"}, {})
    app.settle()

    assert statuses(app)["lxd/1"] == "blocked: network seg0: 10.9.0.1/27 is narrower than /26"


@pytest.mark.parametrize("ranges", ["10.9.0.10-10.9.0.20", "fd00:9::10-fd00:9::20"])
def test_ranges_of_the_default_network_are_for_other_modes(ranges: str):
    app = spread(2, network_ipv6="fd00:9::1/64", network_dhcp_ranges=ranges)

    assert not [key for key in network(app, "seg0") if key.endswith((".ranges", ".stateful"))]


def test_the_member_that_makes_it_wakes_the_others():
    app = spread(3)

    assert app.own("lxd/0").spread == ("seg0",)
    assert app.own("lxd/1").spread == ()


def test_it_ends_with_its_network():
    app = spread(3)
    app.options |= {"network_mode": "bridge", "network_name": "lxdbr0"}
    app.settle()
    assert all(u.machine.overlays_ for u in app.units.values())

    api(app).networks.delete("seg0")
    for unit in app.units:
        app.hook(unit)

    assert not any(u.machine.overlays_ for u in app.units.values())


def unnamed() -> ModelApp:
    """A network over all members that no option names any more."""
    app = with_instance(spread(3), "m1")
    changed(app, network_mode="bridge", network_name="lxdbr0")
    assert all("seg0" in u.machine.overlays_ for u in app.units.values())
    return app


def test_a_new_unit_serves_a_network_that_no_option_names():
    app = unnamed()

    newcomer = app.add(3)
    app.settle()

    assert app.own("lxd/3").cluster
    assert "seg0" in newcomer.machine.overlays_


def test_a_machine_that_lost_its_part_of_such_a_network_has_it_again():
    app = unnamed()
    app.units["lxd/1"].machine.overlays_.clear()

    app.settle()

    assert "seg0" in app.units["lxd/1"].machine.overlays_


@pytest.mark.parametrize(("config", "mtu"), [({}, "1400"), ({"bridge.mtu": "1300"}, "1300")])
def test_its_addresses_come_with_the_mtu_of_the_tunnel(config: dict[str, str], mtu: str):
    app = unnamed()
    network = the_cluster(app).networks["seg0"]
    the_cluster(app).networks["seg0"] = replace(network, config={**network.config, **config})

    app.settle()

    assert f"mtu='{mtu}'" in app.units["lxd/1"].machine.overlays_["seg0"]
    files = overlay_dhcp.files(OverlayDhcp("lan", "10.0.0.1/24", mtu=mtu))
    conf = next(text for path, text in files.items() if path.name == "dhcp.conf")
    assert f"dhcp-option-force=option:mtu,{mtu}" in conf.splitlines()


@pytest.mark.parametrize("unit", ["lxd/0", "lxd/254", "lxd/255"])
def test_a_share_is_one_of_those_that_there_are(unit: str):
    gateway = ipaddress.IPv4Interface("10.9.0.1/16")

    assert 1 <= plan_overlay_dhcp.share_number(unit, gateway) <= 255
