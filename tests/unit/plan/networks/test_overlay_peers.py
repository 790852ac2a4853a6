# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How the members of an overlay reach one another: by multicast, or by a list of peers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.lxd_model.generations import NAMES
from tests.unit.findings import network, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.overlays import spread
from tests.unit.scenarios import api, changed, with_instance


def test_without_multicast_every_member_knows_the_others():
    app = spread(3, vxlan_group="none")

    assert 'peers="10.0.0.2 10.0.0.3"' in peers(app, "lxd/0")
    assert 'peers="10.0.0.1 10.0.0.3"' in peers(app, "lxd/1")


@pytest.mark.parametrize("generation", NAMES)
def test_packets_to_members_in_other_subnets_pass_routers(generation: str):
    """LXD's tunnels have a TTL of 1 otherwise: the first router would drop their packets."""
    app = with_instance(spread(3, generation, vxlan_group="none"), "m1")
    assert network(app, "seg0")["tunnel.lxd.ttl"] == "64"

    changed(app, vxlan_group="auto")
    assert "tunnel.lxd.ttl" not in network(app, "seg0")

    changed(app, vxlan_group="none")
    assert network(app, "seg0")["tunnel.lxd.ttl"] == "64"


def test_a_network_of_an_older_charm_gets_the_ttl_although_it_has_instances():
    app = with_instance(spread(2, vxlan_group="none"), "m1")
    older = {"tunnel.lxd.ttl": "", "user.lxd-cluster.keys": ""}
    api(app).networks.update("seg0", older, {})

    app.settle()

    assert network(app, "seg0")["tunnel.lxd.ttl"] == "64"
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


def test_an_operators_own_ttl_for_multicast_stays():
    app = spread(2)
    api(app).networks.update("seg0", {"tunnel.lxd.ttl": "8"}, {})

    app.settle()

    assert network(app, "seg0")["tunnel.lxd.ttl"] == "8"


@pytest.mark.parametrize("generation", NAMES)
def test_members_know_one_another_also_without_ipv4(generation: str):
    app = spread(
        3, generation, vxlan_group="none", network_ipv4="none", network_ipv6="fd00:9::1/64"
    )

    assert 'peers="10.0.0.2 10.0.0.3"' in peers(app, "lxd/0")
    machine = app.units["lxd/0"].machine
    assert machine.services == ["lxd-cluster-peers-seg0.service"]
    texts = {path.name: text for path, text in machine.files.items()}
    assert texts.keys() == {"peers", "filter.nft", "lxd-cluster-peers-seg0.service"}
    assert "ExecStartPre=/usr/sbin/nft -f " in texts["lxd-cluster-peers-seg0.service"]

    changed(app, network_ipv4="10.9.0.1/16")

    assert "lxd-cluster-dhcp-seg0.service" in machine.services
    texts = {path.name: text for path, text in machine.files.items()}
    assert "nft" not in texts["lxd-cluster-peers-seg0.service"]


@pytest.mark.parametrize("options", [{}, {"vxlan_group": "none"}], ids=str)
def test_without_ipv4_a_single_member_or_multicast_needs_nothing(options: dict[str, str]):
    units = 1 if options else 3
    app = spread(units, network_ipv4="none", network_ipv6="fd00:9::1/64", **options)

    assert app.units["lxd/0"].machine.services == []
    assert statuses(app)["lxd/0"] == "active: member m0, voter"


def test_without_ipv4_the_status_names_the_service_for_the_peers(
    monkeypatch: pytest.MonkeyPatch,
):
    app = spread(2, vxlan_group="none", network_ipv4="none", network_ipv6="fd00:9::1/64")
    machine = app.units["lxd/1"].machine
    machine.overlays_["seg0"] = ""

    def dies(*_: object) -> None:
        """It is started, and does not run."""

    monkeypatch.setattr(machine, "run_overlay", dies)

    status = app.hook("lxd/1").status

    told = "network seg0: its peers are lost: systemctl status lxd-cluster-peers-seg0"
    assert str(status) == f"blocked: {told}"


GROUPS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"network_mode": "vxlan", "vxlan_group": "{}"}, {"network_mode": "bridge"}),
    (
        {"network_mode": "vxlan", "vxlan_group": "{}"},
        {"network_name": "seg1", "vxlan_group": "{other}"},
    ),
    ({"networks": "{{seg0: {{mode: vxlan, group: {}}}}}"}, {"networks": ""}),
]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(("group", "other"), [("none", "auto"), ("auto", "none")])
@pytest.mark.parametrize(("before", "after"), GROUPS, ids=["mode", "name", "map"])
def test_members_reach_one_another_as_before_when_no_option_names_the_network_any_more(
    generation: str, group: str, other: str, before: dict[str, str], after: dict[str, str]
):
    name = "lxdbr0" if "networks" in before else "seg0"
    options = {key: text.format(group) for key, text in before.items()}
    app = formed(2, generation, network_name=name, **options)
    machine = app.units["lxd/1"].machine
    noted = machine.overlays_["seg0"]
    assert ("'10.0.0.1'" in noted) == (group == "none")

    changed(app, **{key: text.format(other=other) for key, text in after.items()})
    app.hook("lxd/1")

    assert machine.overlays_["seg0"] == noted


def test_a_change_of_the_group_is_noted_in_the_network():
    app = spread(2)
    assert network(app, "seg0")["user.lxd-cluster.reached-by"] == "multicast"

    changed(app, vxlan_group="none")

    assert network(app, "seg0")["user.lxd-cluster.reached-by"] == "unicast"


def test_a_network_that_an_older_charm_made_is_as_before_and_gets_its_note():
    app = spread(2, vxlan_group="none")
    machine = app.units["lxd/1"].machine
    before = dict(machine.overlays_)
    api(app).networks.update("seg0", {"user.lxd-cluster.reached-by": ""}, {})

    app.hook("lxd/1")
    assert machine.overlays_ == before

    app.hook("lxd/0")
    assert network(app, "seg0")["user.lxd-cluster.reached-by"] == "unicast"

    changed(app, network_name="seg1")
    api(app).networks.update("seg0", {"user.lxd-cluster.reached-by": ""}, {})
    app.hook("lxd/1")
    assert machine.overlays_["seg0"] == before["seg0"]


def peers(app: ModelApp, unit: str) -> str:
    files = app.units[unit].machine.files
    return next(text for path, text in files.items() if path.name == "peers")


def test_the_others_are_kept_up_to_date():
    app = spread(3, vxlan_group="none")

    app.add(3)
    app.settle()
    # The first unit hears of it only in its next event.
    app.hook("lxd/0")

    assert 'peers="10.0.0.2 10.0.0.3 10.0.0.4"' in peers(app, "lxd/0")


def test_after_the_peers_the_tunnel_has_its_multicast_group_again(tmp_path: Path):
    """As measured with a tunnel of the kernel: stand-ins replace the script's programs."""
    app = spread(3, vxlan_group="none")
    (tmp_path / "net" / "seg0-lxd").mkdir(parents=True)
    any_mac = "00:00:00:00:00:00"
    (tmp_path / "bridge").write_text(
        f'#!/bin/sh\n[ "$2" = show ] || {{ echo "$2 $6 $7" >> {tmp_path}/done; exit; }}\n'
        f"echo {any_mac} dst 10.0.0.2 via eth9 self permanent\n"
        f"echo {any_mac} dst 10.0.0.3 via eth9 self permanent\n"
    )
    (tmp_path / "ip").write_text(
        "#!/bin/sh\necho '3: seg0-lxd: vxlan id 5 group 239.1.2.3 dev eth9 x'\n"
    )
    for name in ("bridge", "ip"):
        (tmp_path / name).chmod(0o755)
    script = peers(app, "lxd/0").replace("/sbin/", f"{tmp_path}/")
    script = script.replace("/sys/class/net", f"{tmp_path}/net")

    subprocess.run(["/bin/sh", "-c", script, "peers", "stop"], check=True, timeout=10)

    done = (tmp_path / "done").read_text().splitlines()
    assert done == ["append dst 239.1.2.3", "del dst 10.0.0.2", "del dst 10.0.0.3"]
    files = app.units["lxd/0"].machine.files
    service = next(t for p, t in files.items() if p.name == "lxd-cluster-peers-seg0.service")
    assert "ExecStopPost=/bin/sh" in service
