# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The LXD to install, and waiting for other versions: decisions on views made by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

import deadlines
from options.options import Options
from plan.install import versions
from plan.unit import make_plan
from state.cluster import ClusterView, Pool
from state.facts import Resource, SnapFacts
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, View
from steps.addresses import Listen
from steps.install import InstallSnap, InstallSnapFile, InstallSnapVersion
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
    unit_data = {n: data(n, **others) for n in (1, 2)}
    nothing = SnapFacts(snapd=True, deb=False, installed=False)
    own = data(0, cluster="", lxd="", package="", revision="", channel="")
    return views.view(
        None, peers(own, unit_data), snap=nothing, options=Options(snap_channel="6/stable")
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


def test_members_of_an_older_charm_publish_no_channel_and_no_architecture():
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
    unit_data = {n: data(n, **others) for n in (1, 2)}
    own = data(0, cluster="", lxd=version, package=version, revision=revision)
    snap = SnapFacts(True, False, True, revision, version, "6/stable")
    return views.view(lxd(version=version), peers(own, unit_data), snap=snap)


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


# A member whose daemon waits for the others' version.


def waiting_view(installed: str, *others: str) -> View:
    unit_data = {n: data(n, package=version) for n, version in enumerate(others, 1)}
    snap = SnapFacts(True, False, True, "100", installed)
    seen = Unresponsive("no answer in time", UnresponsiveReason.OTHER_VERSIONS)
    return views.view(seen, peers(data(0), unit_data), snap=snap)


def waiting_member(installed: str, *others: str) -> str:
    return str(make_plan(waiting_view(installed, *others)).status)


@pytest.mark.parametrize("leaving", [False, True], ids=["stays", "leaves"])
def test_a_member_without_a_unit_that_holds_the_others_is_what_the_status_names(leaving: bool):
    """Such as one whose unit was removed by force, and whose LXD nobody refreshes."""
    view = waiting_view("6.9", "6.9")
    since = view.now - deadlines.UNRESPONSIVE

    plan = make_plan(replace(view, leaving=leaving, unresponsive_since=since))

    status = "blocked: LXD 6.9 waits for a member without a unit; docs: How to recover"
    assert str(plan.status) == status


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
        (
            "git-abc123",
            ("5.21.7-abc", "git-abc123"),
            "waiting: for one LXD on all members: lxd/1 (5.21.7), this member has git-abc123",
        ),
        (
            "5.21.7-abc",
            ("git-abc123", "5.21.7-abc"),
            "waiting: for one LXD on all members: lxd/1 (git-abc123), this member has 5.21.7",
        ),
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

    assert versions.warning(view) == (
        "set snap-channel=5.21/stable again: LXD follows that channel"
    )
    assert versions.warning(replace(view, options=Options())) == ""
    assert versions.warning(replace(view, resource=FILE)) == ""


def test_the_status_says_that_lxd_is_not_held():
    """snapd would refresh one member after the other, at times of its own (LXD issue 5045)."""
    view = views.view(lxd(member(0)), peers(data(0), {}))
    view = replace(view, snap=replace(view.snap, channel="5.21/stable", held=False))

    assert versions.warning(view) == "LXD is not held: snap refresh --hold lxd"
