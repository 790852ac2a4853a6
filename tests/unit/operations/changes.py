# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Changes of a formed cluster: the next hook of the unit makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import deadlines
from records import not_running
from state.facts import Bound, Ceph, Folder, Ovn, Proxies
from tests.lxd_model import by_hand
from tests.unit.findings import everything
from tests.unit.model_units import ModelApp, formed
from tests.unit.older_charm import made_by_older_charm
from tests.unit.scenarios import (
    api,
    changed,
    later,
    leaving,
    note,
    server,
    the_cluster,
    with_instance,
    with_pool,
    with_ranges,
    without,
)
from values.interface import Interface

Begun = tuple[ModelApp, str]
CEPH = Ceph(user="lxd", key="AQDsecretkeyAA==", monitors=("10.0.9.1",), granted=True)
OVN = Ovn("tcp:10.0.9.1:6641")
TO_OVN = {"network_mode": "ovn", "network_name": "ovn0", "ovn_uplink": "lxdbr0"}
CERTIFIED = Ovn("ssl:10.0.9.1:6641", "a certificate", "a key", "an authority")
ETH0 = Interface("eth0", subnets=("192.0.2.5/24",), defaults=frozenset({4}), mtu=9000)
ETH1 = replace(ETH0, name="eth1", defaults=frozenset(), subnets=("198.51.100.5/24",))
IMAGES = "lxd-cluster-images"


def small(generation: str = "5.21", **options: Any) -> ModelApp:
    """Two members; on the second one an instance runs."""
    app = formed(2, generation)
    app.bound = Bound("eth0", "192.0.2.0/24")
    for unit in app.units.values():
        unit.machine.interfaces_ = [ETH0, ETH1]
    return with_instance(changed(app, **options), "m1")


def to_do(app: ModelApp, unit: str = "lxd/0", **options: Any) -> Begun:
    """The operator sets these options, and all units have said what they give."""
    app.options |= options
    for other in [name for name in app.units if name != unit] * 2:
        app.hook(other)
    return app, unit


def installing() -> Begun:
    app = ModelApp()
    app.add(0)
    return app, "lxd/0"


def installing_the_members_version() -> Begun:
    app = formed(1)
    app.units["lxd/0"].machine.arch = "aarch64"
    app.settle()
    app.add(1)
    return app, "lxd/1"


def removing_a_later_lxd() -> Begun:
    app = formed(1)
    unit = app.add(1)
    unit.server.version = "6.9"
    unit.snap.facts_ = replace(unit.snap.facts_, installed=True, revision="300")
    unit.server.start_daemon()
    later(app, 10.0)
    return app, "lxd/1"


def another_pool() -> Begun:
    app = small(storage_backend="btrfs")
    app.options["storage_backend"] = "dir"
    app.hook("lxd/0")
    app.hook("lxd/1")
    return app, "lxd/0"


def another_mode() -> Begun:
    return to_do(small(), network_mode="macvlan", network_parent="eth0")


def another_interface() -> Begun:
    return to_do(
        small(network_mode="macvlan", network_parent="eth0"),
        network_parent="eth1",
        network_disruptive=True,
    )


def interface_by_hand() -> Begun:
    app = small(network_mode="macvlan", network_name="lan0", network_parent="eth0")
    api(app).networks.set_own("lan0", "m1", {"parent": "eth1"})
    app.options["network_disruptive"] = True
    return app, "lxd/1"


def other_keys() -> Begun:
    app = small(storage_pools="fast: dir")
    config = "fast: {backend: dir, config: {rsync.bwlimit: 1MB}}"
    more: dict[str, Any] = {"storage_pools": config, "network_config": "ipv4.dhcp.expiry: 2h"}
    return to_do(app, **more, cluster_offline_threshold=60, images_replicas=2)


def other_proxies() -> Begun:
    app = small()
    app.proxies = Proxies(https="http://10.0.9.8:3128")
    return app, "lxd/0"


def other_addresses() -> Begun:
    app = small()
    for number, unit in enumerate(app.units.values()):
        unit.https = f"192.168.7.{number + 1}"
        unit.server.addresses = {*unit.server.addresses, unit.https}
    return app, "lxd/1"


def zones() -> Begun:
    app = small()
    app.units["lxd/1"].zone = "zone-b"
    return app, "lxd/1"


def to_unicast() -> Begun:
    app = small(network_mode="vxlan")
    app.options["vxlan_group"] = "none"
    return app, "lxd/1"


def without_the_overlay() -> Begun:
    app = changed(formed(2, network_mode="vxlan", network_name="seg0"), network_mode="bridge")
    api(app).networks.delete("seg0")
    return app, "lxd/1"


def left_bridge() -> Begun:
    """LXD ended here while it made a network."""
    app = small()
    app.units["lxd/1"].server.unfinished.add("br7")
    app.options["network_name"] = "br7"
    return app, "lxd/1"


def left_folder() -> Begun:
    """LXD ended here while it made a pool."""
    app = small()
    app.units["lxd/1"].server.pool_folders.add("fast")
    app.options["storage_pools"] = "fast: dir"
    return app, "lxd/1"


def gateways() -> Begun:
    app = with_ranges(small())
    app.related["ovn"] = OVN
    changed(app, **TO_OVN)
    return to_do(app, ovn_gateways="m1")


def to_ovn() -> Begun:
    app = with_ranges(formed(2))
    app.related["ovn"] = OVN
    return to_do(app, **TO_OVN)


def joining_ovn() -> Begun:
    app = with_ranges(formed(1))
    app.related["ovn"] = OVN
    changed(app, **TO_OVN)
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(unit)
    return app, "lxd/1"


def opening_ovn() -> Begun:
    """An authority has given a certificate."""
    app = with_ranges(small())
    app.related["ovn"] = CERTIFIED
    return to_do(app, **TO_OVN)


def to_ceph() -> Begun:
    app = small()
    app.related["ceph"] = CEPH
    for unit in app.units.values():
        unit.server.drivers |= {"ceph"}
    return app, "lxd/0"


def images(pool: str, before: str = "", generation: str = "5.21") -> Begun:
    """LXD moves its images to a pool, or back."""
    app = with_pool(formed(2, generation), "fast")
    changed(app, storage_images_volume=before)
    app.options["storage_images_volume"] = pool
    return app, "lxd/1"


def images_out() -> Begun:
    return images("fast")


def images_on() -> Begun:
    return images("local", "fast")


def images_back() -> Begun:
    return images("", "fast")


def images_back_of_lxd_6() -> Begun:
    return images("", "fast", "6.9")


def images_left_behind() -> Begun:
    app, unit = images("")
    by_hand.add_volume(app.units[unit].server, "fast", IMAGES)
    return app, unit


def images_half_way() -> Begun:
    app, unit = images("fast", "fast")
    app.units[unit].server.folders["images"] = Folder(f"fast/{IMAGES}", cut_short=True)
    return app, unit


def images_that_are_gone() -> Begun:
    app, unit = images("fast", "fast")
    app.units[unit].server.unmounted.add("fast")
    app.units[unit].server.restart()
    later(app, 30.0).hook(unit)
    return later(app, deadlines.UNRESPONSIVE), unit


def adopting() -> Begun:
    app = made_by_older_charm(formed(2), first=False)
    app.hook("lxd/1")
    return app, "lxd/0"


def cancelling() -> Begun:
    """The unit with the token is gone."""
    app = formed(1)
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(unit)
    app.remove("lxd/1")
    return app, "lxd/0"


def forgetting() -> Begun:
    """The unit has joined, and its databag says so."""
    app = formed(1)
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0", "lxd/1"):
        app.hook(unit)
    return app, "lxd/1"


def renaming() -> Begun:
    """An operator has given a member another name."""
    app = formed(3, "6.9")
    by_hand.rename_member(server(app, "m0"), "m2", "moved")
    return app, "lxd/0"


def off_a_dead_member() -> Begun:
    app = with_pool(formed(4), "shared", "ceph")
    on_ceph = {"root": {"type": "disk", "path": "/", "pool": "shared"}}
    by_hand.launch(server(app, "m3"), "c1", devices=on_ceph)
    by_hand.launch(server(app, "m3"), "c2")
    without(app, "m3").remove("lxd/3")
    return app, "lxd/0"


def noted_as_dead(*, running: bool) -> Begun:
    """c1 was moved off a dead member, and has `boot.autostart`, which the charm turns off."""
    app = small()
    records = the_cluster(app)
    c1 = records.instances["default", "c1"]
    own = {"boot.autostart": "true"}
    off = {"boot.autostart": "false", "user.lxd-cluster.autostart": "true"}
    records.instances[c1.key] = replace(c1, running=running, config=off if running else own)
    for key, value in not_running.added({}, "m3", "default/c1", not_running.DEAD).items():
        note(app, key, value)
    return app, "lxd/0"


def keeping_stopped() -> Begun:
    return noted_as_dead(running=False)


def starting_again() -> Begun:
    return noted_as_dead(running=True)


def reopening() -> Begun:
    """An earlier unit of the machine was to leave: its mark stays, and LXD places nothing there."""
    app = note(small(), "leaving.m0", "leaving")
    app.units["lxd/0"].ports.lxd.members.close("m0")
    return app, "lxd/0"


CHANGES = [
    *(installing, installing_the_members_version, removing_a_later_lxd),
    *(another_pool, another_mode, another_interface, interface_by_hand, other_keys),
    *(other_proxies, other_addresses),
    *(
        zones,
        to_unicast,
        without_the_overlay,
        left_bridge,
        left_folder,
        gateways,
        to_ovn,
        joining_ovn,
        opening_ovn,
        to_ceph,
    ),
    *(images_out, images_on, images_back, images_back_of_lxd_6, images_left_behind),
    *(images_half_way, images_that_are_gone),
    *(adopting, cancelling, forgetting, renaming, reopening, off_a_dead_member),
    *(keeping_stopped, starting_again),
]


def ended(app: ModelApp) -> dict[str, Any]:
    """Everything, once all units have had their hooks. The first may have to wait for the last."""
    later(app, 60.0)
    for unit in app.units:
        app.hook(unit)
    app.settle()
    return everything(app)


def ending() -> Begun:
    """The only member leaves before it told anybody of its cluster, and holds nothing."""
    app = ModelApp()
    for number in range(2):
        app.add(number)
    app.hook("lxd/0")
    app.hook("lxd/0", commit=False)
    return leaving(app, "lxd/0"), "lxd/0"
