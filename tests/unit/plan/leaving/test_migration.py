# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Which instances may move, by their devices, and which members may take them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from plan.leaving import migration
from state.cluster import Network, Pool
from state.lxd_objects import Instance
from tests.unit.leavers import BRIDGE, LOCAL, cluster, instance, member

CEPH = Pool("remote", "ceph", "Created", frozenset())
UPLINK = Network("uplink", "physical", "Created", {}, frozenset())
MACVLAN = Network("lan", "macvlan", "Created", {}, frozenset())

FREE: dict[str, dict[str, str]] = {
    "a nic of a managed network": {"type": "nic", "network": "lxdbr0"},
    "a nic of a macvlan network": {"type": "nic", "network": "lan"},
    "a nic of a project's own network": {"type": "nic", "network": "unlisted"},
    "a nic whose parent is a managed bridge": {
        "type": "nic",
        "nictype": "bridged",
        "parent": "lxdbr0",
    },
    "an ovn nic": {"type": "nic", "nictype": "ovn", "network": "n"},
    "a volume that all members share": {"type": "disk", "pool": "remote", "source": "v"},
    "another root disk": {"type": "disk", "path": "/", "pool": "remote"},
    "a tpm": {"type": "tpm"},
    "nothing": {"type": "none"},
    "a nic on a bridge of all machines": {"type": "nic", "nictype": "bridged", "parent": "br0"},
    "the same in a VLAN": {"type": "nic", "nictype": "bridged", "parent": "br0", "vlan": "7"},
}

FIXED: dict[str, tuple[dict[str, str], str]] = {
    "a folder": ({"type": "disk", "source": "/srv", "path": "/srv"}, "disk"),
    "cloud-init's": ({"type": "disk", "source": "cloud-init:config"}, "disk"),
    "an image in a Ceph": ({"type": "disk", "source": "ceph:a/b"}, "disk"),
    "a volume of the member": ({"type": "disk", "pool": "local", "source": "v"}, "volume"),
    "a volume of an unknown pool": ({"type": "disk", "pool": "x", "source": "v"}, "volume"),
    "a nic on another bridge": (
        {"type": "nic", "nictype": "bridged", "parent": "br1"},
        "nic on the machine's br1",
    ),
    "a nic in another VLAN": (
        {"type": "nic", "nictype": "bridged", "parent": "br0", "vlan": "8"},
        "nic on the machine's br0",
    ),
    "a nic in several VLANs": (
        {"type": "nic", "nictype": "bridged", "parent": "br0", "vlan.tagged": "8,9"},
        "nic on the machine's br0",
    ),
    "a macvlan nic": ({"type": "nic", "nictype": "macvlan", "parent": "ens3"}, "macvlan nic"),
    "an interface": ({"type": "nic", "nictype": "physical", "parent": "ens3"}, "physical nic"),
    "an uplink": ({"type": "nic", "network": "uplink"}, "nic of the interface"),
    "a routed nic": ({"type": "nic", "nictype": "routed"}, "routed nic"),
    **{
        kind: ({"type": kind}, kind)
        for kind in (
            "gpu",
            "pci",
            "usb",
            "proxy",
            "unix-char",
            "unix-block",
            "unix-hotplug",
            "infiniband",
        )
    },
}

SITE: dict[str, Any] = {
    "pools": (LOCAL, CEPH),
    "networks": (BRIDGE, UPLINK, MACVLAN),
    "bridges": {"m0": frozenset({"br0", "br0 7"}), "m1": frozenset({"br0"})},
}


@pytest.mark.parametrize("device", FREE.values(), ids=FREE.keys())
def test_devices_that_any_member_has(device: dict[str, str]):
    moves = instance(added={"it": device})

    assert migration.obstacle(moves, cluster(moves, **SITE)) == ""


@pytest.mark.parametrize(("device", "what"), FIXED.values(), ids=FIXED.keys())
def test_devices_that_stay_with_the_machine(device: dict[str, str], what: str):
    stays = instance(added={"it": device})

    assert migration.obstacle(stays, cluster(stays, **SITE)) == (
        f"{what} it cannot move: detach it, or delete the instance"
    )


@pytest.mark.parametrize("word", ["migrate", "live-migrate"])
@pytest.mark.parametrize(("device", "what"), FIXED.values(), ids=FIXED.keys())
def test_the_operator_may_say_that_it_can_do_without(device: dict[str, str], what: str, word: str):
    moves = instance(added={"it": device}, evacuate=word)
    lxd = cluster(moves, **SITE)

    assert (migration.obstacle(moves, lxd), what != "") == ("", True)
    assert migration.targets(moves, lxd, "m2") == ("m0", "m1")


STAYING: dict[str, tuple[Instance, str]] = {
    "set to stay": (
        instance(evacuate="stop"),
        "cluster.evacuate=stop: move or delete it",
    ),
    "protected, and running": (
        instance(running=True, protected=True, evacuate="migrate"),
        "LXD would not start it again: unset security.protection.start",
    ),
    "protected, and stopped": (instance(protected=True, running=False), ""),
    "ephemeral": (
        instance(ephemeral=True),
        "is ephemeral, LXD deletes it when it stops: copy it, then delete it",
    ),
    "ephemeral and set to move": (
        instance(ephemeral=True, evacuate="migrate"),
        "is ephemeral, LXD deletes it when it stops: copy it, then delete it",
    ),
    "a machine of Juju's": (
        instance("juju-1f2e3d-12-lxd-4"),
        "belongs to Juju: juju remove-machine 12/lxd/4",
    ),
}


@pytest.mark.parametrize(("stays", "why"), STAYING.values(), ids=STAYING.keys())
def test_what_stays_whatever_its_devices_are(stays: Instance, why: str):
    assert migration.obstacle(stays, cluster(stays)) == why


def test_an_ephemeral_virtual_machine_does_not_move_live():
    """By source: LXD stops it on its old member then, and deletes what has stopped."""
    machine = instance(ephemeral=True, type="virtual-machine", stateful=True)

    assert "is ephemeral" in migration.obstacle(machine, cluster(machine))


LIVE = [
    ({"type": "virtual-machine", "stateful": True}, True),
    ({"type": "virtual-machine", "stateful": True, "evacuate": "live-migrate"}, True),
    ({"type": "virtual-machine", "stateful": True, "evacuate": "migrate"}, False),
    ({"type": "virtual-machine", "stateful": True, "running": False}, False),
    ({"type": "virtual-machine"}, False),
    ({"stateful": True}, False),
]


@pytest.mark.parametrize(("fields", "live"), LIVE, ids=str)
def test_lxd_moves_virtual_machines_alone_while_they_run(fields: dict[str, Any], live: bool):
    assert instance(**fields).live is live


def test_the_member_with_the_fewest_instances_is_asked_first():
    others = [instance("a", "m0"), instance("b", "m0"), instance("c", "m1")]
    moves = instance()

    assert migration.targets(moves, cluster(moves, *others), "m2") == ("m1", "m0")


UNFIT: dict[str, dict[str, Any]] = {
    "offline": {"status": "OFFLINE"},
    "evacuated": {"status": "EVACUATED"},
    "of another version": {"status": "BLOCKED"},
    "of another architecture": {"architecture": "aarch64"},
    "taking nothing": {"scheduler": "manual"},
    "taking a group's alone": {"scheduler": "group", "groups": frozenset({"default"})},
}


@pytest.mark.parametrize("fields", UNFIT.values(), ids=UNFIT.keys())
def test_members_that_take_nothing(fields: dict[str, Any]):
    moves = instance()
    lxd = cluster(moves, members=(member("m0", **fields), member("m1"), member("m2")))

    assert migration.targets(moves, lxd, "m2") == ("m1",)


@pytest.mark.parametrize("why", ["orphaned", "leaving", "unreachable"])
def test_nothing_moves_to_a_member_that_goes(why: str):
    moves = instance()
    lxd = replace(cluster(moves), **{why: frozenset({"m0"})})

    assert migration.targets(moves, lxd, "m2") == ("m1",)


def test_an_instance_stays_in_its_group_and_in_its_projects():
    one, two = member("m0", groups=frozenset({"one"})), member("m1", groups=frozenset({"two"}))
    moves, placed = instance(), instance(group="two")
    lxd = cluster(moves, members=(one, two, member("m2")), allowed={"default": frozenset({"one"})})

    assert migration.targets(moves, lxd, "m2") == ("m0",)
    assert migration.targets(placed, replace(lxd, allowed={}), "m2") == ("m1",)
    assert migration.targets(placed, lxd, "m2") == ()


def test_what_is_on_a_bridge_goes_where_that_bridge_is():
    nic = {"type": "nic", "nictype": "bridged", "parent": "br0", "vlan": "7"}
    moves = instance(added={"eth0": nic})

    assert migration.targets(moves, cluster(moves, **SITE), "m2") == ("m0",)


@pytest.mark.parametrize(
    ("has", "machine", "fits"),
    [("i686", "x86_64", True), ("armv7l", "aarch64", True), ("x86_64", "i686", False)],
)
def test_machines_that_run_two_architectures(has: str, machine: str, fits: bool):
    moves = instance(architecture=has)
    lxd = cluster(moves, members=(member("m0", architecture=machine), member("m2")))

    assert (migration.targets(moves, lxd, "m2") == ("m0",)) is fits


def test_members_that_could_take_it_if_they_were_there():
    moves = instance()
    members = (member("m0", "OFFLINE"), member("m1", "OFFLINE"), member("m2"))
    lxd = replace(cluster(moves, members=members), orphaned=frozenset({"m1"}))

    assert migration.targets(moves, lxd, "m2") == ()
    assert migration.absent_targets(moves, lxd, "m2") == ("m0",)


@pytest.mark.parametrize(
    ("version", "pool", "stays"),
    [
        ("5.0.2", "local", True),
        ("5.0.2", "remote", False),
        ("5.21.7", "local", False),
        ("6.9", "local", False),
    ],
)
def test_lxd_5_0_would_leave_copies_of_what_it_may_not_delete(version: str, pool: str, stays: bool):
    """It copies the instance to move it, and fails only when it deletes the first one (source)."""
    protected = instance(undeletable=True, evacuate="migrate")
    user = frozenset({"/1.0/instances/c1"})
    pools = tuple(
        replace(p, used_by=user if p.name == pool else frozenset()) for p in SITE["pools"]
    )
    lxd = cluster(protected, **{**SITE, "pools": pools})
    lxd = replace(lxd, server=replace(lxd.server, version=version))

    why = "LXD 5.0 would leave it here: unset security.protection.delete" if stays else ""
    assert migration.obstacle(protected, lxd) == why
