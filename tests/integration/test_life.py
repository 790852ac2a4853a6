# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The life of one cluster: deployed, used, configured, grown, rebooted, with another LXD."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jubilant
import pytest

from tests.integration.cluster import (
    address,
    eventually,
    lxc,
    members,
    message,
    query,
    small_image,
    voters,
    whole,
)
from tests.integration.conftest import APP, Files


@pytest.fixture(scope="module", autouse=True)
def cluster(juju: jubilant.Juju, deploy: Callable[..., None]):
    deploy(3, storage_backend="btrfs")
    whole(juju, 3)


@pytest.fixture(scope="module")
def containers(juju: jubilant.Juju, files: Files) -> list[str]:
    """A container on each of the first three members."""
    source = small_image(juju, files)
    for number, member in enumerate(sorted(members(juju))):
        lxc(juju, f"launch -q {source} c{number} --target {member}")
    return ["c0", "c1", "c2"]


def test_three_units_are_three_members_and_voters(juju: jubilant.Juju):
    status = juju.status()

    assert status.apps[APP].app_status.message == "3 members, 3 voters"
    assert status.apps[APP].version
    assert len(voters(members(juju))) == 3


def test_failure_domains_are_the_zones(juju: jubilant.Juju):
    assert len({row["failure_domain"] for row in members(juju).values()}) == 3


def test_every_member_has_the_pool_and_the_network(juju: jubilant.Juju):
    pool = query(juju, "/1.0/storage-pools/local")
    network = query(juju, "/1.0/networks/lxdbr0")

    assert (pool["driver"], pool["status"]) == ("btrfs", "Created")
    assert sorted(pool["locations"]) == sorted(members(juju))
    assert sorted(network["locations"]) == sorted(members(juju))


def test_containers_run_on_every_member(juju: jubilant.Juju, containers: list[str]):
    where = {query(juju, f"/1.0/instances/{name}")["location"] for name in containers}

    assert where == set(members(juju))
    for name in containers:
        eventually(lambda name=name: address(juju, name) != "")


def test_port_8443_is_opened(juju: jubilant.Juju):
    assert all(u.open_ports == ["8443/tcp"] for u in juju.status().apps[APP].units.values())


def test_the_members_table_names_every_unit(juju: jubilant.Juju):
    table = juju.run(f"{APP}/leader", "cluster-status").results["table"]

    lines = table.strip().splitlines()
    assert lines[0].split() == ["Unit", "Member", "Address", "Roles", "State", "Version"]
    assert sorted(line.split()[0] for line in lines[1:]) == sorted(juju.status().apps[APP].units)


def test_tokens_are_in_no_databag_in_plain(juju: jubilant.Juju):
    shown = juju.cli("show-unit", f"{APP}/0")

    assert "secret" not in shown
    assert "eyJ" not in shown, "a token is base64 of JSON"


def test_options_are_applied_to_the_running_cluster(juju: jubilant.Juju):
    juju.config(
        APP,
        {
            "cluster-offline-threshold": 25,
            "images-replicas": -1,
            "network-ipv4": "10.77.0.1/24",
            "network-nat": False,
            # Containers run on it.
            "network-disruptive": True,
        },
    )

    def applied() -> bool:
        server = query(juju, "/1.0")["config"]
        network = query(juju, "/1.0/networks/lxdbr0")["config"]
        return (
            server.get("cluster.offline_threshold") == "25"
            and server.get("cluster.images_minimal_replica") == "-1"
            and network["ipv4.address"] == "10.77.0.1/24"
            and network["ipv4.nat"] == "false"
        )

    eventually(applied)
    whole(juju, 3)


def test_a_second_network_is_made_on_every_member(juju: jubilant.Juju):
    juju.config(APP, {"network-name": "lxdbr7", "network-ipv4": "auto"})

    eventually(
        lambda: query(juju, "/1.0/profiles/default")["devices"]["eth0"]["network"] == "lxdbr7"
    )
    assert sorted(query(juju, "/1.0/networks/lxdbr7")["locations"]) == sorted(members(juju))
    juju.config(APP, reset="network-name")
    eventually(
        lambda: query(juju, "/1.0/profiles/default")["devices"]["eth0"]["network"] == "lxdbr0"
    )


def test_a_settled_unit_plans_nothing(juju: jubilant.Juju):
    for unit in juju.status().apps[APP].units:
        assert juju.run(unit, "plan").results["plan"] == "nothing to do"


BAD = [
    ("storage-backend", "zsf", "storage-backend=zsf: use one of auto, btrfs, ceph, dir, lvm, zfs"),
    (
        "network-mode",
        "ovs",
        "network-mode=ovs: use bridge|fan|flat|macvlan|none|ovn|physical|sriov|vxlan",
    ),
]


def shared(juju: jubilant.Juju) -> list[Any]:
    """The objects of the options."""
    paths = ("/1.0/networks/lxdbr0", "/1.0/storage-pools/local", "/1.0")
    return [query(juju, path)["config"] for path in paths]


@pytest.mark.parametrize(("option", "value", "reason"), BAD)
def test_a_bad_value_blocks_and_changes_nothing(
    juju: jubilant.Juju, option: str, value: str, reason: str
):
    before = shared(juju)
    was = juju.config(APP)[option]

    juju.config(APP, {option: value})
    status = juju.wait(lambda s: jubilant.all_blocked(s, APP), delay=0.5, successes=1)

    assert {message(status, unit) for unit in status.apps[APP].units} == {f"blocked: {reason}"}
    assert shared(juju) == before
    juju.config(APP, {option: was})
    whole(juju, 3)


def booted(juju: jubilant.Juju, unit: str) -> str:
    """Differs after each boot, also in a container."""
    return juju.ssh(unit, "cut -d' ' -f22 /proc/1/stat; cat /proc/sys/kernel/random/boot_id")


@pytest.mark.usefixtures("containers")
def test_a_machine_that_reboots_is_a_member_again(juju: jubilant.Juju):
    unit = sorted(juju.status().apps[APP].units)[1]
    boot = booted(juju, unit)

    juju.ssh(unit, "sudo systemd-run --on-active=1 /usr/bin/systemctl reboot")

    eventually(lambda: booted(juju, unit) != boot, 120)
    whole(juju, 3)
    eventually(
        lambda: {i["status"] for i in query(juju, "/1.0/instances?recursion=1")} == {"Running"}
    )


def test_two_units_more_make_five_members(juju: jubilant.Juju):
    juju.add_unit(APP, num_units=2)

    rows = whole(juju, 5)

    assert len(rows) == 5
    assert len(voters(rows)) == 3
    assert len(query(juju, "/1.0/networks/lxdbr0")["locations"]) == 5


def revision(juju: jubilant.Juju, unit: str) -> str:
    """The revision of the LXD snap; empty at the moment when snapd exchanges it."""
    return juju.ssh(unit, "readlink /snap/lxd/current || true").strip()


@pytest.mark.usefixtures("containers")
def test_another_lxd_snap_takes_the_place_of_the_first(juju: jubilant.Juju, files: Files):
    if files.other_lxd_snap is None:
        pytest.skip("LXD_SNAP_OTHER names no second build of LXD")
    units = sorted(juju.status().apps[APP].units)
    before = {unit: revision(juju, unit) for unit in units}

    juju.cli("attach-resource", APP, f"lxd-snap={files.other_lxd_snap}")

    def exchanged() -> bool:
        return all(revision(juju, u) not in ("", before[u]) for u in units)

    eventually(exchanged, 240)
    whole(juju, len(units))
    assert {i["status"] for i in query(juju, "/1.0/instances?recursion=1")} == {"Running"}
