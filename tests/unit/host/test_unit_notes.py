# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a unit notes on its machine's disk, and what the next unit there finds."""

from __future__ import annotations

import json
from pathlib import Path

from host.unit_notes import UnitNotes
from state.facts import Failures, Forming


def test_the_key_is_readable_by_root_alone(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    assert (notes.key(), notes.public_key()) == (None, "")

    notes.keep_key(b"private", "public")

    assert (notes.key(), notes.public_key()) == (b"private", "public")
    assert (tmp_path / "state" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_a_note_of_forming_is_kept_until_forgotten(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    notes.note_forming("join", 12.5, ())
    assert notes.forming() == Forming("join", 12.5)

    notes.forget_forming()

    assert notes.forming() is None
    notes.forget_forming()


def test_what_juju_said_of_the_attached_snap_is_kept_until_it_is_asked_again(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    assert notes.attached() is None

    notes.note_attached("")
    assert notes.attached() == ""
    notes.note_attached("/there/lxd.snap")
    assert notes.attached() == "/there/lxd.snap"

    notes.note_attached(None)
    notes.note_attached(None)
    assert notes.attached() is None


def test_the_clusters_identity_is_noted_until_lxd_has_left_it(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    assert notes.identity() == ""

    notes.note_identity("a51f")

    assert notes.identity() == "a51f"
    notes.note_identity("")
    assert notes.identity() == ""


def test_volumes_that_lxd_has_moved_everything_from_are_noted_until_they_are_gone(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    assert notes.moved_off() == frozenset()

    notes.note_moved_off("fast/a")
    notes.note_moved_off("my pool/b")
    notes.note_moved_off("my pool/b")

    assert notes.moved_off() == {"fast/a", "my pool/b"}
    notes.forget_moved_off("fast/a")
    notes.forget_moved_off("fast/a")
    assert notes.moved_off() == {"my pool/b"}
    notes.begin("lxd/7")
    assert notes.moved_off() == frozenset()


def test_failed_joins_are_counted_until_they_are_forgotten(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    notes.note_failure("first", 1)
    notes.note_failure("second", 2)

    assert notes.failures() == Failures(2, "second", 2)
    # An older charm reads exactly these keys.
    before = json.loads((tmp_path / "state" / "failures").read_text())
    assert before == {"count": 2, "last": "second"}
    notes.forget_failures()
    assert notes.failures() is None


def _notes(tmp_path: Path) -> UnitNotes:
    """lxd/1's notes on a machine."""
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    notes.begin("lxd/1")
    notes.keep_key(b"k", "K")
    notes.note_failure("x", 1)
    notes.note_attached("/there")
    notes.note_unresponsive(1.0)
    notes.note_identity("c")
    return notes


def test_the_next_unit_on_a_machine_begins_without_the_state_of_the_one_before(tmp_path: Path):
    (tmp_path / "lxd" / "database").mkdir(parents=True)
    notes = _notes(tmp_path)

    notes.begin("lxd/7")

    kept = (notes.key(), notes.public_key(), notes.failures(), notes.attached())
    assert kept == (None, "", None, None)
    assert notes.unresponsive_since() is None
    # LXD is still there, and in that cluster.
    assert notes.identity() == "c"


def test_what_was_noted_of_an_lxd_that_is_gone_is_gone(tmp_path: Path):
    notes = _notes(tmp_path)

    notes.begin("lxd/7")

    assert notes.identity() == ""


def test_a_first_hook_that_runs_again_keeps_its_units_state(tmp_path: Path):
    notes = _notes(tmp_path)

    notes.begin("lxd/1")

    assert notes.key() == b"k"
    assert notes.identity() == "c"


def _notes_of_unit(tmp_path: Path, unit: str) -> UnitNotes:
    """The machine of a unit whose agent still has its folder there."""
    agents = tmp_path / "agents"
    (agents / f"unit-{unit.replace('/', '-')}").mkdir(parents=True)
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", agents)
    notes.begin(unit)
    notes.keep_key(b"private", "public")
    return notes


def test_a_second_unit_leaves_what_the_first_one_keeps(tmp_path: Path):
    notes = _notes_of_unit(tmp_path, "lxd-cluster/0")

    notes.begin("lxd-cluster/3")
    notes.take_over("lxd-cluster/3")

    assert notes.public_key() == "public"
    assert notes.neighbour("lxd-cluster/3") == "lxd-cluster/0"
    assert notes.neighbour("lxd-cluster/0") == ""


def test_a_second_unit_begins_once_the_first_one_is_gone(tmp_path: Path):
    notes = _notes_of_unit(tmp_path, "lxd-cluster/0")
    notes.begin("lxd-cluster/3")
    (tmp_path / "agents" / "unit-lxd-cluster-0").rmdir()

    assert notes.neighbour("lxd-cluster/3") == ""
    notes.take_over("lxd-cluster/3")

    assert notes.key() is None
    assert notes.neighbour("lxd-cluster/0") == ""


def test_a_unit_that_no_charm_has_noted_keeps_what_it_has(tmp_path: Path):
    notes = UnitNotes(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    notes.keep_key(b"private", "public")

    notes.take_over("lxd-cluster/0")

    assert notes.public_key() == "public"
