# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm's notes in LXD's database: what is exclusive, what is removed, what is older."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from lxd.errors import LxdError
from lxd.http import Request
from state.notes import IDENTITY, PROJECT, entries_of
from tests.lxd_model.cloud import Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered, faulty

LOG = "turn."


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Two members."""
    return clustered(request.param, 2)


@pytest.fixture
def other(servers: list[Server]) -> LxdApi:
    """LXD as the other one sees it."""
    return LxdApi(servers[1].lxd)


def test_where_nothing_was_noted_nothing_is_read(lxd: LxdApi):
    assert lxd.notes.read() == {}


def test_what_one_member_notes_the_other_reads(lxd: LxdApi, other: LxdApi):
    lxd.notes.write({"unit.m0": "lxd/0 0", "leaving.m1": "going"})
    lxd.notes.write({"leaving.m1": "leaving"})

    assert other.notes.read() == {"unit.m0": "lxd/0 0", "leaving.m1": "leaving"}


def test_an_empty_note_is_none(lxd: LxdApi, other: LxdApi):
    lxd.notes.write({"leaving.m1": "leaving", "seen.m1": "5"})

    other.notes.write({"leaving.m1": "", "never.was": ""})

    assert lxd.notes.read() == {"seen.m1": "5"}


def test_the_reason_why_the_project_cannot_be_made_is_reported():
    members = clustered("6.9", 3)
    members[2].kill_daemon()

    with pytest.raises(LxdError, match=r"10\.0\.0\.3"):
        LxdApi(members[0].lxd).notes.write({"unit.m0": "lxd/0 0"})


def test_notes_are_in_nobodys_way(lxd: LxdApi, servers: list[Server]):
    lxd.notes.write({"unit.m0": "lxd/0 0"})

    assert PROJECT in servers[0].records.projects
    assert [p.name for p in servers[0].records.profiles.values() if p.project == "default"] == [
        "default"
    ]


def test_one_of_two_that_create_a_note_succeeds(lxd: LxdApi, other: LxdApi):
    assert lxd.notes.create(IDENTITY, "one")
    assert not other.notes.create(IDENTITY, "another")

    # LXD may say that a note exists which it has just written itself.
    assert lxd.notes.create(IDENTITY, "one")
    assert other.notes.read() == {IDENTITY: "one"}


def test_two_may_make_the_project_at_once(lxd: LxdApi, other: LxdApi, servers: list[Server]):
    asked: list[str] = []

    def at_once(machine: str, call: str) -> Fault:
        asked.append(call)
        if call == "POST /1.0/projects" and asked.count(call) == 1:
            other.notes.create("two", "m1")
        return ""

    servers[0].cloud.fault = at_once

    assert lxd.notes.create("one", "m0")
    assert lxd.notes.read() == {"one": "m0", "two": "m1"}


def test_a_note_that_cannot_be_written_is_an_error(lxd: LxdApi, servers: list[Server]):
    lxd.notes.create("one", "m0")
    faulty(servers[0], "POST /1.0/profiles", "refuse")

    with pytest.raises(LxdError, match="refused"):
        lxd.notes.write({"two": "m0"})

    assert lxd.notes.read() == {"one": "m0"}


@pytest.mark.parametrize("call", ["PUT /1.0/profiles/NAME", "DELETE /1.0/profiles/NAME"])
def test_a_note_that_cannot_be_changed_is_an_error(lxd: LxdApi, servers: list[Server], call: str):
    lxd.notes.create("one", "m0")
    faulty(servers[0], call, "refuse")

    with pytest.raises(LxdError):
        lxd.notes.write({"one": "m1" if call.startswith("PUT") else ""})

    assert lxd.notes.read() == {"one": "m0"}


def test_notes_that_cannot_be_read_are_an_error(lxd: LxdApi, servers: list[Server]):
    faulty(servers[0], "GET /1.0/profiles", "refuse")

    with pytest.raises(LxdError):
        lxd.notes.read()


def test_one_of_two_that_write_the_next_entry_wins(lxd: LxdApi, other: LxdApi):
    assert lxd.notes.append(LOG, 1, "lxd/1 0 m1 m0")
    assert not other.notes.append(LOG, 1, "lxd/2 0 m2 m1")

    assert other.notes.append(LOG, 2, "lxd/2 0 m2 m1")
    assert entries_of(LOG, lxd.notes.read()) == {1: "lxd/1 0 m1 m0", 2: "lxd/2 0 m2 m1"}


def test_only_the_last_entries_of_a_log_stay(lxd: LxdApi):
    for number in range(1, 9):
        assert lxd.notes.append(LOG, number, f"m{number}")

    assert sorted(entries_of(LOG, lxd.notes.read())) == [5, 6, 7, 8]


def test_a_late_entry_of_a_log_changes_nothing_that_counts(lxd: LxdApi, other: LxdApi):
    for number in range(1, 9):
        lxd.notes.append(LOG, number, f"m{number}")

    # Entry 2 was removed long ago, and can be written once more.
    assert not other.notes.append(LOG, 2, "late")

    entries = entries_of(LOG, lxd.notes.read())
    assert entries[max(entries)] == "m8"


def test_a_log_is_taken_once_who_holds_it_is_gone(lxd: LxdApi, other: LxdApi):
    assert lxd.notes.take(LOG, "m0", ["m1"], 5)
    assert lxd.notes.take(LOG, "m0", ["m1"], 5)
    assert not other.notes.take(LOG, "m1", ["m0"], 5)

    assert other.notes.take(LOG, "m1", [], 5)

    assert entries_of(LOG, lxd.notes.read()) == {1: "m0", 2: "m1"}


def test_one_more_entry_is_written_whatever_is_there(lxd: LxdApi, other: LxdApi):
    lxd.notes.append_next(LOG, "m0")
    other.notes.append_next(LOG, "m1")

    assert entries_of(LOG, lxd.notes.read()) == {1: "m0", 2: "m1"}


def test_a_text_that_is_not_a_number_is_not_an_entry():
    assert entries_of(LOG, {"turn.1": "a", "turn.x": "b", "turn": "c"}) == {1: "a"}


OLDER = {"user.lxd-cluster.leaving.m1": "going", "user.mine": "kept"}


def of_older_charm(server: Server) -> None:
    """The default project has the notes of an older charm, and a key of the operator's."""
    config = {**server.records.projects["default"].config, **OLDER}
    project = {"description": "Default LXD project", "config": config}
    assert not server.lxd.send(Request("PUT", "/1.0/projects/default", body=project), 5).error


def test_the_notes_of_an_older_charm_count_until_there_is_an_identity(
    lxd: LxdApi, servers: list[Server]
):
    of_older_charm(servers[0])
    assert lxd.notes.read() == {"leaving.m1": "going"}

    lxd.notes.write({"leaving.m1": "leaving"})
    assert lxd.notes.read() == {"leaving.m1": "leaving"}

    lxd.notes.write({"leaving.m1": "", IDENTITY: "f00d"})
    assert lxd.notes.read() == {IDENTITY: "f00d"}


def test_the_notes_of_an_older_charm_are_removed_and_nothing_else(
    lxd: LxdApi, servers: list[Server]
):
    of_older_charm(servers[0])

    lxd.notes.forget_legacy()
    lxd.notes.forget_legacy()

    config = servers[0].records.projects["default"].config
    assert "user.lxd-cluster.leaving.m1" not in config
    assert config["user.mine"] == "kept"
    assert config["features.profiles"] == "true"
