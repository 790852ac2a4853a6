# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""OVN's networks: the address of its database, its certificates, and a machine's requirements."""

from __future__ import annotations

import json
from typing import Any

import pytest

from options.options import Options
from relations import ovn
from state.facts import Ovn
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, nic, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, server, the_cluster, with_ranges

TCP = Ovn("tcp:10.0.9.1:6641")
PEM = "-----BEGIN {0}-----\nTUlJ\n-----END {0}-----\n"
TLS = Ovn("ssl:10.0.9.1:6641", "a certificate", "a key", "an authority")

CONNECTIONS: list[tuple[dict[str, Any], list[dict[str, str]], dict[str, str], str]] = [
    ({}, [], {}, ""),
    ({}, [{"bound-address": "10.0.9.2"}, {"bound-address": "10.0.9.1"}], {}, "A"),
    ({}, [{}, {"bound-address": "fd00::9"}], {}, "ssl:[fd00::9]:6641"),
    ({}, [{"bound-address": "ovn.example"}], {}, "ssl:ovn.example:6641"),
    ({}, [], {"db_nb_connection_str": "ssl:10.0.9.3:6641"}, "ssl:10.0.9.3:6641"),
    (
        {"ovn_northbound": "tcp:a:6641 tcp:b:6641"},
        [{"bound-address": "c"}],
        {},
        "tcp:a:6641,tcp:b:6641",
    ),
]


@pytest.mark.parametrize(("options", "units", "application", "connection"), CONNECTIONS)
def test_where_the_database_is(
    options: dict[str, Any],
    units: list[dict[str, str]],
    application: dict[str, str],
    connection: str,
):
    both = "ssl:10.0.9.1:6641,ssl:10.0.9.2:6641"

    found = ovn.northbound(Options(**options), units, application)

    assert found == (both if connection == "A" else connection)


def test_a_certificate_is_asked_for_and_given_by_the_units_name():
    asked = ovn.request("lxd/1", "m1", "10.0.0.2")
    c, k = (PEM.format(kind) for kind in ("CERTIFICATE", "RSA PRIVATE KEY"))
    databag = {"lxd_1.server.cert": c, "lxd_1.server.key": k, "ca": c, "lxd_2.server.key": "x"}

    assert asked["unit_name"] == "lxd_1"
    assert json.loads(asked["sans"]) == ["10.0.0.2"]
    assert ovn.answer("lxd/1", TLS.northbound, [{}, databag]) == Ovn(TLS.northbound, c, k, c)
    assert ovn.answer("lxd/3", TLS.northbound, [databag]) == Ovn(TLS.northbound)
    assert "'k'" not in repr(ovn.answer("lxd/1", TLS.northbound, [databag]))


OVN0 = {"network_mode": "ovn", "network_name": "ovn0", "ovn_uplink": "lxdbr0"}


def on_ovn(answer: Ovn | None, generation: str = "5.21", **options: Any) -> ModelApp:
    app = with_ranges(formed(3, generation))
    app.related["ovn"] = answer
    app.options |= OVN0 | options
    app.settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_the_network_is_made_where_every_machine_is_a_chassis(generation: str):
    app = on_ovn(TCP, generation)

    assert the_cluster(app).config["network.ovn.northbound_connection"] == TCP.northbound
    assert the_cluster(app).networks["ovn0"].type == "ovn"
    assert network(app, "ovn0")["network"] == "lxdbr0"
    assert nic(app) == {"network": "ovn0"}


def test_an_uplink_is_made_first():
    app = formed(3)
    app.related["ovn"] = TCP
    app.options |= {
        "network_mode": "ovn",
        "network_name": "ovn0",
        "ovn_uplink": "up",
        "networks": "{up: {mode: bridge, ipv4: 10.9.0.1/24, dhcp-ranges: 10.9.0.2-10.9.0.99,"
        " ranges: 10.9.0.100-10.9.0.200}}",
    }
    app.settle()

    assert network(app, "ovn0")["network"] == "up"
    assert network(app, "up")["ipv4.ovn.ranges"] == "10.9.0.100-10.9.0.200"


def test_what_lxd_has_chosen_itself_stays():
    app = on_ovn(TCP)
    api(app).networks.update("ovn0", {"bridge.mtu": "1442"}, {})

    assert app.plan("lxd/0").steps == ()


HINDERED = [
    (None, "blocked: ovn: integrate it with ovn-central, or set ovn-northbound"),
    (
        Ovn(TLS.northbound),
        "blocked: ovn: no certificate for its database: integrate with vault:certificates",
    ),
    (
        Ovn(TLS.northbound, microovn=True),
        "blocked: ovn: no certificate: snap connect lxd:ovn-certificates microovn",
    ),
]


@pytest.mark.parametrize(("answer", "status"), HINDERED)
def test_what_is_missing_is_named(answer: Ovn | None, status: str):
    app = on_ovn(answer)

    assert statuses(app)["lxd/1"] == status
    assert "ovn0" not in the_cluster(app).networks
    assert nic(app) == {"network": "lxdbr0"}


def test_a_machine_that_is_not_a_chassis_says_so():
    app = formed(3)
    app.related["ovn"] = TCP
    app.units["lxd/2"].machine.missing_ = "no Open vSwitch here: relate ovn-chassis"
    app.options |= OVN0
    app.settle()

    reason = "no Open vSwitch here: relate ovn-chassis"
    assert statuses(app)["lxd/2"] == f"blocked: {reason}"
    assert statuses(app)["lxd/0"] == f"blocked: lxd/2: {reason}"


def test_what_opens_the_database_is_written_where_lxd_looks():
    app = on_ovn(TLS)

    files = app.units["lxd/1"].machine.files
    assert files[ovn.KEY] == "a key"
    assert files[ovn.CERTIFICATE] == "a certificate"
    assert "ovn0" in the_cluster(app).networks


def test_what_another_charm_wrote_is_as_good():
    app = with_ranges(formed(3))
    app.related["ovn"] = Ovn(TLS.northbound)
    for unit in app.units.values():
        unit.machine.others_opened_ovn = True
    app.options |= OVN0
    app.settle()

    assert "ovn0" in the_cluster(app).networks
    assert not any(u.machine.files for u in app.units.values())


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"ovn_uplink": ""}, "network ovn0: OVN needs an uplink: set ovn-uplink"),
        (
            {"networks": "ov: ovn"},
            "network ov: OVN needs an uplink: set its uplink in networks",
        ),
    ],
)
def test_a_network_without_an_uplink_says_what_to_set(options: dict[str, str], reason: str):
    app = on_ovn(TCP, **options)

    assert statuses(app)["app"] == f"blocked: {reason}"


@pytest.mark.parametrize("generation", NAMES)
def test_an_uplink_without_addresses_for_the_router_says_what_to_set(generation: str):
    """LXD: `Missing required "ipv4.ovn.ranges" config key on uplink network`."""
    bridge = "{{up: {{mode: bridge, ipv4: 10.9.0.1/24{}}}}}"
    app = on_ovn(TCP, generation, ovn_uplink="up", networks=bridge.format(""))

    told = "network ovn0: no addresses for it on up: set its ranges in networks"
    assert statuses(app)["lxd/0"] == f"blocked: {told}"
    ranges = ", dhcp-ranges: 10.9.0.2-10.9.0.99, ranges: 10.9.0.100-10.9.0.200"
    changed(app, networks=bridge.format(ranges))
    assert network(app, "ovn0")["network"] == "up"


def test_an_uplink_that_no_option_names_says_which_key_to_set():
    app = formed(3)
    app.related["ovn"] = TCP
    changed(app, **OVN0)

    told = "network ovn0: no addresses for it on lxdbr0: set its ipv4.ovn.ranges"
    assert statuses(app)["lxd/0"] == f"blocked: {told}"
    with_ranges(app)
    app.settle()
    assert network(app, "ovn0")["network"] == "lxdbr0"


@pytest.mark.parametrize("generation", NAMES)
def test_an_existing_network_keeps_its_uplink(generation: str):
    """LXD: `Uplink IP "10.0.0.200" not within allowed ranges specified by uplink network`."""
    bridge = "{up: {mode: bridge, ipv4: 10.9.0.1/24, dhcp-ranges: 10.9.0.2-10.9.0.99,"
    app = on_ovn(TCP, generation, networks=f"{bridge} ranges: 10.9.0.100-10.9.0.200}}}}")

    changed(app, ovn_uplink="up", network_disruptive=True)

    told = "network ovn0: LXD keeps its uplink lxdbr0: set the option back"
    assert statuses(app)["lxd/0"] == f"blocked: {told}"
    assert network(app, "ovn0")["network"] == "lxdbr0"
    changed(app, network_name="ovn1")
    assert network(app, "ovn1")["network"] == "up"


def test_an_uplink_that_is_not_there_is_named():
    app = on_ovn(TCP, ovn_uplink="up")

    assert statuses(app)["lxd/0"] == "blocked: network ovn0: there is no network up"


def gateways(app: ModelApp) -> set[str]:
    return {row.name for row in the_cluster(app).members if "ovn-chassis" in row.given}


@pytest.mark.parametrize("generation", NAMES)
def test_gateways_are_the_members_that_the_option_names(generation: str):
    app = formed(3, generation)

    app.options["ovn_gateways"] = "m0 m[2-9]"
    app.settle()
    assert gateways(app) == {"m0", "m2"}

    app.options["ovn_gateways"] = "m1"
    app.settle()
    assert gateways(app) == {"m1"}

    app.options["ovn_gateways"] = ""
    app.settle()
    assert gateways(app) == set()


def test_a_role_that_an_operator_gave_stays_when_the_option_is_reset():
    app = formed(3)
    api(app).members.set_role("ovn-chassis", {"m0": True})

    app.options["ovn_gateways"] = "m0 m1"
    app.settle()
    app.options["ovn_gateways"] = ""
    app.settle()

    assert gateways(app) == {"m0"}


def test_a_connection_that_an_operator_set_stays():
    app = formed(2)
    api(app).server.set_config({ovn.KEY_OF_DATABASE: "tcp:10.0.9.7:6641"})

    app.settle()

    assert the_cluster(app).config[ovn.KEY_OF_DATABASE] == "tcp:10.0.9.7:6641"


def test_a_connection_stays_as_long_as_a_network_is_on_it():
    app = on_ovn(TCP)

    app.related["ovn"] = None
    app.options |= {"network_mode": "bridge", "network_name": "lxdbr0"}
    app.settle()
    assert the_cluster(app).config[ovn.KEY_OF_DATABASE] == TCP.northbound
    api(app).networks.delete("ovn0")
    app.settle()

    assert ovn.KEY_OF_DATABASE not in the_cluster(app).config


def test_a_connection_stays_as_long_as_a_network_of_another_project_is_on_it():
    """LXD lists only those of the default project."""
    app = on_ovn(TCP)
    app.options |= {"network_mode": "bridge", "network_name": "lxdbr0"}
    app.settle()
    api(app).networks.delete("ovn0")
    by_hand.add_network(server(app, "m0"), "web", "ovn1", "lxdbr0")

    app.related["ovn"] = None
    app.settle()

    assert the_cluster(app).config[ovn.KEY_OF_DATABASE] == TCP.northbound


def test_a_member_that_joins_is_a_gateway_if_the_option_says_so():
    app = formed(2)
    app.options["ovn_gateways"] = "*"
    app.settle()

    app.add(2)
    app.settle()

    assert gateways(app) == {"m0", "m1", "m2"}


def test_gateways_that_nobody_is_change_nothing():
    app = formed(2)

    app.options["ovn_gateways"] = "edge*"
    app.settle()

    status = "blocked: ovn-gateways=edge* matches no member; use m0|m1"
    assert statuses(app)["lxd/0"] == status
    assert gateways(app) == set()


def test_a_member_that_joins_beside_an_ovn_reads_where_it_is():
    app = on_ovn(TCP)

    app.add(3)
    app.settle()
    app.settle()

    assert {unit: app.units[unit].snap.reloads for unit in ("lxd/0", "lxd/3")} == {
        "lxd/0": 0,
        "lxd/3": 1,
    }


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_words_around_a_certificate_stay_out_of_its_file(newline: str):
    c, k, curve = (PEM.format(k) for k in ("CERTIFICATE", "EC PRIVATE KEY", "EC PARAMETERS"))
    said = ["Certificate:\n    Data:\n        Version: 3 (0x2)\n", c, "Issuer: CN=x\n", c]
    data = {"lxd_1.server.cert": "".join(said), "lxd_1.server.key": curve + k, "ca": f"\n{c}\n"}
    databag = {key: value.replace("\n", newline) for key, value in data.items()}

    answer = ovn.answer("lxd/1", TLS.northbound, [databag])

    written = [text.replace("\r\n", "\n") for text in ovn.files(answer).values()]
    assert written == [c + c, k, c]


def test_the_authorities_above_the_one_that_signed_are_trusted_too():
    c, k = (PEM.format(kind) for kind in ("CERTIFICATE", "PRIVATE KEY"))
    above = c.replace("TUlJ", "TUlL")
    databag = {"lxd_1.server.cert": c, "lxd_1.server.key": k, "ca": c.strip(), "chain": above}

    answer = ovn.answer("lxd/1", TLS.northbound, [databag])

    assert ovn.files(answer)[ovn.AUTHORITY] == c + above


@pytest.mark.parametrize(
    "wrong", ["x", PEM.format("PARAMETERS"), PEM.format("KEY CERTIFICATE KEYS")]
)
@pytest.mark.parametrize("part", ["lxd_1.server.cert", "lxd_1.server.key", "ca"])
def test_a_text_that_is_not_a_certificate_is_not_written(part: str, wrong: str):
    c, k = (PEM.format(kind) for kind in ("CERTIFICATE", "PRIVATE KEY"))
    databag = {"lxd_1.server.cert": c, "lxd_1.server.key": k, "ca": c, part: wrong}

    answer = ovn.answer("lxd/1", TLS.northbound, [databag])

    assert ovn.files(answer) == {}
    assert answer.problem == "the certificate is not PEM"


@pytest.mark.parametrize(
    ("text", "connection"),
    [
        ("ssl:10.0.9.1:6641,ssl:[fd00::9]:6641", "ssl:10.0.9.1:6641,ssl:[fd00::9]:6641"),
        ("ssl:10.0.9.1:6641\nx", "ssl:10.0.9.1:6641"),
        ("unix:/var/run/x.sock", ""),
        ("ssl:10.0.9.1:6641 --db=x", "ssl:10.0.9.1:6641"),
    ],
)
def test_only_connections_are_taken_from_an_answer(text: str, connection: str):
    assert ovn.northbound(Options(), [], {"db_nb_connection_str": text}) == connection
    assert not ovn.northbound(Options(), [{"bound-address": f"{text} "}], {}).count(" ")
