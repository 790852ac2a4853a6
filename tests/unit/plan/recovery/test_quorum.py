# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The member that may recover a database without a quorum, as a table."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

import pytest

from plan.recovery import quorum
from state.facts import DatabaseCopy, DatabaseNode, Entry, Role
from state.peers import UnresponsiveDatabase
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, Units, View
from steps.server import NoteUnits
from tests.unit import views
from tests.unit.views import address, unit

SILENT = Unresponsive("no quorum", UnresponsiveReason.NO_DATABASE)
STAND_BY, SPARE = Role.STAND_BY, Role.SPARE


def word(index: int, *without: int, term: int = 2) -> UnresponsiveDatabase:
    """The data of a unit whose database does not answer."""
    return UnresponsiveDatabase(term=term, index=index, without=tuple(map(address, without)))


@dataclass
class Case:
    """A cluster as unit 0 sees it: members with the database, remaining units, their data."""

    roles: dict[int, Role]
    known: tuple[int, ...]
    words: dict[int, UnresponsiveDatabase] = field(default_factory=dict[int, UnresponsiveDatabase])
    index: int = 50
    named: frozenset[str] = frozenset()
    never_units: tuple[int, ...] = ()
    later: tuple[int, ...] = ()
    """Units that joined after this copy's last entry."""

    def view(self, asked: float = 0.0, lost: frozenset[str] = frozenset()) -> View:
        """What the unit sees, which asks about these addresses since then."""
        others = {
            n: views.data(n, silent=self.words.get(n))
            for n in (*self.roles, *self.later)
            if n != 0 and n in self.known
        }
        noted = {address(n): unit(n) for n in self.roles if n not in self.never_units}
        return views.view(
            SILENT,
            views.peers(views.data(0, asked=asked, lost=tuple(sorted(lost))), others),
            units=views.known(*self.known),
            noted_units=noted,
            database=self.copy(),
        )

    def copy(self) -> DatabaseCopy:
        nodes = [DatabaseNode(address(n), f"m{n}", role) for n, role in self.roles.items()]
        return DatabaseCopy(tuple(nodes), 2, self.index)

    def recovery(self) -> quorum.Recovery:
        """What the action finds once all units have had the time to answer it."""
        return self.seen(self.view(1.0, self.seen(self.view()).lost))

    def seen(self, view: View) -> quorum.Recovery:
        """What the action finds in this view."""
        assert isinstance(view.peers, Peers)
        return quorum.recovery(view, view.peers, self.copy(), self.named)


VOTERS: dict[int, Role] = {0: Role.VOTER, 1: Role.VOTER, 2: Role.VOTER}
FIVE = {**VOTERS, 3: Role.VOTER, 4: Role.VOTER}
WITH_STAND_BYS = {0: Role.VOTER, 1: Role.VOTER, 2: Role.VOTER, 3: STAND_BY, 4: STAND_BY}

MAY = {
    "the others' units are gone": Case(VOTERS, (0,)),
    "the operator names them by unit": Case(VOTERS, (0, 1, 2), named=frozenset({"lxd/1", "lxd/2"})),
    "by member and by address": Case(VOTERS, (0, 1, 2), named=frozenset({"m1", "10.0.0.3"})),
    "one of two": Case({0: Role.VOTER, 1: Role.VOTER}, (0,)),
    "the other survivor is as new and of a lower address": Case(
        {**VOTERS, 3: STAND_BY},
        (0, 3),
        {3: word(50, 1, 2)},
    ),
    "it is newer than another voter": Case(FIVE, (0, 4), {4: word(49, 1, 2, 3)}),
    "a higher term beats a higher index": Case(FIVE, (0, 4), {4: word(99, 1, 2, 3, term=1)}),
    "a stand-by, where no voter is left": Case({0: STAND_BY, 1: Role.VOTER, 2: Role.VOTER}, (0,)),
    "a spare has no copy": Case({**VOTERS, 3: SPARE}, (0, 3), {3: word(0, 1, 2, term=0)}),
    "a spare never was a unit's": Case({**VOTERS, 3: SPARE}, (0,), never_units=(3,)),
    "a spare is named": Case({**VOTERS, 3: SPARE}, (0, 3), named=frozenset({"lxd/3"})),
    "a spare's unit is gone": Case({**VOTERS, 3: SPARE}, (0,)),
    "one that joined later was behind": Case(VOTERS, (0, 3), {3: word(49, 1, 2)}, later=(3,)),
    "one that joined later is gone": Case(VOTERS, (0,), later=(3,)),
    "one that joined later is named": Case(VOTERS, (0, 3), named=frozenset({"m3"}), later=(3,)),
    "a stranger's voter is named": Case(VOTERS, (0,), named=frozenset({"m2"}), never_units=(2,)),
}


@pytest.mark.parametrize("case", MAY.values(), ids=MAY.keys())
def test_the_newest_copy_that_is_left_recovers(case: Case):
    assert case.recovery().problem == ""


MAY_NOT = {
    # The issue: a stand-by that only reached no other member made a second database.
    "a stand-by that reaches nobody": (
        Case({0: STAND_BY, 1: Role.VOTER, 2: Role.VOTER, 3: Role.VOTER}, (0, 1, 2, 3)),
        "0 of 3 voters are lost: start LXD on lxd/1, lxd/2, lxd/3; .*--force.*--reload lxd on this",
    ),
    "a minority is lost": (Case(VOTERS, (0, 1)), "1 of 3 voters are lost: start LXD on lxd/1;"),
    "a minority is named": (Case(VOTERS, (0, 1, 2), named=frozenset({"m2"})), "1 of 3 voters"),
    "a spare": (Case({**VOTERS, 0: SPARE, 3: Role.VOTER}, (0,)), "has no copy of the database"),
    "nobody is called so": (Case(VOTERS, (0,), named=frozenset({"m9"})), "lost=m9: no member"),
    "another voter says nothing": (Case(FIVE, (0, 4)), "lxd/4 has not said yet"),
    "it spoke before the loss": (Case(FIVE, (0, 4), {4: word(99, 1, 2)}), "lxd/4 has not said yet"),
    "a stand-by says nothing": (Case(WITH_STAND_BYS, (0, 3)), "lxd/3 has not said yet"),
    "a stand-by is newer": (
        Case(WITH_STAND_BYS, (0, 3, 4), {3: word(51, 1, 2), 4: word(50, 1, 2)}),
        r"run it on lxd/3: its database is the newest \(term 2, index 51; here term 2, index 50\)",
    ),
    "a spare says nothing": (Case({**VOTERS, 3: SPARE}, (0, 3)), "lxd/3 has not said yet"),
    "a spare was promoted": (
        Case({**VOTERS, 3: SPARE}, (0, 3), {3: word(60, 1, 2)}),
        "run it on lxd/3: its database is the newest",
    ),
    "one that joined later says nothing": (Case(VOTERS, (0, 3), later=(3,)), "lxd/3 has not said"),
    "one that joined later is newer": (
        Case(VOTERS, (0, 3), {3: word(60, 1, 2)}, later=(3,)),
        "run it on lxd/3: its database is the newest",
    ),
    "its log has no entries": (Case(VOTERS, (0,), index=0), "has no entries"),
    "a voter is as new as this stand-by": (
        Case(
            {0: STAND_BY, 1: Role.VOTER, 2: Role.VOTER, 3: Role.VOTER}, (0, 1), {1: word(50, 2, 3)}
        ),
        "run it on lxd/1",
    ),
    # Juju never had its unit: that says nothing about it.
    "a voter was never a unit's": (Case(VOTERS, (0, 1), never_units=(2,)), "0 of 3|0 of 3 voters"),
    "the list is empty": (Case({0: STAND_BY}, (0,)), "0 of 0 voters"),
}


@pytest.mark.parametrize(("case", "why"), MAY_NOT.values(), ids=MAY_NOT.keys())
def test_no_other_one_recovers(case: Case, why: str):
    with pytest.raises(AssertionError, match=why):
        assert case.recovery().problem == ""


def test_a_unit_that_is_being_removed_reads_answers_once_its_agent_is_restarted():
    """Its hook fails, so no other hook runs there. Found by the simulation: seed 3000347."""
    view = Case({**VOTERS, 3: SPARE}, (0, 3)).view()
    held = replace(view, units=Units(frozenset({unit(0), unit(3)}), frozenset({unit(0)})))
    assert held.peers is not None
    assert held.database is not None

    problem = quorum.recovery(held, held.peers, held.database, frozenset()).problem

    assert re.match("lxd/3 has not said yet .* restart 'jujud-machine-.*, and run this", problem)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_leaver_without_a_copy_says_how_it_hears_who_asks(leaves: bool):
    """The others wait until it has answered."""
    case = Case({**VOTERS, 0: SPARE, 3: Role.VOTER}, (0,))
    view = case.view()
    assert view.units is not None
    leaving = frozenset({view.unit} if leaves else ())

    problem = case.seen(replace(view, units=replace(view.units, leaving=leaving))).problem

    assert problem.startswith("this member has no copy of the database: run the action on another")
    assert ("restart 'jujud-machine-" in problem) == leaves


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (Case({**VOTERS, 0: SPARE}, (0,)), ["m1", "m2"]),
        (Case({**VOTERS, 0: SPARE, 3: SPARE}, (0, 3), {3: word(0, term=0)}), ["m1", "m2"]),
        (Case({**VOTERS, 0: SPARE, 3: SPARE}, (0, 3)), []),
        (Case({**VOTERS, 0: SPARE}, (0, 1), {1: word(50)}), []),
        (Case({**VOTERS, 0: STAND_BY}, (0,)), []),
    ],
    ids=["alone", "both say so", "one is silent", "one has a copy", "this one has a copy"],
)
def test_only_copies_of_members_without_a_unit(case: Case, expected: list[str]):
    view = case.view()
    assert view.peers is not None

    assert quorum.voters_with_only_copies(view, view.peers) == expected


def test_the_others_are_asked_about_those_that_are_lost():
    found = Case(FIVE, (0, 4)).recovery()

    assert found.lost == {address(1), address(2), address(3)}


@pytest.mark.parametrize("role", [Role.VOTER, SPARE])
def test_a_member_that_may_not_recover_says_whom_it_treats_as_lost(role: Role):
    """Its answer counts only with them, and the question of another unit may not reach it."""
    found = Case({**VOTERS, 0: role}, (0, 1)).recovery()

    assert found.problem
    assert found.lost == {address(2)}


def test_a_member_at_the_address_of_a_gone_unit_is_not_lost():
    """MAAS gave its address to another machine."""
    case = Case({**VOTERS, 3: Role.VOTER}, (0, 2))
    view = case.view()
    assert isinstance(view.peers, Peers)
    gone = views.data(9).model_copy(update={"address": address(2)})
    peers = replace(view.peers, others={"lxd/9": gone, **view.peers.others})

    assert quorum.recovery(view, peers, case.copy(), frozenset()).lost == {address(1), address(3)}


def test_one_and_only_one_of_two_survivors_may_recover():
    """Every unit names the same one."""
    may = Case(FIVE, (0, 4), {4: word(50, 1, 2, 3)}).recovery().problem == ""
    roles = {0: Role.VOTER, 4: Role.VOTER, 1: Role.VOTER, 2: Role.VOTER, 3: Role.VOTER}
    other = Case(roles, (0, 4), {4: word(50, 1, 2, 3)})

    assert not may
    assert "run it on lxd/4" in other.recovery().problem


def test_a_unit_whose_join_it_had_no_time_to_publish_is_asked_too():
    case = Case(VOTERS, (0, 3), {3: word(60)}, later=(3,))
    peers = case.view().peers
    assert isinstance(peers, Peers)
    others = {"lxd/3": peers.others["lxd/3"].model_copy(update={"cluster": ""})}

    found = quorum.recovery(case.view(), replace(peers, others=others), case.copy(), frozenset())

    assert "lxd/3 has not said yet" in found.problem


@pytest.mark.parametrize(
    ("role", "index", "expected"),
    [(SPARE, 0, (0, 0)), (SPARE, 40, (0, 0)), (STAND_BY, 40, (2, 40)), (STAND_BY, 0, None)],
)
def test_a_spare_has_no_copy_and_an_empty_log_no_age(
    role: Role, index: int, expected: tuple[int, int] | None
):
    case = Case({**VOTERS, 0: role}, (0,), index=index)
    peers = case.view().peers
    assert isinstance(peers, Peers)

    assert quorum.last_entry(peers, case.copy()) == (expected and Entry(*expected))


def test_the_units_with_the_database_are_noted_while_it_answers():
    seen = views.lxd(
        views.member(0),
        views.member(1, role="database-leader"),
        views.member(2, role="database-standby"),
        views.member(3, role="spare"),
        views.member(4),
        notes={"unit.m0": "lxd/0 0", "unit.m1": "lxd/1 0", "admitted.m2": "lxd/2 0"},
    )
    noted = {address(0): "lxd/0", address(1): "lxd/1", address(2): "lxd/2"}
    among = views.peers(views.data(0), {})

    (step,) = quorum.noting(views.view(seen, among), seen)

    assert step == NoteUnits(noted)
    assert quorum.noting(views.view(seen, among, noted_units=noted), seen) == []
