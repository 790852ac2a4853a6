# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's address from a binding's addresses, for any order in Juju."""

from __future__ import annotations

from itertools import permutations

import pytest

from plan.addresses import choice
from plan.addresses.choice import Addresses, Chosen
from state.bindings import Binding, BindingAddress
from state.cluster import Server
from state.peers import AppData, UnitData
from state.view import Peers
from tests.lxd_model.generations import NAMES
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, ModelUnit, formed
from tests.unit.scenarios import api, changed, names, server, the_cluster
from values.interface import Interface

V4, V6, LOWER, PUBLIC = "10.0.0.10", "fd00::10", "10.0.0.9", "192.0.2.10"
VIRTUAL, BRIDGE, DOCKER = "10.0.0.1", "10.1.1.1", "10.0.7.1"
BMC, LINK = "169.254.3.1", "fe80::10"
LOST, SHARED = "10.0.3.3", "10.0.3.9"

APART = {"network_ipv4": "10.9.0.1/24"}
"""No subnet of these machines."""

ETH0 = Interface(
    "eth0",
    subnets=(f"{V4}/24", f"{LOWER}/24", f"{VIRTUAL}/32", f"{V6}/64"),
    secondary=frozenset({LOWER}),
)
MACHINE = (
    ETH0,
    Interface("eth1", subnets=(f"{PUBLIC}/24", f"{LINK}/64")),
    Interface("usb0", subnets=(f"{BMC}/16",)),
    Interface("lxdbr0", bridge=True, subnets=(f"{BRIDGE}/24",), made_by_lxd=True, inner=True),
    Interface("docker0", bridge=True, subnets=(f"{DOCKER}/24",), inner=True),
)


def bindings(*addresses: str) -> tuple[BindingAddress, ...]:
    return tuple(map(BindingAddress, addresses))


def peers(*members: str, own: str = "") -> Peers:
    others = {f"lxd/{n}": UnitData(cluster="c", address=a) for n, a in enumerate(members, 1)}
    mine = UnitData(cluster="c" if own else "", address=own)
    return Peers(AppData(bootstrap="lxd/1"), mine, others)


def lxd(cluster: str = "", https: str = "", *, clustered: bool = True) -> Server:
    """LXD with these addresses."""
    configured = {"cluster": cluster, "core": https}
    config = {f"{word}.https_address": f"{a}:8443" for word, a in configured.items() if a}
    return Server("5.21.7", clustered, "m0", "f00d", frozenset(), config)


OUTSIDER = lxd(clustered=False)


@pytest.mark.parametrize(
    ("listed", "known", "meant"),
    [
        pytest.param([V4], peers(), V4, id="the only one"),
        pytest.param([V4, V6], peers(), V4, id="IPv4 where nobody is there yet"),
        pytest.param([V4, V6], peers("fd00::1"), V6, id="the members' family"),
        pytest.param([V4], peers("fd00::1"), V4, id="none of that family"),
        pytest.param([], peers("fd00::1"), "", id="none at all"),
        pytest.param([VIRTUAL, V4], peers(), V4, id="no /32, such as keepalived's"),
        pytest.param([VIRTUAL], peers(), VIRTUAL, id="a /32 where there is nothing else"),
        pytest.param([LOWER, V4], peers(), V4, id="no second one of the subnet"),
        pytest.param([BRIDGE, V4], peers(), V4, id="not LXD's own bridge"),
        pytest.param([BRIDGE, VIRTUAL], peers(), VIRTUAL, id="least of all LXD's own bridge"),
        pytest.param([DOCKER, V4], peers(), V4, id="no bridge that leads nowhere"),
        pytest.param([BMC, PUBLIC], peers(), PUBLIC, id="not the way to the BMC"),
        pytest.param([BMC, VIRTUAL], peers(), VIRTUAL, id="rather a /32"),
        pytest.param([LINK, V6], peers("fd00::1"), V6, id="no fe80::"),
        pytest.param([V4, PUBLIC], peers("192.0.2.1"), PUBLIC, id="where the members are"),
        pytest.param([V4, PUBLIC], peers("203.0.113.1"), V4, id="where no member is"),
    ],
)
def test_a_unit_that_joins_makes_the_same_choice_in_any_order(
    listed: list[str], known: Peers, meant: str
):
    machine = Addresses(interfaces=MACHINE)
    for order in permutations(bindings(*listed)):
        chosen = choice.choose(known, OUTSIDER, order, order, machine)
        assert chosen == Chosen(meant, meant)


def test_an_lxd_bridge_is_known_by_the_name_that_juju_says():
    """The machine has no facts about an address that has just gone."""
    listed = (BindingAddress(BRIDGE, "10.1.1.0/24", "lxdbr0"), BindingAddress(V4))

    assert choice.choose(peers(), OUTSIDER, listed, listed, Addresses(interfaces=MACHINE))[0] == V4


def test_a_subnet_that_juju_says_counts_where_the_machine_does_not_tell():
    listed = (BindingAddress(VIRTUAL, f"{VIRTUAL}/32"), BindingAddress(V4, "10.0.0.0/24"))

    assert choice.choose(peers(), OUTSIDER, listed, listed, Addresses())[0] == V4


@pytest.mark.parametrize(
    ("listed", "known", "has", "here", "meant"),
    [
        pytest.param([LOWER, V4], peers(), lxd(V4), [V4], V4, id="LXD's own"),
        pytest.param(
            [LOWER, V4], peers(own=V4), None, [V4], V4, id="of an LXD that does not answer"
        ),
        pytest.param([BRIDGE], peers(), lxd(V4), [V4], V4, id="Juju does not list it any more"),
        pytest.param([], peers(), lxd(V4), [V4], V4, id="Juju lists none"),
        pytest.param([PUBLIC], peers(), lxd(V4), [V4], V4, id="another space is bound"),
        pytest.param([V4], peers(), lxd(V4), [], V4, id="it is about to come back"),
        pytest.param([PUBLIC], peers(), lxd(V4), [], PUBLIC, id="it is gone"),
    ],
)
def test_a_member_keeps_its_address_as_long_as_the_machine_has_it(
    listed: list[str], known: Peers, has: Server | None, here: list[str], meant: str
):
    machine = Addresses(frozenset(here), MACHINE)

    assert choice.choose(known, has, bindings(*listed), (), machine).cluster == meant


@pytest.mark.parametrize(
    ("listed", "has", "here", "meant"),
    [
        pytest.param([VIRTUAL, V4], V4, [V4], V4, id="it has one of them"),
        pytest.param([V4, PUBLIC], PUBLIC, [PUBLIC], PUBLIC, id="also one that is not the best"),
        pytest.param([PUBLIC], V4, [V4], PUBLIC, id="another space is bound"),
        pytest.param([VIRTUAL], V4, [V4], V4, id="never to a virtual one by itself"),
        pytest.param([BRIDGE], V4, [V4], V4, id="nor to LXD's own bridge"),
        pytest.param([BMC], V4, [V4], V4, id="nor to where only the BMC is"),
        pytest.param([], V4, [V4], V4, id="Juju lists none"),
        pytest.param([VIRTUAL, V4], VIRTUAL, [], VIRTUAL, id="an operator set the virtual one"),
        pytest.param([V4], VIRTUAL, [], V4, id="the virtual one is on another machine now"),
        pytest.param([VIRTUAL], LOST, [], LOST, id="nor while its own is missing"),
        pytest.param([LOWER], LOST, [], LOST, id="nor to a second one of its subnet"),
        pytest.param([VIRTUAL, PUBLIC], LOST, [], PUBLIC, id="another one is there instead"),
        pytest.param([VIRTUAL], "", [], VIRTUAL, id="it has none"),
        pytest.param([V4], "[::]", ["::"], V4, id="it listens everywhere"),
    ],
)
def test_the_api_of_a_member_follows_its_binding(
    listed: list[str], has: str, here: list[str], meant: str
):
    machine = Addresses(frozenset([*here, V4]), MACHINE)

    chosen = choice.choose(peers(own=V4), lxd(V4, has), bindings(V4), bindings(*listed), machine)

    assert chosen == Chosen(V4, meant)


@pytest.mark.parametrize(
    ("cluster", "https", "has", "looks"),
    [
        pytest.param([V4], [V4], OUTSIDER, False, id="one address"),
        pytest.param([V4, V6], [V4], OUTSIDER, True, id="two"),
        pytest.param([V4], [V4, V6], OUTSIDER, True, id="two of the other binding"),
        pytest.param([V4, V6], [V4, V6], lxd(V4, V4), False, id="a member has chosen"),
        pytest.param([BRIDGE], [V4], lxd(V4, V4), False, id="it is on the machine"),
        pytest.param([V4], [VIRTUAL], lxd(V4, V4), True, id="its API may have to move"),
        pytest.param([V4], [LOWER], lxd(V4, LOST), True, id="its API has lost its address"),
        pytest.param([], [], OUTSIDER, False, id="none"),
    ],
)
def test_interfaces_are_looked_at_only_where_there_is_a_choice(
    cluster: list[str], https: list[str], has: Server, looks: bool
):
    known, here = peers(own=V4 if has.clustered else ""), frozenset({V4})

    assert choice.is_choice(known, has, bindings(*cluster), bindings(*https), here) is looks


def test_what_carries_networks_is_the_same_in_any_order():
    listed = [
        BindingAddress("10.0.0.1", "10.0.0.1/32", "eth0"),
        BindingAddress("10.0.0.9", "10.0.0.0/24", "eth1"),
        BindingAddress("10.0.0.10", "10.0.0.0/24", "eth2"),
    ]

    assert {choice.network_address(order) for order in permutations(listed)} == {listed[1]}
    assert choice.network_address([]) is None


# On whole clusters.


def bridged(unit: ModelUnit, number: int) -> None:
    """The machine has lxdbr0 by now, and Juju 4.0 lists its address first."""
    bridge = f"10.{100 + number}.0.1"
    own = Interface("eth0", subnets=(f"{unit.address}/24",))
    inner = Interface(
        "lxdbr0", bridge=True, subnets=(f"{bridge}/24",), made_by_lxd=True, inner=True
    )
    unit.machine.interfaces_ = [own, inner]
    unit.server.addresses = {bridge}
    unit.listed = bindings(bridge, unit.address)


@pytest.mark.parametrize("generation", NAMES)
def test_a_cluster_forms_though_juju_lists_the_bridge_first(generation: str):
    app = formed(1, generation, **APART)
    for number in (1, 2):
        app.add(number)

    for _ in range(6):
        for number, (name, unit) in enumerate(app.units.items()):
            if app.own(name).cluster:
                bridged(unit, number)
            app.hook(name)
    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert [row.address for row in the_cluster(app).members] == [
        f"10.0.0.{n}:8443" for n in (1, 2, 3)
    ]
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


def test_a_member_is_well_though_juju_lists_the_bridge_alone():
    app = formed(3, **APART)
    bridged(app.units["lxd/0"], 0)
    app.units["lxd/0"].listed = app.units["lxd/0"].listed[:1]

    app.settle()

    assert statuses(app)["lxd/0"] == "active: member m0, voter"
    assert server(app, "m0").config["core.https_address"] == "10.0.0.1:8443"


def test_the_api_stays_where_keepalived_adds_an_address():
    app = formed(3, **APART)
    unit = app.units["lxd/0"]
    unit.machine.interfaces_ = [Interface("eth0", subnets=("10.0.0.1/24", "10.0.0.0/32"))]
    unit.listed = (BindingAddress("10.0.0.0", "10.0.0.0/32"), BindingAddress("10.0.0.1"))

    app.settle()

    assert api(app).server.get().config["core.https_address"] == "10.0.0.1:8443"
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


def test_the_api_stays_though_only_keepalived_s_address_is_left():
    """Its own address is missing for a while, and comes back."""
    app = formed(3)
    unit = app.units["lxd/0"]
    unit.https, unit.server.addresses = LOST, {LOST}
    app.settle()
    assert server(app, "m0").config["core.https_address"] == f"{LOST}:8443"

    unit.machine.interfaces_ = [Interface("eth1", subnets=(f"{SHARED}/32",))]
    unit.https, unit.server.addresses = SHARED, {SHARED}
    app.settle()

    assert server(app, "m0").config["core.https_address"] == f"{LOST}:8443"
    unit.https, unit.server.addresses = LOST, {LOST}
    app.settle()
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


NO_NETWORK = 'ERROR no network config found for binding "{}"'


@pytest.mark.parametrize(
    ("problems", "status"),
    [
        (
            {"cluster": NO_NETWORK, "https": NO_NETWORK},
            "blocked: the binding cluster has no network: juju bind lxd SPACE",
        ),
        (
            {"https": NO_NETWORK},
            "blocked: the binding https has no network: juju bind lxd https=SPACE",
        ),
        # --bind "oam cluster=internal", whose space Juju 4.0.7 does not find: juju issue 22294.
        (
            {"cluster": NO_NETWORK},
            "blocked: the binding cluster has no network: juju bind lxd cluster=SPACE",
        ),
        (
            {"cluster": "ERROR connection is shut down"},
            "waiting: for an address on the binding cluster: ERROR connection is shut down",
        ),
    ],
)
def test_a_unit_without_a_network_says_what_to_type_and_goes_on_afterwards(
    problems: dict[str, str], status: str
):
    app = formed(1)
    app.add(1)
    for binding, why in problems.items():
        app.unbound[binding] = Binding(binding, (), why.format(binding))

    app.settle()
    assert statuses(app)["lxd/1"] == status
    assert statuses(app)["lxd/0"] == "active: member m0, voter"

    app.unbound.clear()
    app.settle()
    assert names(app) == ["m0", "m1"]


def test_a_member_whose_binding_lost_its_network_changes_nothing():
    app = formed(3)
    app.unbound = {b: Binding(b, (), NO_NETWORK.format(b)) for b in ("cluster", "https")}

    changed(app, images_replicas=2)

    units = {f"lxd/{n}": f"active: member m{n}, voter" for n in range(3)}
    assert statuses(app) == units | {"app": "active: 3 members, 3 voters"}


def test_a_unit_leaves_without_a_network():
    app: ModelApp = formed(3)
    app.unbound = {b: Binding(b, (), NO_NETWORK.format(b)) for b in ("cluster", "https")}
    app.leaving.add("lxd/2")

    assert not app.hook("lxd/2").hold
    assert names(app) == ["m0", "m1"]


@pytest.mark.parametrize("value", ["m0.maas:8443", "[::]:8443", ":8443", "[::]", "10.0.0.1"])
def test_lxd_may_listen_on_a_name_or_on_all_addresses(value: str):
    """An operator set it, and the binding has no address that could follow."""
    app = formed(3)
    server(app, "m0").config["core.https_address"] = value
    app.unbound = {"https": Binding("https", (), "no network config found for binding https")}

    assert app.hook("lxd/0").hold == ""
