# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Changes of a formed cluster are interrupted at each of their steps once, and continued.

In the end LXD and the machines are as if nothing had happened. The other operations are in
`test_cut_short`, and for an exchange of LXD, leaving and recovering in the `test_cut_short_...` of
`tests.unit.plan`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

import deadlines
from act import step as act_step
from act.step import act
from actions.forget_lost import forget_lost
from actions.remove_pool import remove_pool
from ports.ports import Ports
from records import loss_record
from state.facts import Bound, Ceph, Folder, Ovn, Proxies
from state.view import RESET, RunHistory
from steps import addresses, forming, install, networks, storage
from steps import leaving as steps_leaving
from steps import server as steps_server
from steps.forming import AwaitJoin
from steps.install import StartAgain
from steps.leaving import AwaitEvacuation, AwaitLeave, AwaitRoles, NoteUnmoved, StartInstance
from steps.plan import Step
from tests.lxd_model import by_hand
from tests.unit.act import test_cut_short
from tests.unit.cutting import Cutter, cut, cuts
from tests.unit.deeds import (
    api,
    changed,
    later,
    leaving,
    server,
    the_cluster,
    with_instance,
    with_pool,
    without,
)
from tests.unit.findings import everything, notes
from tests.unit.model_units import ModelApp, formed
from tests.unit.older_charm import made_by_older_charm
from tests.unit.plan.install import test_cut_short_exchanges
from tests.unit.plan.leaving import test_cut_short_leaving
from values.interface import Interface

Begun = tuple[ModelApp, str]
CEPH = Ceph(user="lxd", key="AQDsecretkeyAA==", monitors=("10.0.9.1",), granted=True)
OVN = Ovn("tcp:10.0.9.1:6641")
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


def gateways() -> Begun:
    app = small()
    app.related["ovn"] = OVN
    changed(app, network_mode="ovn", network_name="ovn0")
    return to_do(app, ovn_gateways="m1")


def to_ovn() -> Begun:
    app = formed(2)
    app.related["ovn"] = OVN
    return to_do(app, network_mode="ovn", network_name="ovn0")


def joining_ovn() -> Begun:
    app = formed(1)
    app.related["ovn"] = OVN
    changed(app, network_mode="ovn", network_name="ovn0")
    app.add(1)
    for unit in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(unit)
    return app, "lxd/1"


def opening_ovn() -> Begun:
    """An authority has given a certificate."""
    app = small()
    app.related["ovn"] = CERTIFIED
    return to_do(app, network_mode="ovn", network_name="ovn0")


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


CHANGES = [
    *(installing, installing_the_members_version, removing_a_later_lxd),
    *(another_pool, another_mode, another_interface, other_keys, other_proxies, other_addresses),
    *(zones, to_unicast, without_the_overlay, gateways, to_ovn, joining_ovn, opening_ovn, to_ceph),
    *(images_out, images_on, images_back, images_back_of_lxd_6, images_left_behind),
    *(images_half_way, images_that_are_gone),
    *(adopting, cancelling, forgetting, renaming, off_a_dead_member),
]


def ended(app: ModelApp) -> dict[str, Any]:
    """Everything, once all units have had their hooks. The first may have to wait for the last."""
    later(app, 60.0)
    for unit in app.units:
        app.hook(unit)
    app.settle()
    return everything(app)


@pytest.mark.parametrize("begin", CHANGES)
def test_a_change_that_was_cut_ends_like_one_that_was_not(begin: Callable[[], Begun]):
    app, unit = begin()
    cut(app, unit, Cutter())
    whole = ended(app)
    tried = list(cuts(begin))
    assert tried
    for cutter in tried:
        app, unit = begin()
        cut(app, unit, cutter)
        assert ended(app) == whole, cutter


def test_a_pool_whose_removal_was_cut_is_removed_by_the_next_try():
    def begin() -> Begun:
        app = changed(small(storage_pools="fast: dir"), storage_pools="")
        return app, "lxd/0"

    def remove(app: ModelApp, unit: str) -> object:
        return remove_pool(app.view(unit), app.units[unit].ports, "fast")

    app, unit = begin()
    remove(app, unit)
    whole = ended(app)
    for cutter in cuts(begin, remove):
        app, unit = begin()
        cut(app, unit, cutter, lambda unit, app=app: remove(app, unit))
        ended(app)
        if "fast" in the_cluster(app).pools:
            remove(app, unit)
        assert ended(app) == whole, cutter
        assert not [name for name in notes(app) if name.startswith("deleting.")], cutter


def test_a_loss_that_was_half_forgotten_is_forgotten_by_the_next_try():
    def begin() -> Begun:
        app, unit = off_a_dead_member()
        app.settle()
        return app, unit

    def forget(app: ModelApp, unit: str) -> object:
        return forget_lost(app.view(unit), app.units[unit].ports, "m3")

    for cutter in cuts(begin, forget):
        app, unit = begin()
        cut(app, unit, cutter, lambda unit, app=app: forget(app, unit))
        if loss_record.read(notes(app)):
            forget(app, unit)
        assert str(app.plan(unit).app_status) == "active: 3 members, 3 voters"


def ending() -> Begun:
    """The only member leaves before it told anybody of its cluster, and holds nothing."""
    app = ModelApp()
    for number in range(2):
        app.add(number)
    app.hook("lxd/0")
    app.hook("lxd/0", commit=False)
    return leaving(app, "lxd/0"), "lxd/0"


def test_a_cluster_whose_end_was_cut_ends_with_the_next_hook():
    """LXD is as freshly installed in the end. A note that stays means one more reset."""
    tried = list(cuts(ending))
    assert len(tried) > 6
    for cutter in tried:
        app, unit = ending()
        cut(app, unit, cutter)
        later(app, 60.0)
        held = [app.hook(unit).hold for _ in range(3)]
        assert held[-1] == "", f"{cutter}: {held}"
        assert not api(app).server.get().clustered, cutter
        forming = app.units[unit].machine.forming()
        assert forming is None or forming.what == RESET, cutter


WAITING: frozenset[type[Any]] = frozenset({AwaitEvacuation, AwaitJoin, AwaitLeave, AwaitRoles})
"""Steps that change nothing."""
ELSEWHERE: frozenset[type[Any]] = frozenset({StartAgain, StartInstance, NoteUnmoved})
"""Steps after an interruption: those of a recovery, and of a leaving unit, in their own tests."""


def kinds() -> set[type[Any]]:
    """All kinds of steps."""
    files = (addresses, forming, install, steps_leaving, networks, steps_server, storage)
    return {
        kind
        for file in files
        for kind in vars(file).values()
        if isinstance(kind, type) and kind.__module__ == file.__name__
    }


def test_no_step_is_left_out(monkeypatch: pytest.MonkeyPatch):
    """Every kind of step is in an operation that is interrupted in one of these tests."""
    done: set[type[Any]] = set()

    def noted(step: Step, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
        done.add(type(step))
        return act(step, unit, ports, history)

    interrupted: list[Callable[[], Begun]] = [
        *(*CHANGES, *test_cut_short.ACTS, ending),
        *(partial(begin, generation) for begin, generation in test_cut_short_leaving.ACTS),
        partial(test_cut_short_exchanges.exchanging, test_cut_short_exchanges.NEXT),
    ]
    for begin in interrupted:
        app, unit = begin()
        with monkeypatch.context() as now:
            now.setattr(act_step, "act", noted)
            app.hook(unit)

    assert kinds() - done == WAITING | ELSEWHERE
