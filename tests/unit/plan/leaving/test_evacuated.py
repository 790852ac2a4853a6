# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD also calls a dead member evacuated: the charm asks whether it answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from deadlines import EVACUATED_DEAD
from plan import cluster_change, duties
from plan.leader import application_status
from plan.leaving import dead_members, orphaned_members
from plan.leaving.blockers import quorum
from records import member_marks
from state.cluster import ClusterView, Member, several_vote
from state.peers import QueueEntry
from state.view import Peers, View
from steps.leaving import RemoveMember
from tests.lxd_model import by_hand
from tests.lxd_model.evacuation import restoring
from tests.lxd_model.generations import NAMES
from tests.unit.leavers import cluster, leaver, member
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import later, leaving, server, the_cluster

DEAD, ALIVE = {"answers": False}, {"answers": True}


def seen(
    lxd: ClusterView, now: float = 1000.0, known: tuple[str, ...] = ("lxd/0", "lxd/1", "lxd/2")
) -> View:
    """The view of lxd/2, the leader, which stays."""
    view = leaver(lxd, known=known, going=())
    assert view.peers is not None
    queue = tuple(QueueEntry(unit=unit) for unit in ("lxd/0", "lxd/1", "lxd/2") if unit in known)
    app = view.peers.app.model_copy(update={"queue": queue})
    peers = replace(view.peers, app=app)
    return replace(view, leader=True, leaving=False, now=now, peers=peers)


def peers_of(view: View) -> Peers:
    assert view.peers is not None
    return view.peers


def with_evacuated(answers: dict[str, bool], name: str = "m1", **more: Any) -> ClusterView:
    members = {m.name: m for m in (member("m0"), member("m1"), member("m2"))}
    members[name] = member(name, "EVACUATED", **answers)
    notes = {"leaving.m2": "", **more}
    return cluster(members=tuple(members.values()), notes=notes)


UP: list[tuple[str, bool, bool]] = [
    ("ONLINE", True, True),
    ("EVACUATED", True, True),
    ("EVACUATED", False, False),
    ("OFFLINE", True, False),
    ("BLOCKED", True, False),
]


@pytest.mark.parametrize(("status", "answers", "up"), UP)
def test_a_member_is_up_if_it_is_online_or_evacuated_and_answers(
    status: str, answers: bool, up: bool
):
    assert member("m1", status, answers=answers).up is up


@pytest.mark.parametrize(
    ("roles", "votes"),
    [
        ({"database-leader"}, True),
        ({"database-leader", "database"}, True),
        ({"database-voter", "control-plane"}, True),
        ({"database-standby"}, False),
        (set[str](), False),
    ],
    ids=["leader of 6.9", "leader before", "voter of 6.9", "stand-by", "spare"],
)
def test_the_raft_leader_votes(roles: set[str], votes: bool):
    m1: Member = member("m1", roles=frozenset(roles))

    assert m1.voter is votes
    assert several_vote([member("m0"), m1]) is votes


def test_the_leader_counts_for_the_quorum_of_lxd_6():
    members = (
        member("m0", roles=frozenset({"database-leader"})),
        member("m1", "OFFLINE", roles=frozenset({"database-voter"})),
        member("m2", roles=frozenset({"database-voter"})),
    )
    of_leader = quorum(1, cluster(members=members), members[0])

    assert "the database would lose its quorum while m1 is down" in list(of_leader)


def test_a_dead_one_is_nobodys_token_issuer():
    def on_m1(answers: dict[str, bool]) -> ClusterView:
        lxd = with_evacuated(answers, "m2")
        return replace(lxd, server=replace(lxd.server, name="m1"))

    mine = peers_of(seen(on_m1(DEAD)))
    peers = replace(mine, own=mine.others["lxd/1"], others={**mine.others, "lxd/2": mine.own})

    assert duties.is_token_issuer("lxd/1", peers, on_m1(DEAD))
    assert not duties.is_token_issuer("lxd/1", peers, on_m1(ALIVE))


def test_a_dead_one_is_nobodys_coordinator():
    lxd = with_evacuated(DEAD, "m0")
    view = seen(lxd)

    assert not duties.is_coordinator("lxd/2", peers_of(view), with_evacuated(ALIVE, "m0"))
    app = peers_of(view).app
    last = replace(
        peers_of(view),
        app=app.model_copy(update={"queue": (QueueEntry(unit="lxd/0"), QueueEntry(unit="lxd/2"))}),
    )
    assert duties.is_coordinator("lxd/2", last, lxd)


@pytest.mark.parametrize(("answers", "waits"), [(DEAD, True), (ALIVE, False)], ids=str)
def test_a_healthy_one_keeps_nothing_from_being_made(answers: dict[str, bool], waits: bool):
    lxd = with_evacuated(answers)
    view = seen(lxd)
    found = cluster_change.blocker(view, lxd, peers_of(view), "the pool fast")

    assert (found is not None) is waits


def test_the_status_distinguishes_evacuated_from_dead_members():
    def status_on(lxd: ClusterView) -> str:
        view = seen(lxd)
        peers = peers_of(view)
        return str(application_status(view, peers, peers.own, peers.app))

    assert "m1 evacuated; to use it again: lxc cluster restore" in status_on(with_evacuated(ALIVE))
    assert "1 of 3 members offline: m1" in status_on(with_evacuated(DEAD))


class TestRemoval:
    """A member that LXD has healed (cluster.healing_threshold), and that Juju no longer has."""

    LEFT = ("lxd/0", "lxd/2")

    def notes(self, lxd: ClusterView, now: float) -> list[str]:
        view = seen(lxd, now, self.LEFT)
        peers = peers_of(view)
        return [str(step) for step in orphaned_members.noting(view, lxd, peers, peers.own)]

    def removed(self, lxd: ClusterView, now: float) -> tuple[object, ...]:
        view = seen(lxd, now, self.LEFT)
        peers = peers_of(view)
        return dead_members.removal(view, lxd, peers, peers.own)

    def test_it_is_removed_once_it_is_silent_for_a_while(self):
        first = with_evacuated(DEAD)
        assert self.notes(first, 1000.0) == ["note silent.m1=1000"]
        assert self.removed(first, 1000.0) == ()
        later = with_evacuated(DEAD, **{"silent.m1": "1000"})

        assert self.notes(later, 1001.0) == []
        assert self.removed(later, 1000.0 + EVACUATED_DEAD - 1) == ()
        assert self.removed(later, 1000.0 + EVACUATED_DEAD) == (RemoveMember("m1", "10.0.0.2"),)

    def test_one_that_answers_again_is_not(self):
        again = with_evacuated(ALIVE, **{"silent.m1": "1000"})

        assert "note silent.m1=" in self.notes(again, 2000.0)
        assert self.removed(again, 2000.0) == ()

    def test_one_whose_unit_is_there_is_not(self):
        lxd = with_evacuated(DEAD, **{"silent.m1": "1000"})
        view = seen(lxd, 5000.0)
        peers = peers_of(view)

        assert dead_members.removal(view, lxd, peers, peers.own) == ()

    def test_not_without_a_majority(self):
        lxd = with_evacuated(DEAD, **{"silent.m1": "1000"})
        down = replace(lxd, members=(member("m0", "OFFLINE"), *lxd.members[1:]))

        assert self.removed(down, 5000.0) == ()

    def test_the_note_goes_with_it(self):
        lxd = cluster(members=(member("m0"), member("m2")), notes={"silent.m1": "1000"})

        assert "silent.m1" in member_marks.outdated("m0", lxd)[0].values


def at_its_address(app: ModelApp) -> ModelApp:
    """MAAS gives the repaired machine of m2 again: its name and address, an empty disk."""
    server(app, "m2").destroy()
    app.remove("lxd/2")
    unit = app.add(3, "m2")
    unit.address = unit.server.address = "10.0.0.3"
    for _ in range(12):
        later(app, 300.0).settle()
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_dead_member_does_not_live_on_in_a_new_unit_at_its_address(generation: str):
    app = formed(3, generation)
    by_hand.evacuate(server(app, "m2"))

    at_its_address(app)

    assert app.own("lxd/3").cluster, str(app.plan("lxd/3").status)


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_one_that_lxd_has_healed_does_not_live_on_either(generation: str):
    app = formed(3, generation)
    the_cluster(app).config["cluster.healing_threshold"] = "30"
    server(app, "m2").power_off()
    for _ in range(2):
        later(app, 300.0)
        app.hook("lxd/0")
        app.hook("lxd/1")

    at_its_address(app)

    assert app.own("lxd/3").cluster, str(app.plan("lxd/3").status)


@pytest.mark.parametrize("generation", NAMES)
def test_a_leaving_unit_waits_until_lxd_has_restored_its_member(generation: str):
    """LXD calls it online at once, brings its instances back, and starts each after that."""
    app = formed(3, generation)
    here = server(app, "m2")
    for name in ("c1", "c2", "c3"):
        by_hand.launch(here, name)
    by_hand.evacuate(here)
    restored = restoring(here, "m2")
    app.cloud.now += 1
    app.cloud.tick()
    assert not restored.done

    leaving(app, "lxd/2")
    first = app.plan("lxd/2").steps
    app.hook("lxd/2")

    assert [str(step) for step in first] == ["note leaving.m2=leaving"]
    assert restored.done
    assert restored.error == ""
    assert all(i.running for i in the_cluster(app).instances.values())
