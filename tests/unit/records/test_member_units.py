# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The records of members' units: what they say after operators have renamed members."""

from __future__ import annotations

from dataclasses import replace

import pytest

from records import member_marks, member_units, renames
from records.member_units import Record
from state.cluster import Member
from tests.unit import views

M0, M1, M2 = (views.member(number) for number in range(3))
RACK2, NEW_M2 = replace(M2, name="rack2"), replace(M1, name="m2")
"""m2 has become rack2, and m1 has got its name."""
OLDER = {"unit.m1": "lxd/1 0", "unit.m2": "lxd/2 1"}
NEWER = {"unit.m1": "lxd/1 0 10.0.0.2", "unit.m2": "lxd/2 1 10.0.0.3"}


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("lxd/2 1", Record("lxd/2", 1)),
        ("lxd/2 1 10.0.0.3", Record("lxd/2", 1, "10.0.0.3")),
        ("lxd/2", Record("lxd/2")),
        ("lxd/2 x", Record("lxd/2")),
    ],
)
def test_a_record_is_read_in_every_form(text: str, record: Record):
    assert member_units.record("unit.m2", {"unit.m2": text}) == record
    assert member_units.record("unit.m2", {}) is None


def test_a_record_is_written_so_that_an_older_charm_reads_the_unit():
    assert str(Record("lxd/2", 1, "10.0.0.3")).partition(" ")[0] == "lxd/2"
    assert str(Record("lxd/2", 1, "10.0.0.3")) == "lxd/2 1 10.0.0.3"


def test_an_address_counts_in_any_form():
    member = replace(M2, address="fd00::3")

    assert Record("lxd/2", 0, "FD00:0::3").is_about(member)


@pytest.mark.parametrize(
    ("member", "notes", "owners"),
    [
        pytest.param(RACK2, NEWER, ("lxd/2",), id="renamed"),
        pytest.param(NEW_M2, NEWER, ("lxd/1",), id="has the name of another"),
        pytest.param(NEW_M2, {"unit.m2": NEWER["unit.m2"]}, (), id="the record is another's"),
        pytest.param(NEW_M2, OLDER, ("lxd/2",), id="an older charm's may be its own"),
        pytest.param(NEW_M2, {**NEWER, "unit.m2": "lxd/2 1"}, ("lxd/1", "lxd/2"), id="mixed"),
        pytest.param(RACK2, OLDER, (), id="nobody knows"),
        pytest.param(M2, {**NEWER, "unit.m9": "lxd/9 0 10.0.0.3"}, ("lxd/2",), id="left over"),
        pytest.param(M2, {"admitted.m2": "lxd/2 1 10.0.0.3"}, ("lxd/2",), id="only admitted"),
    ],
)
def test_a_record_is_about_the_member_at_its_address(
    member: Member, notes: dict[str, str], owners: tuple[str, ...]
):
    lxd = views.lxd(M0, NEW_M2, RACK2, notes=notes)

    assert member_units.owners(member, lxd) == owners


@pytest.mark.parametrize(
    ("notes", "attempt"), [(OLDER, 1), (NEWER, 1), ({"unit.m2": "lxd/2 1 10.9.9.9"}, 1), ({}, -1)]
)
def test_a_member_that_may_have_come_in_counts_as_come_in(notes: dict[str, str], attempt: int):
    assert member_units.joined_attempt(M2, views.lxd(M0, M2, notes=notes)) == attempt


@pytest.mark.parametrize(
    ("notes", "left"),
    [
        (OLDER, True),
        (NEWER, True),
        ({"unit.m2": "lxd/2 1 10.9.9.9"}, False),
        ({"unit.m2": "lxd/2 1 10.9.9.9", "admitted.m2": "lxd/2 1 10.0.0.3"}, True),
        ({"unit.m2": "lxd/2"}, False),
        ({"unit.m2": "lxd/2 1", "unit.m9": "lxd/9 1 10.0.0.3"}, False),
    ],
)
def test_a_failed_join_left_only_what_certainly_is_its_unit_s(notes: dict[str, str], left: bool):
    assert (
        member_units.is_left_by_failed_join(M2, "lxd/2", 2, views.lxd(M0, M2, notes=notes)) is left
    )


def test_an_operator_s_member_stays_the_operator_s_under_another_name():
    lxd = views.lxd(M0, RACK2, notes={**NEWER, "kept.m2": "yes"})

    assert member_marks.belongs_to_operator(RACK2, lxd)
    assert not member_marks.belongs_to_operator(M0, lxd)


def followed(
    notes: dict[str, str], *members: Member, units: dict[str, str] | None = None
) -> dict[str, str]:
    """The notes after the renames, each written in its order over those that are there."""
    due = renames.certain(renames.pending(notes, members, units or {}))
    kept = {**notes, **renames.followed(notes, due)}
    return {name: value for name, value in kept.items() if value}


@pytest.mark.parametrize("notes", [OLDER, NEWER])
def test_a_chain_of_renames_loses_no_record(notes: dict[str, str]):
    units = {"m2": "lxd/1", "rack2": "lxd/2"}

    assert followed(notes, M0, NEW_M2, RACK2, units=units) == {
        "unit.m2": "lxd/1 0 10.0.0.2",
        "unit.rack2": "lxd/2 1 10.0.0.3",
    }


def test_names_are_exchanged():
    notes = {**NEWER, "leaving.m1": "leaving", "ran.m2": "default/c1", "silent.m2": "5"}

    assert followed(notes, M0, NEW_M2, replace(M2, name="m1")) == {
        "unit.m2": "lxd/1 0 10.0.0.2",
        "unit.m1": "lxd/2 1 10.0.0.3",
        "leaving.m2": "leaving",
        "ran.m1": "default/c1",
    }


def test_what_follows_a_member_is_there_before_its_record_moves():
    notes = {**NEWER, "kept.m2": "yes", "seen.m2": "7", "silent.m2": "5", "admitted.m2": "lxd/2 1"}
    due = renames.pending(notes, (M0, M1, RACK2), {})

    assert list(renames.followed(notes, due).items()) == [
        ("kept.rack2", "yes"),
        ("seen.rack2", "7"),
        ("unit.rack2", "lxd/2 1 10.0.0.3"),
        ("kept.m2", ""),
        ("seen.m2", ""),
        ("silent.m2", ""),
        ("unit.m2", ""),
        ("admitted.m2", ""),
    ]


def test_records_that_do_not_agree_stay():
    notes = {"unit.m8": "lxd/8 0 10.0.0.3", "unit.m2": "lxd/2 1 10.0.0.3"}

    assert followed(notes, M0, M1, RACK2) == notes


def test_what_is_noted_under_old_names_is_not_cleared():
    notes = {**NEWER, "kept.m2": "yes", "leaving.m2": "leaving", "unit.m7": "lxd/7 0 10.0.0.8"}
    lxd = views.lxd(M0, M1, RACK2, notes=notes)
    old = [r.old for r in renames.pending(notes, lxd.members, {})]

    assert [dict(s.values) for s in member_marks.outdated("m0", lxd, old)] == [{"unit.m7": ""}]


def test_a_record_that_may_be_written_at_this_moment_is_not_cleared():
    """The coordinator looked between two attempts to join, and another member admitted the unit."""
    notes = {"admitted.m2": "lxd/2 0 10.0.0.3", "admitted.m7": "lxd/7 0 10.0.0.8"}
    lxd = views.lxd(M0, M1, notes=notes)

    steps = member_marks.outdated("m0", lxd, queued=["m2"])

    assert [dict(s.values) for s in steps] == [{"admitted.m7": ""}]
