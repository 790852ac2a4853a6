# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD to install, and waiting for other versions: decisions on views made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from options.options import Options
from plan.install import versions
from plan.unit import make_plan
from state.cluster import ClusterView, Pool
from state.facts import Resource, SnapFacts
from state.lxd_objects import Bucket
from state.peers import QueueEntry
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, View
from steps.addresses import Listen
from steps.install import BackupDatabase, InstallSnap, InstallSnapFile, InstallSnapVersion
from tests.unit import views
from tests.unit.views import data, lxd, member, peers
from values import lxd_versions

FILE = Resource("/lxd.snap", "new")
INSTALL = InstallSnapFile("/lxd.snap")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5.21.7-abc", "6.9-def"),
        ("5.21.7", "5.21.10"),
        ("5.0.2", "5.21.0"),
        ("6.9", "6.10"),
        ("git-123", "5.0"),
    ],
)
def test_versions_compare_by_their_numbers(one: str, other: str):
    assert lxd_versions.ordered(one) < lxd_versions.ordered(other)
    assert not lxd_versions.same(one, other)


def test_what_a_snap_adds_to_a_version_does_not_count():
    assert lxd_versions.same("5.21.7-1f23abc", "5.21.7")
    assert not lxd_versions.same("git-1", "git-1")


# The installation of a unit without LXD.


def newcomer(**others: object) -> View:
    """Unit 0 on a fresh machine, beside two members."""
    told = {n: data(n, **others) for n in (1, 2)}
    nothing = SnapFacts(snapd=True, deb=False, installed=False)
    own = data(0, cluster="", lxd="", package="", revision="", channel="")
    return views.view(
        None, peers(own, told), snap=nothing, options=Options(snap_channel="6/stable")
    )


def test_the_first_ones_install_what_the_option_says():
    view = newcomer()
    assert isinstance(view.peers, Peers)
    alone = replace(view, peers=replace(view.peers, others={}))

    assert make_plan(alone).steps == (InstallSnap("6/stable"),)


def test_a_unit_that_is_added_installs_the_members_revision_at_once():
    assert make_plan(newcomer()).steps == (InstallSnap("5.21/stable", "100"),)


def test_on_another_architecture_it_installs_the_members_version():
    """Revisions differ between architectures."""
    assert make_plan(newcomer(arch="aarch64")).steps == (
        InstallSnapVersion("5.21/stable", "5.21.7"),
    )


def test_members_of_an_older_charm_tell_no_channel_and_no_architecture():
    view = newcomer(arch="", channel="", package="")

    assert make_plan(view).steps == (InstallSnap("6/stable", "100"),)


def test_while_the_members_differ_nothing_is_installed():
    view = newcomer()
    assert isinstance(view.peers, Peers)
    others = {**view.peers.others, "lxd/2": data(2, package="6.9-def")}
    plan = make_plan(replace(view, peers=replace(view.peers, others=others)))

    assert plan.steps == ()
    assert str(plan.status) == (
        "waiting: to install LXD until all members have one version: lxd/1 (5.21.7), lxd/2 (6.9)"
    )


def test_a_file_that_the_members_have_is_needed_here_too():
    plan = make_plan(newcomer(revision="x1", channel=""))

    assert plan.steps == ()
    assert str(plan.status) == (
        "blocked: LXD 5.21.7 of the members is from a file: attach that file as lxd-snap"
    )


# A unit with another LXD than the members'.


def outsider(version: str, revision: str = "90", **others: object) -> View:
    """Unit 0 with its own LXD, beside two members."""
    told = {n: data(n, **others) for n in (1, 2)}
    own = data(0, cluster="", lxd=version, package=version, revision=revision)
    snap = SnapFacts(True, False, True, revision, version, "6/stable")
    return views.view(lxd(version=version), peers(own, told), snap=snap)


def test_an_older_one_becomes_the_clusters():
    assert make_plan(outsider("5.0.3")).steps == (InstallSnap("5.21/stable", "100"),)
    assert make_plan(outsider("5.0.3", arch="aarch64")).steps == (
        InstallSnapVersion("5.21/stable", "5.21.7"),
    )


def test_the_version_counts_with_two_architectures():
    steps = make_plan(outsider("5.21.7", arch="aarch64")).steps
    # It keeps its LXD, and listens before it may join.
    assert steps == (Listen("10.0.0.1:8443", ""),)


def test_a_newer_one_that_is_used_does_not_go_back():
    view = outsider("6.9")
    assert isinstance(view.lxd, ClusterView)
    pool = Pool("local", "dir", "Created", frozenset())
    plan = make_plan(replace(view, lxd=replace(view.lxd, pools=(pool,))))

    assert plan.steps == ()
    assert str(plan.status) == (
        "blocked: LXD 6.9 here is newer than 5.21.7 in the cluster: remove this unit, or upgrade"
    )


# An attached file on a member.


def exchanging(
    offered: str, seen: ClusterView | Unresponsive | None = None, **others: object
) -> View:
    """Unit 0, a member of three that run 5.21.7, with another snap attached."""
    told = {n: data(n, **others) for n in (1, 2)}
    snap = SnapFacts(True, False, True, "100", "5.21.7", "", offered, same_as_resource=False)
    seen = seen or lxd(member(0), member(1), member(2))
    return views.view(seen, peers(data(0), told), snap=snap, resource=FILE)


def test_a_release_of_the_same_series_is_installed():
    assert make_plan(exchanging("5.21.8")).steps == (INSTALL,)


def test_another_build_of_the_same_release_is_installed_on_one_member_after_the_other():
    build = exchanging("5.21.7-other")
    second = replace(build, unit="lxd/9")
    done = exchanging("5.21.7-other", snap=FILE.digest)

    assert make_plan(build).steps == (INSTALL,)
    assert make_plan(second).steps == ()
    assert str(make_plan(second).status) == "waiting: to exchange the LXD snap after lxd/1"
    assert make_plan(replace(done, unit="lxd/9")).steps == (INSTALL,)


def test_before_another_series_the_database_is_copied():
    assert make_plan(exchanging("6.9-def")).steps == (BackupDatabase("6.9"), INSTALL)


@pytest.mark.parametrize(
    ("offered", "why"),
    [
        ("5.21.5-abc", "the attached LXD 5.21.5 is older than 5.21.7 here: attach a newer one"),
        ("5.0.2", "the attached LXD 5.0.2 is older than 5.21.7 here: attach a newer one"),
        (
            "git-1",
            "the attached snap has version git-1, LXD 5.21.7 here: attach a release",
        ),
    ],
)
def test_what_could_not_open_the_database_is_not_installed(offered: str, why: str):
    plan = make_plan(exchanging(offered))

    assert plan.steps == ()
    assert str(plan.status) == f"blocked: {why}"


def test_a_downgrade_is_seen_by_what_the_others_run():
    plan = make_plan(exchanging("5.21.8", lxd="6.9"))

    assert "is older than 6.9 on lxd/1" in str(plan.status)


@pytest.mark.parametrize("reason", [UnresponsiveReason.OTHER_VERSIONS, UnresponsiveReason.STOPPED])
def test_a_file_does_not_replace_a_newer_lxd_that_has_not_answered_yet(reason: UnresponsiveReason):
    """Somebody refreshed it by hand: it may have changed the database already."""
    view = exchanging("5.21.7", Unresponsive("silent", reason), snap=FILE.digest)
    plan = make_plan(replace(view, snap=replace(view.snap, version="6.9-def")))

    assert plan.steps == ()
    assert str(plan.status) == (
        "blocked: the attached LXD 5.21.7 is older than 6.9 here: attach a newer one"
    )


def test_a_fresh_machine_does_not_install_an_older_file_than_the_cluster_has():
    view = exchanging("5.0.2")
    nothing = replace(view.snap, installed=False, revision="", version="")
    assert isinstance(view.peers, Peers)
    own = data(0, cluster="", lxd="")
    plan = make_plan(replace(view, lxd=None, snap=nothing, peers=replace(view.peers, own=own)))

    assert plan.steps == ()
    assert str(plan.status) == (
        "blocked: the attached LXD 5.0.2 is older than 5.21.7 on lxd/1: attach a newer one"
    )


HELD = {
    # LXD does not wait for an evacuated member: the others would change the database without it.
    "evacuated": (
        lxd(member(0), member(1), member(2, "EVACUATED")),
        "waiting: to exchange the LXD snap: lxc cluster restore m2",
    ),
    "down": (
        lxd(member(0), member(1, "OFFLINE"), member(2)),
        "waiting: to exchange the LXD snap until m1 is back",
    ),
    "leaving": (
        lxd(member(0), member(1), member(2), notes={"leaving.m2": "leaving"}),
        "waiting: to exchange the LXD snap until m2 has left",
    ),
    # A restored instance would move back to a leaving member.
    "leaving and evacuated": (
        lxd(member(0), member(1), member(2, "EVACUATED"), notes={"leaving.m2": "leaving"}),
        "waiting: to exchange the LXD snap until m2 has left",
    ),
    "without a unit": (
        lxd(member(0), member(1), member(2), member(3)),
        "waiting: to exchange LXD: m3 has no unit: empty it, then lxc cluster remove it",
    ),
    "without a unit any more": (
        lxd(member(0), member(1), member(2), member(3), notes={"unit.m3": "lxd/3 0"}),
        "waiting: to exchange LXD: m3 has no unit: empty it, then lxc cluster remove it",
    ),
    "buckets": (
        replace(
            lxd(member(0), member(1), member(2)),
            buckets=(Bucket("default", "local", "photos", "m1"),),
        ),
        "blocked: LXD 6.9 has no local buckets: copy and delete local/photos on m1",
    ),
}


@pytest.mark.parametrize(("seen", "status"), HELD.values(), ids=HELD.keys())
def test_an_exchange_waits_for_what_could_not_follow(seen: ClusterView, status: str):
    plan = make_plan(exchanging("6.9", seen))

    assert plan.steps == ()
    assert str(plan.status) == status


def test_another_build_does_not_wait_for_a_member_without_a_unit():
    seen = lxd(member(0), member(1), member(2), member(3))

    assert make_plan(exchanging("5.21.7-other", seen)).steps == (INSTALL,)


def test_a_member_without_a_unit_may_have_the_new_version_already():
    """An operator has given it that. From 5.21 on LXD says which members are older."""
    old, new = (f"LXD version is {word} than other members" for word in ("older", "newer"))
    rows = [replace(member(n, "BLOCKED"), message=old) for n in range(3)]
    theirs = member(3, "BLOCKED")

    done = make_plan(exchanging("6.9", lxd(*rows, replace(theirs, message=new))))
    still = make_plan(exchanging("6.9", lxd(*rows, replace(theirs, message=old))))

    assert (INSTALL in done.steps, INSTALL in still.steps) == (True, False)


def test_a_member_whose_unit_has_not_published_its_data_has_a_unit():
    seen = lxd(member(0), member(1), member(2), member(3), notes={"unit.m3": "lxd/3 0"})
    view = exchanging("6.9", seen)
    assert view.peers is not None
    queue = (*view.peers.app.queue, QueueEntry(unit="lxd/3"))
    app = view.peers.app.model_copy(update={"queue": queue})

    assert INSTALL in make_plan(replace(view, peers=replace(view.peers, app=app))).steps


def test_one_that_has_exchanged_and_waits_is_not_down():
    seen = lxd(member(0), member(1, "OFFLINE"), member(2))

    assert INSTALL in make_plan(exchanging("6.9", seen, snap="new")).steps


def test_members_that_wait_for_one_version_are_not_down():
    """From 5.21 on LXD calls all of them blocked once the first has another version."""
    seen = lxd(*(member(number, "BLOCKED") for number in range(3)))

    assert INSTALL in make_plan(exchanging("6.9", seen)).steps


@pytest.mark.parametrize(
    ("kind", "theirs", "exchanged"),
    [
        (UnresponsiveReason.NO_DATABASE, "", False),
        (UnresponsiveReason.HUNG, "", False),
        (UnresponsiveReason.NO_DATABASE, "new", True),
        (UnresponsiveReason.STOPPED, "", True),
    ],
)
def test_a_silent_lxd_is_exchanged_where_that_is_why_it_is_silent(
    kind: UnresponsiveReason, theirs: str, exchanged: bool
):
    plan = make_plan(exchanging("6.9", Unresponsive("silent", kind), snap=theirs))

    assert (INSTALL in plan.steps) is exchanged


# A member whose daemon waits for the others' version.


def waiting_member(installed: str, *others: str) -> str:
    told = {n: data(n, package=version) for n, version in enumerate(others, 1)}
    snap = SnapFacts(True, False, True, "100", installed)
    seen = Unresponsive("no answer in time", UnresponsiveReason.OTHER_VERSIONS)
    return str(make_plan(views.view(seen, peers(data(0), told), snap=snap)).status)


@pytest.mark.parametrize(
    ("installed", "others", "status"),
    [
        ("6.9-def", ("5.21.7-abc", "6.9-def"), "waiting: for LXD 6.9 on lxd/1 (5.21.7)"),
        (
            "5.21.7-abc",
            ("6.9-def", "6.9-def"),
            "waiting: for the LXD of lxd/1 (6.9), lxd/2 (6.9): this member has 5.21.7",
        ),
        ("6.9", ("6.9", "6.9"), "waiting: for the same LXD snap on all members"),
    ],
)
def test_a_daemon_that_waits_names_the_units_that_it_waits_for(
    installed: str, others: tuple[str, ...], status: str
):
    assert waiting_member(installed, *others) == status


# The option names another channel than LXD is from.


def test_the_status_says_that_an_option_is_not_followed():
    seen = lxd(member(0))
    view = views.view(seen, peers(data(0), {}), options=Options(snap_channel="6/stable"))

    assert versions.not_followed(view) == (
        "set snap-channel=5.21/stable again: LXD follows that channel"
    )
    assert versions.not_followed(replace(view, options=Options())) == ""
    assert versions.not_followed(replace(view, resource=FILE)) == ""
