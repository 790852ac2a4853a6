# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An attached file for a member: when it is installed, and what that waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from host.snap import OperatorNeededError
from plan.unit import make_plan
from state.cluster import ClusterView
from state.facts import Resource, SnapFacts
from state.lxd_objects import Bucket
from state.peers import QueueEntry, UnitData
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, View
from steps.install import BackupDatabase, InstallSnap, InstallSnapFile
from steps.server import WriteNotes
from tests.unit import views
from tests.unit.model_units import ModelApp, formed
from tests.unit.operations.exchanges import NEXT, attached, fetched
from tests.unit.scenarios import later, names, notes, with_instance, without
from tests.unit.views import data, lxd, member, peers

FILE = Resource("/lxd.snap", "new")
INSTALL = InstallSnapFile("/lxd.snap")
NOTE = WriteNotes({"exchanging.m0": "6.9"})


def exchanging(
    offered: str, seen: ClusterView | Unresponsive | None = None, /, **others: object
) -> View:
    """Unit 0, a member of three that run 5.21.7, with another snap attached that all have."""
    unit_data = {n: data(n, **{"attached": FILE.digest, "fits": True, **others}) for n in (1, 2)}
    snap = SnapFacts(True, False, True, "100", "5.21.7", offered=offered, same_as_resource=False)
    seen = seen or lxd(member(0), member(1), member(2))
    return views.view(seen, peers(data(0), unit_data), snap=snap, resource=FILE)


def test_a_release_of_the_same_series_is_installed():
    assert make_plan(exchanging("5.21.8")).steps == (
        WriteNotes({"exchanging.m0": "5.21.8"}),
        INSTALL,
    )


def test_another_build_of_the_same_release_is_installed_on_one_member_after_the_other():
    build = exchanging("5.21.7-other")
    second = replace(build, unit="lxd/9")
    done = exchanging("5.21.7-other", snap=FILE.digest)

    assert make_plan(build).steps == (INSTALL,)
    assert INSTALL not in make_plan(second).steps
    assert str(make_plan(second).status) == "waiting: to exchange the LXD snap after lxd/1"
    assert make_plan(replace(done, unit="lxd/9")).steps == (INSTALL,)


def test_a_silent_member_follows_those_that_have_the_release_from_the_store():
    """They wait for it, and the database may have lost its quorum meanwhile."""
    silent = Unresponsive("no answer", UnresponsiveReason.NO_DATABASE)
    steps = {
        package: make_plan(exchanging("6.9", silent, package=package)).steps
        for package in ("5.21.7", "6.9")
    }

    assert INSTALL not in steps["5.21.7"]
    assert steps["6.9"] == (BackupDatabase("6.9"), INSTALL)


def test_a_silent_member_does_not_exchange_its_release_for_another_build():
    silent = Unresponsive("no answer", UnresponsiveReason.NO_DATABASE)

    assert INSTALL not in make_plan(exchanging("5.21.7-x", silent, package="5.21.7")).steps


def test_a_leaving_unit_is_not_waited_for_once_others_have_the_other_release():
    """It may have it, too: then it waits for this one, and cannot leave."""
    seen = lxd(member(0), member(1), member(2), notes={"leaving.m2": "leaving"})

    begun = make_plan(exchanging("6.9", seen, snap=FILE.digest))
    rebuilt = make_plan(exchanging("5.21.7-x", seen, snap=FILE.digest))

    assert begun.steps == (NOTE, BackupDatabase("6.9"), INSTALL)
    assert INSTALL not in rebuilt.steps


def fresh(offered: str, **others: object) -> View:
    """Unit 0 on a machine without LXD: the members have theirs from the store."""
    view = exchanging(offered, package="5.21.7", revision="100", **others)
    assert isinstance(view.peers, Peers)
    own = data(0, cluster="", lxd="")
    nothing = replace(view.snap, installed=False, revision="", version="")
    return replace(view, lxd=None, snap=nothing, peers=replace(view.peers, own=own))


def test_a_new_unit_takes_the_members_lxd_before_they_exchange_it():
    """They may wait for a member that leaves, and that one for this unit."""
    assert make_plan(fresh("6.9")).steps == (InstallSnap("5.21/stable", "100"),)


def test_a_new_unit_takes_the_file_once_the_members_have_it():
    view = fresh("6.9")
    assert isinstance(view.peers, Peers)
    exchanged = {unit: replace_lxd(d) for unit, d in view.peers.others.items()}

    plan = make_plan(replace(view, peers=replace(view.peers, others=exchanged)))

    assert plan.steps == (INSTALL,)


def replace_lxd(before: UnitData) -> UnitData:
    """A member's unit after the exchange."""
    return before.model_copy(update={"package": "6.9", "revision": "x1", "snap": FILE.digest})


def joining(offered: str, package: str = "5.21.7") -> View:
    """Unit 0, in no cluster, with the attached LXD. The members have theirs from another file."""
    view = exchanging(offered, package=package, revision="x1")
    assert isinstance(view.peers, Peers)
    same = replace(view.snap, revision="x1", version=offered, offered="", same_as_resource=True)
    own = data(0, cluster="", lxd=offered)
    outside = lxd(version=offered)
    return replace(view, lxd=outside, snap=same, peers=replace(view.peers, own=own))


@pytest.mark.parametrize(
    ("package", "status"),
    [
        ("5.21.7", "waiting: for LXD 6.9 on the members, or attach LXD 5.21.7 again"),
        ("6.9", "waiting: for LXD 6.9 on all members"),
    ],
)
def test_a_new_unit_with_the_file_says_what_it_waits_for(package: str, status: str):
    assert str(make_plan(joining("6.9", package)).status) == status


def test_an_lxd_that_was_removed_keeps_no_file_back():
    """The unit has taken a file, and the operator attaches an older one again."""
    view = fresh("5.21.7", snap="other")
    assert isinstance(view.peers, Peers)
    others = {u: d.model_copy(update={"revision": "x1"}) for u, d in view.peers.others.items()}
    again = replace(view.peers, own=data(0, cluster="", lxd="6.9"), others=others)

    assert make_plan(replace(view, peers=again)).steps == (INSTALL,)


def test_before_another_series_the_database_is_copied():
    assert make_plan(exchanging("6.9-def")).steps[1:] == (BackupDatabase("6.9"), INSTALL)


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

    assert INSTALL not in plan.steps
    assert str(plan.status) == f"blocked: {why}"


def test_a_downgrade_is_seen_by_what_the_others_run():
    plan = make_plan(exchanging("5.21.8", lxd="6.9"))

    assert "is older than 6.9 on lxd/1" in str(plan.status)


def refreshed_by_hand(reason: UnresponsiveReason) -> View:
    """The installed LXD is newer than the attached one, and has not answered yet."""
    view = exchanging("5.21.7", Unresponsive("silent", reason), snap=FILE.digest)
    return replace(view, snap=replace(view.snap, version="6.9-def"))


@pytest.mark.parametrize("reason", [UnresponsiveReason.OTHER_VERSIONS, UnresponsiveReason.STOPPED])
def test_a_file_does_not_replace_a_newer_lxd(reason: UnresponsiveReason):
    """It may have changed the database already."""
    assert INSTALL not in make_plan(refreshed_by_hand(reason)).steps


def test_the_status_says_that_the_file_is_older_than_the_lxd_that_waits():
    assert str(make_plan(refreshed_by_hand(UnresponsiveReason.OTHER_VERSIONS)).status) == (
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
    # LXD changes all pools after an upgrade, and does not start without one of them.
    "without a pool": (
        replace(lxd(member(0), member(1), member(2)), unavailable={"fast": "it is gone"}),
        "blocked: LXD 6.9 does not start without the pool fast: bring it back",
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

    assert INSTALL not in plan.steps
    assert str(plan.status) == status


def without_pool() -> ClusterView:
    """This machine's part of a pool is gone."""
    return replace(lxd(member(0), member(1), member(2)), unavailable={"fast": "its disk is gone"})


def test_a_member_without_a_pool_says_that_it_cannot_follow():
    """Otherwise the others would exchange theirs, and its LXD would not start any more."""
    own = make_plan(exchanging("6.9", without_pool())).own

    assert own is not None
    assert not own.fits


def test_another_build_does_not_need_every_pool():
    assert make_plan(exchanging("5.21.7-other", without_pool())).steps == (INSTALL,)


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


def test_a_member_with_an_older_version_names_those_with_a_newer_one():
    """An operator has refreshed one machine by hand, and its unit shows nothing of it."""
    older, newer = (f"LXD version is {word} than other members" for word in ("older", "newer"))
    rows = [replace(member(n, "BLOCKED"), message=older) for n in (0, 1)]
    seen = lxd(*rows, replace(member(2, "BLOCKED"), message=newer))

    plan = make_plan(views.view(seen, peers(data(0), {1: data(1)})))

    assert str(plan.status) == "waiting: for one LXD on all members: m2 has a newer one"


def test_a_member_whose_unit_shows_no_data_is_waited_for():
    """It has just joined and has not published them, or it is removed and held.

    It does not hear that the others exchange theirs, and they would wait for its member.
    """
    seen = lxd(member(0), member(1), member(2), member(3), notes={"unit.m3": "lxd/3 0"})
    view = exchanging("6.9", seen)
    assert view.peers is not None
    queue = (*view.peers.app.queue, QueueEntry(unit="lxd/3"))
    app = view.peers.app.model_copy(update={"queue": queue})
    plan = make_plan(replace(view, peers=replace(view.peers, app=app)))

    assert INSTALL not in plan.steps
    assert str(plan.status) == "waiting: to exchange LXD until these have the file: lxd/3"


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


def test_a_blocked_member_does_not_wait_for_itself():
    """One member has another release, and another build of the others' release is attached."""
    seen = lxd(*(member(number, "BLOCKED") for number in range(3)))

    assert make_plan(exchanging("5.21.7-other", seen)).steps == (INSTALL,)


@pytest.mark.parametrize(
    ("theirs", "goes_on"),
    [({}, True), ({"attached": ""}, False), ({"fits": False}, False)],
)
def test_members_with_several_versions_go_on_with_the_attached_one(
    theirs: dict[str, object], goes_on: bool
):
    """Somebody has refreshed some of them by hand: these wait for the others."""
    waits = Unresponsive("several versions", UnresponsiveReason.OTHER_VERSIONS)

    steps = make_plan(exchanging("6.9", waits, package="5.21.6", **theirs)).steps

    assert (INSTALL in steps) is goes_on


# A unit in error does not see what the others publish: LXD's database says what they do.


def leaving(notes: dict[str, str]) -> View:
    """Unit 0 as a leaving one, to which none of the others has shown that it exchanges its LXD."""
    seen = lxd(member(0), member(1), member(2), notes={"leaving.m0": "leaving", **notes})
    view = exchanging("6.9", seen)
    assert view.peers is not None
    own = data(0, attached=FILE.digest, fits=True)
    return replace(view, leaving=True, peers=replace(view.peers, own=own))


@pytest.mark.parametrize(("noted", "follows"), [("6.9", True), ("6.8", False)])
def test_a_leaving_unit_follows_one_that_has_noted_its_exchange(noted: str, follows: bool):
    steps = make_plan(leaving({"exchanging.m1": noted})).steps

    assert (INSTALL in steps) is follows


@pytest.mark.parametrize(
    ("own", "follows"),
    [
        ({"attached": "the-file-before"}, True),
        ({"snap": "the-file-before"}, True),
        ({"snap": "the-file-before", "attached": FILE.digest}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("reason", [*UnresponsiveReason])
def test_a_leaving_unit_that_waits_for_others_takes_the_file_that_is_attached_now(
    reason: UnresponsiveReason, own: dict[str, str], follows: bool
):
    """It exchanged its LXD for the file before, and the others did not."""
    view = replace(leaving({}), lxd=Unresponsive("silent", reason))
    assert view.peers is not None
    peers = replace(view.peers, own=data(0, fits=True, **own))

    steps = make_plan(replace(view, peers=peers)).steps

    assert (INSTALL in steps) is (follows and reason is UnresponsiveReason.OTHER_VERSIONS)


def test_a_note_of_a_member_that_is_gone_does_not_count():
    assert INSTALL not in make_plan(leaving({"exchanging.m7": "6.9"})).steps


def test_a_member_notes_its_exchange_until_it_is_over():
    app = fetched(attached(NEXT, formed(3)))
    assert WriteNotes({"exchanging.m0": NEXT}) in app.plan("lxd/0").steps

    app.settle()

    assert versions_of(app) == {NEXT}
    assert not [note for note in notes(app) if note.startswith("exchanging.")]


def test_a_member_that_has_noted_its_exchange_does_not_wait_for_one_that_leaves_since_then():
    notes = {"leaving.m2": "leaving", "exchanging.m0": "6.9"}
    seen = lxd(member(0), member(1), member(2), notes=notes)

    assert INSTALL in make_plan(exchanging("6.9", seen)).steps


# Another release: every member must be able to follow before the first one begins.


def test_another_release_waits_until_every_member_has_the_file():
    plan = make_plan(exchanging("6.9", attached="", fits=False))

    assert INSTALL not in plan.steps
    assert str(plan.status) == ("waiting: to exchange LXD until these have the file: lxd/1, lxd/2")


def test_a_file_from_before_is_not_this_file():
    assert INSTALL not in make_plan(exchanging("6.9", attached="earlier")).steps


def test_a_machine_that_cannot_install_it_is_named():
    plan = make_plan(exchanging("6.9", fits=False))

    assert INSTALL not in plan.steps
    assert str(plan.status) == ("blocked: lxd/1 cannot install the attached LXD: see its status")


@pytest.mark.parametrize("done", [{"snap": "new"}, {"package": "6.9-def"}])
def test_members_with_the_new_release_need_no_file(done: dict[str, str]):
    assert INSTALL in make_plan(exchanging("6.9", None, attached="", **done)).steps


def test_another_build_waits_for_no_file():
    """Members with one release do not wait for one another."""
    assert make_plan(exchanging("5.21.7-other", attached="")).steps == (INSTALL,)


def test_nobody_waits_for_a_unit_outside_the_cluster():
    seen = lxd(member(0), member(1))
    view = exchanging("6.9", seen)
    assert isinstance(view.peers, Peers)
    fresh = data(2, name="m9", address="10.0.0.9", cluster="", lxd="", package="")
    others = {**view.peers.others, "lxd/2": fresh}

    assert INSTALL in make_plan(replace(view, peers=replace(view.peers, others=others))).steps


def test_a_file_for_another_architecture_is_refused():
    view = exchanging("6.9")
    plan = make_plan(replace(view, snap=replace(view.snap, architectures=("arm64",))))

    assert INSTALL not in plan.steps
    assert str(plan.status) == (
        "blocked: the attached LXD is for arm64, this machine is amd64: attach another"
    )
    assert plan.own is not None
    assert (plan.own.attached, plan.own.fits) == (FILE.digest, False)


def test_a_unit_says_that_it_has_the_file_until_it_is_installed():
    view = exchanging("6.9", attached="")
    installed = replace(view.snap, version="6.9", offered="", same_as_resource=True)

    before, after = make_plan(view).own, make_plan(replace(view, snap=installed)).own

    assert before is not None
    assert after is not None
    assert (before.attached, before.fits) == (FILE.digest, True)
    assert (after.attached, after.fits, after.snap) == ("", False, FILE.digest)


def versions_of(app: ModelApp) -> set[str]:
    return {unit.server.version for unit in app.units.values()}


def test_a_file_for_a_newer_snapd_is_refused_before_any_member_has_begun():
    view = exchanging("6.9-def")
    old = replace(view, snap=replace(view.snap, needs_snapd="snapd2.75"))

    plan = make_plan(old)

    assert INSTALL not in plan.steps
    status = "blocked: LXD needs snapd2.75 on this machine or newer: snap refresh snapd"
    assert str(plan.status) == status
    assert plan.own is not None
    assert not plan.own.fits


def test_with_two_architectures_all_keep_what_they_have():
    app = attached(NEXT, with_instance(formed(3), "m1"))
    app.units["lxd/2"].machine.arch = "aarch64"
    for unit in app.units.values():
        unit.snap.offered_for = ("amd64",)
    before = versions_of(app)

    app.settle()

    assert versions_of(app) == before
    assert {unit: str(app.plan(unit).status) for unit in app.units} == {
        "lxd/0": "blocked: lxd/2 cannot install the attached LXD: see its status",
        "lxd/1": "blocked: lxd/2 cannot install the attached LXD: see its status",
        "lxd/2": "blocked: the attached LXD is for amd64, this machine is arm64: attach another",
    }


def test_a_unit_in_error_keeps_the_others_back():
    """It hears of no file: Juju runs no upgrade-charm on it."""
    app = attached(NEXT, formed(3))

    for unit in ("lxd/0", "lxd/1", "lxd/0", "lxd/1"):
        app.hook(unit)

    assert not any(unit.server.silence() for unit in app.units.values())
    assert str(app.plan("lxd/0").status) == (
        "waiting: to exchange LXD until these have the file: lxd/2"
    )


def test_a_member_whose_unit_was_removed_by_force_is_waited_for_no_longer():
    """Its machine is dead. The leader removes it although its own exchange waits."""
    app = without(attached(NEXT, formed(4)), "m3")
    for unit in ("lxd/0", "lxd/1", "lxd/2"):
        assert str(app.hook(unit).status) == ("waiting: to exchange the LXD snap until m3 is back")

    app.remove("lxd/3")
    later(app, 60.0).settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert versions_of(app) == {NEXT}


def test_once_the_last_unit_has_the_file_all_exchange():
    app = attached(NEXT, formed(3))
    app.hook("lxd/0")
    app.hook("lxd/1")

    app.settle()

    assert versions_of(app) == {NEXT}


def test_a_member_that_snapd_keeps_from_it_says_what_to_do():
    app = fetched(attached(NEXT, formed(3)))
    reason = "close lxc on this machine (pid 41234): LXD is to be exchanged"
    app.units["lxd/2"].snap.refusal = OperatorNeededError(reason)

    first, second = app.hook("lxd/2"), app.hook("lxd/2")

    assert str(first.status) == f"blocked: {reason}"
    assert second.status == first.status


def test_it_tries_again_with_each_hook():
    app = fetched(attached(NEXT, formed(3)))
    app.units["lxd/2"].snap.refusal = OperatorNeededError("close lxc on this machine")
    app.hook("lxd/2")

    app.units["lxd/2"].snap.refusal = None
    app.settle()

    assert versions_of(app) == {NEXT}


def test_a_single_member_waits_for_nobody():
    app = attached(NEXT, formed(1))

    app.hook("lxd/0")

    assert versions_of(app) == {NEXT}
