"""Each status that a unit can show: what leads to it and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from deadlines import JOIN
from status import Kind
from steps import InstallSnap, InstallSnapFile, ResetLxd
from tests.unit.model_units import ModelApp, formed
from view import Forming, Instance, Network, Pool, Resource


def snapd_missing(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, snapd=False)


def lxd_is_a_deb(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, deb=True)


def store_unreachable(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, installed=False)
    snap.store_error = "cannot reach the store"


def channel_unknown(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, installed=False)
    snap.unknown_channel = "5.21/stable"


def installation_cut_short(app: ModelApp) -> None:
    snap = app.units["lxd/2"].snap
    snap.facts_ = replace(snap.facts_, unfinished=True)
    snap.store_error = "cannot reach the store"


def lxd_does_not_answer(app: ModelApp) -> None:
    app.units["lxd/2"].lxd.running = False


def no_address(app: ModelApp) -> None:
    app.units["lxd/2"].address = ""


def instances_there(app: ModelApp) -> None:
    app.units["lxd/2"].lxd.shared.instances.append(Instance("default", "c1", "m2"))


def a_pool_there(app: ModelApp) -> None:
    app.units["lxd/2"].lxd.shared.pools["old"] = Pool("old", "dir", "Created", frozenset())


def a_network_there(app: ModelApp) -> None:
    old = Network("old", "bridge", "Created", {}, frozenset())
    app.units["lxd/2"].lxd.shared.networks["old"] = old


def hostname_taken(app: ModelApp) -> None:
    app.units["lxd/2"].machine.name = "m0"


def another_version(app: ModelApp) -> None:
    lxd = app.units["lxd/2"].lxd
    lxd.server_ = replace(lxd.server_, version="6.5")


def another_cluster(app: ModelApp) -> None:
    lxd = app.units["lxd/2"].lxd
    lxd.server_ = replace(lxd.server_, clustered=True, name="m2", fingerprint="0123456789abcdef")


def no_btrfs(app: ModelApp) -> None:
    lxd = app.units["lxd/2"].lxd
    lxd.server_ = replace(lxd.server_, drivers=frozenset({"dir"}))


def name_in_cluster(app: ModelApp) -> None:
    (cluster,) = app.clusters.values()
    cluster.members["m2"] = replace(cluster.members["m1"], name="m2", address="10.9.9.9")
    app.hook("lxd/2")
    app.hook("lxd/1")


OUTSIDERS: list[tuple[Callable[[ModelApp], None], str]] = [
    (snapd_missing, "blocked: snapd is missing: run apt install snapd on this machine"),
    (lxd_is_a_deb, "blocked: LXD is here as a deb: apt purge lxd, its data moved or given up"),
    (
        store_unreachable,
        "waiting: could not install the LXD snap from 5.21/stable: cannot reach the store",
    ),
    (
        installation_cut_short,
        "waiting: could not install the LXD snap from 5.21/stable: cannot reach the store",
    ),
    (
        channel_unknown,
        "blocked: could not install the LXD snap from 5.21/stable: no LXD on 5.21/stable",
    ),
    (
        lxd_does_not_answer,
        "waiting: LXD is silent: snap restart lxd; without a quorum: run recover-quorum",
    ),
    (no_address, "waiting: for an address on the binding cluster"),
    (
        instances_there,
        "blocked: LXD here has instances, joining would lose them: move or delete them",
    ),
    (a_pool_there, "blocked: LXD here has a storage pool old: joining needs an empty LXD"),
    (a_network_there, "blocked: LXD here has a network old: joining needs an empty LXD"),
    (hostname_taken, "blocked: hostname m0 is also lxd/0's: rename this machine"),
    (another_version, "blocked: LXD 6.5 here, 5.21.3 in the cluster: make them the same"),
    (another_cluster, "blocked: LXD here is in another cluster (0123456789ab): remove this unit"),
    (no_btrfs, "blocked: pool local of btrfs: LXD here has dir; needs module btrfs"),
    (name_in_cluster, "blocked: the cluster already has a member m2: rename this machine"),
]


@pytest.mark.parametrize(("misfit", "status"), OUTSIDERS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_misfit_is_told_and_touches_nothing(misfit: Callable[[ModelApp], None], status: str):
    app = formed(2)
    app.add(2)
    app.units["lxd/2"].snap.install("5.21/stable", "")
    (cluster,) = app.clusters.values()
    misfit(app)
    before = dict(cluster.members)

    plan = app.hook("lxd/2")

    assert str(plan.status) == status
    assert cluster.members == before
    assert not app.own("lxd/2").able


@pytest.mark.parametrize(("misfit", "status"), OUTSIDERS, ids=lambda v: getattr(v, "__name__", ""))
def test_a_misfit_keeps_nobody_busy(misfit: Callable[[ModelApp], None], status: str):
    app = formed(2)
    app.add(2)
    app.units["lxd/2"].snap.install("5.21/stable", "")
    misfit(app)

    app.settle()

    assert str(app.hook("lxd/2").status) == status


def test_waiting_units_say_whom_they_wait_for():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    app.leader = ""
    assert "the leader" in str(app.hook("lxd/1").status)
    app.leader = "lxd/0"
    app.hook("lxd/0")
    assert str(app.hook("lxd/1").status) == "waiting: for lxd/0 to bootstrap the cluster"
    app.hook("lxd/2")
    app.hook("lxd/0")
    assert str(app.hook("lxd/2").status) == "waiting: to join after lxd/1"


def test_members_show_their_role():
    app = formed(4)

    shown = [str(app.plan(u).status) for u in app.units]

    assert shown == [
        "active: member m0, voter",
        "active: member m1, voter",
        "active: member m2, voter",
        "active: member m3, stand-by",
    ]


@pytest.mark.parametrize(
    ("count", "status"),
    [
        (1, "active: 1 member, 1 voter; add units: three survive a loss"),
        (3, "active: 3 members, 3 voters"),
        (5, "active: 5 members, 3 voters"),
    ],
)
def test_the_application_counts_members_and_voters(count: int, status: str):
    assert str(formed(count).plan("lxd/0").app_status) == status


def test_the_application_names_who_is_missing():
    app = formed(2)
    app.add(2)

    assert str(app.plan("lxd/0").app_status) == "waiting: 2 of 3 units joined, missing lxd/2"


def test_the_application_names_offline_members():
    app = formed(3)
    (cluster,) = app.clusters.values()
    cluster.members["m1"] = replace(cluster.members["m1"], status="OFFLINE")

    assert str(app.plan("lxd/0").app_status) == "waiting: 1 of 3 members offline: m1"


@pytest.mark.parametrize(
    ("starting", "status"),
    [
        ({"m1"}, "active: member m1, voter"),
        (set[str](), "waiting: member m1 is offline: no heartbeat"),
    ],
)
def test_a_member_that_has_just_started_waits_for_its_heartbeat(starting: set[str], status: str):
    app = formed(3)
    (cluster,) = app.clusters.values()
    cluster.members["m1"] = replace(cluster.members["m1"], status="OFFLINE", message="no heartbeat")
    cluster.starting = starting

    assert str(app.plan("lxd/1").status) == status


def test_the_leader_waits_for_the_heartbeat_of_another_that_has_just_started():
    app = formed(3)
    (cluster,) = app.clusters.values()
    cluster.members["m1"] = replace(cluster.members["m1"], status="OFFLINE")
    cluster.starting = {"m1"}

    assert str(app.plan("lxd/0").app_status) == "active: 3 members, 3 voters"


def test_a_changed_address_of_a_member_is_told():
    app = formed(1)
    app.units["lxd/0"].address = "10.0.0.99"

    status = app.plan("lxd/0").status

    assert str(status) == (
        "blocked: the member's address is 10.0.0.1, the machine's 10.0.0.99: give it back"
    )


def test_an_address_that_changes_before_joining_is_the_one_used():
    app = formed(1)
    app.add(1)
    app.hook("lxd/1")
    app.units["lxd/1"].address = "10.0.0.99"
    app.settle()

    (cluster,) = app.clusters.values()
    assert cluster.members["m1"].address == "10.0.0.99"


def test_a_member_whose_lxd_is_clustered_no_longer_says_so():
    app = formed(2)
    app.units["lxd/1"].machine.empty_lxd()

    status = app.plan("lxd/1").status

    assert status.kind is Kind.BLOCKED
    assert "the cluster removed this member" in status.message


def test_a_join_that_hangs_is_reset_after_its_deadline():
    app = formed(1)
    unit = app.add(1)
    app.hook("lxd/1")
    unit.lxd.running = False
    unit.machine.forming_ = Forming("join", app.now)

    assert app.plan("lxd/1").steps == ()
    app.now += JOIN + 1
    (step,) = app.plan("lxd/1").steps
    assert isinstance(step, ResetLxd)
    app.hook("lxd/1")
    assert app.own("lxd/1").attempt == 1


def test_a_hung_daemon_of_a_member_is_never_reset():
    app = formed(2)
    unit = app.units["lxd/1"]
    unit.lxd.running = False
    unit.machine.forming_ = Forming("join", app.now)
    app.now += JOIN + 1

    assert app.plan("lxd/1").steps == ()


def test_an_attached_snap_is_installed_instead_of_the_stores():
    app = ModelApp(resource=Resource("/lxd.snap", "/lxd.snap"))
    app.add(0)

    assert app.plan("lxd/0").steps == (InstallSnapFile("/lxd.snap"),)


def test_another_attached_snap_takes_its_place():
    app = formed(2)
    app.resource = Resource("/new.snap", "/new.snap")

    assert app.plan("lxd/0").steps == (InstallSnapFile("/new.snap"),)


def test_no_snap_is_exchanged_while_a_member_is_down():
    app = formed(3)
    app.resource = Resource("/new.snap", "/new.snap")
    (cluster,) = app.clusters.values()
    cluster.members["m2"] = replace(cluster.members["m2"], status="OFFLINE")

    plan = app.plan("lxd/0")

    assert plan.steps == ()
    assert str(plan.status) == "waiting: to exchange the LXD snap until m2 is back"


def test_a_joiner_takes_the_clusters_revision_of_the_snap():
    app = formed(1)
    unit = app.add(1)
    unit.snap.install("5.21/stable", "101")
    unit.machine.keep_key(b"k" * 32, "")

    assert app.plan("lxd/1").steps == (InstallSnap("5.21/stable", "100"),)
