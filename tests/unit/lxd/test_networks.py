# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks through LXD's API: a refusal or a failure of LXD is an error in all generations."""

from __future__ import annotations

from contextlib import suppress

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError, LxdUnreachable
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, each, faulty
from values.interface import Interface

NIC = {"type": "nic", "name": "eth0", "network": "br0"}


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members without a network, whose machines have one more interface."""
    servers = clustered(request.param)
    for server in servers:
        server.interfaces = {name: Interface(name) for name in ("eth0", "eth1")}
    return servers


def test_a_network_is_made_on_all_members(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {"ipv4.address": "10.9.0.1/24"}, each(servers))

    # The interfaces of the machine, which LXD also lists, are excluded.
    (network,) = lxd.networks.list()
    assert (network.name, network.type, network.status) == ("br0", "bridge", "Created")
    assert network.config["ipv4.address"] == "10.9.0.1/24"
    assert network.used_by == frozenset()


def test_a_network_that_one_member_cannot_make_is_an_error(servers: list[Server], lxd: LxdApi):
    del servers[2].interfaces["eth1"]

    with pytest.raises(LxdError, match="eth1"):
        lxd.networks.create("lan", "macvlan", {}, {s.name: {"parent": "eth1"} for s in servers})

    assert lxd.networks.list()[0].half_made


def test_a_network_that_cannot_even_be_defined_is_an_error(servers: list[Server], lxd: LxdApi):
    with pytest.raises(LxdError):
        lxd.networks.create("lan", "macvlan", {}, each(servers))

    assert lxd.networks.list() == ()


def test_before_it_is_made_somebody_may_object(servers: list[Server], lxd: LxdApi):
    def objects() -> None:
        raise LxdUnreachable("m3 is joining")

    with pytest.raises(LxdUnreachable):
        lxd.networks.create("br0", "bridge", {}, each(servers), objects)

    assert lxd.networks.list()[0].status == "Pending"


RANGES = {"ipv4.dhcp.ranges": "10.0.0.2-10.0.0.99", "ipv4.ovn.ranges": "10.0.0.200-10.0.0.250"}


@pytest.mark.parametrize("ranges", ["", "10.0.0.2-10.0.0.99"])
def test_an_uplink_has_addresses_for_routers_that_dhcp_does_not_give_out(
    ranges: str, servers: list[Server], lxd: LxdApi
):
    lxd.networks.create("br0", "bridge", {"ipv4.dhcp.ranges": ranges}, each(servers))
    with pytest.raises(LxdError, match="Missing required"):
        lxd.networks.create("ovn0", "ovn", {"network": "br0"}, {})

    with suppress(LxdError):
        lxd.networks.update("br0", {"ipv4.ovn.ranges": RANGES["ipv4.ovn.ranges"]}, {})

    (found,) = (n.config for n in lxd.networks.list() if n.name == "br0")
    assert ("ipv4.ovn.ranges" in found) == bool(ranges)


def test_a_network_of_ovn_is_not_defined_on_members(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", RANGES, each(servers))

    lxd.networks.create("ovn0", "ovn", {"network": "br0"}, {})

    assert {n.name: n.config for n in lxd.networks.list()}["ovn0"]["network"] == "br0"


def test_a_network_of_ovn_needs_an_uplink(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))

    with pytest.raises(LxdError, match='"none" is not one of the allowed uplink networks'):
        lxd.networks.create("ovn0", "ovn", {"network": "none"}, {})


def test_a_network_that_nothing_uses_is_deleted(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))

    lxd.networks.delete("br0")

    assert lxd.networks.list() == ()


def test_a_network_that_is_used_or_not_there_is_not_deleted(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))
    by_hand.launch(servers[1], "c1", devices={"eth0": NIC})

    with pytest.raises(LxdError, match="in use"):
        lxd.networks.delete("br0")
    with pytest.raises(LxdError) as missing:
        lxd.networks.delete("br1")

    assert lxd.networks.list()[0].used_by == {"/1.0/instances/c1"}
    assert missing.value.not_found


def test_what_each_member_is_on_is_asked_of_each(servers: list[Server], lxd: LxdApi):
    own = {"m0": {"parent": "eth1"}, "m1": {"parent": "eth1"}, "m2": {"parent": "eth0"}}
    lxd.networks.create("lan", "macvlan", {}, own)
    lxd.networks.create("br0", "bridge", {}, each(servers))

    assert lxd.networks.parents("lan", ["m0", "m2"]) == {"m0": "eth1", "m2": "eth0"}
    assert lxd.networks.parents("br0", ["m1"]) == {"m1": ""}


def test_keys_are_set_for_members_and_for_all(servers: list[Server], lxd: LxdApi):
    lxd.networks.create(
        "lan", "macvlan", {"vlan": "7"}, {s.name: {"parent": "eth1"} for s in servers}
    )

    lxd.networks.update("lan", {"mtu": "1400"}, {"m1": {"parent": "eth0"}})

    assert lxd.networks.list()[0].config == {"vlan": "7", "mtu": "1400"}
    assert lxd.networks.parents("lan", ["m0", "m1"]) == {"m0": "eth1", "m1": "eth0"}


def test_a_change_that_fails_is_an_error(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))

    with pytest.raises(LxdError, match=r"no\.such"):
        lxd.networks.update("br0", {"no.such": "key"}, {})
    servers[1].kill_daemon()
    with pytest.raises(LxdError):
        lxd.networks.update("br0", {"bridge.mtu": "1400"}, {})

    assert "bridge.mtu" not in lxd.networks.list()[0].config


def test_instances_keep_the_nic_that_they_have(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))
    lxd.profiles.set_default({"config": {}, "description": "", "devices": {"eth0": NIC}})
    by_hand.launch(servers[1], "follows")
    own = {**NIC, "limits.ingress": "1Gbit"}
    by_hand.launch(servers[1], "own", devices={"eth0": own})

    lxd.networks.pin_nics({"network": "br0"})
    lxd.networks.pin_nics({"network": "another"})

    instances = servers[0].records.instances
    assert instances["default", "follows"].devices == {"eth0": NIC}
    assert instances["default", "own"].devices == {"eth0": own}


def test_instances_with_other_nics_get_no_second_one(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("br0", "bridge", {}, each(servers))
    by_hand.launch(servers[1], "alone")
    by_hand.launch(servers[1], "connected", devices={"lan": NIC})
    by_hand.launch(servers[1], "own", devices={"eth0": NIC})

    lxd.networks.pin_without_nic()

    instances = servers[0].records.instances
    assert instances["default", "alone"].devices == {}
    assert instances["default", "connected"].devices == {"lan": NIC, "eth0": {"type": "none"}}
    assert instances["default", "own"].devices == {"eth0": NIC}


def test_a_member_on_which_a_network_does_not_run_says_why(servers: list[Server], lxd: LxdApi):
    servers[1].dns_taken = True
    lxd.networks.create("br0", "bridge", {}, each(servers))

    assert lxd.networks.unavailable("m0") == {}
    assert "dnsmasq" in lxd.networks.unavailable("m1")["br0"]

    # The warning of a network that is gone may stay.
    faulty(servers[0], "GET /1.0/networks/NAME", "refuse")
    assert lxd.networks.unavailable("m1") == {}


def test_only_created_networks_on_a_bridge_miss_one(servers: list[Server], lxd: LxdApi):
    """LXD issue 3100: somebody has deleted a bridge, and LXD calls its network created."""
    parents = {s.name: {"parent": "eth1"} for s in servers}
    lxd.networks.create("br0", "bridge", {}, each(servers))
    lxd.networks.create("quiet", "macvlan", {}, parents)

    def objects() -> None:
        raise LxdUnreachable("m3 is joining")

    with pytest.raises(LxdUnreachable):
        lxd.networks.create("half", "bridge", {}, each(servers), objects)

    assert lxd.networks.created_bridges(["br0", "gone", "half", "quiet"], "m0") == ["br0"]


def test_what_a_silent_member_is_on_is_unknown(servers: list[Server], lxd: LxdApi):
    own = {server.name: {"parent": "eth1"} for server in servers}
    lxd.networks.create("lan", "macvlan", {}, own)
    servers[1].kill_daemon()

    assert lxd.networks.parents("lan", ["m0", "m1", "m2"]) == {"m0": "eth1", "m2": "eth1"}


def test_a_request_that_was_given_up_is_waited_for(servers: list[Server], lxd: LxdApi):
    lxd.networks.create("up", "bridge", RANGES, each(servers))
    for name in ("br0", "br1"):
        faulty(servers[0], "POST /1.0/networks", "lost")
        with pytest.raises(LxdUnreachable):
            lxd.networks.create(name, "ovn", {}, {})
    before = servers[0].cloud.now

    lxd.networks.await_changes("br0")

    assert ("br0", "Created") in {(n.name, n.status) for n in lxd.networks.list()}
    assert servers[0].cloud.now - before < 10
