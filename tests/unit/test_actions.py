"""The actions that change something: what they refuse, and what they do."""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

import actions
import database
import lost
from actions import ActionRefused
from tests.unit.model_units import ModelApp, formed
from view import Failures

DAY = 86400.0


@dataclass
class ModelDatabase:
    """The database of one member, and who of its voters listens."""

    listening: tuple[str, ...] = ()
    voters: int = 3
    done: list[str] = field(default_factory=list[str])

    def backup(self, now: float) -> str:
        self.done.append("backup")
        return f"copy-{now:.0f}"

    def voters_that_listen(self) -> tuple[tuple[str, ...], int]:
        return self.listening, self.voters

    def recover(self) -> None:
        self.done.append("recover")


def silent(app: ModelApp) -> ModelApp:
    app.units["lxd/0"].lxd.running = False
    return app


def recover(app: ModelApp, data: ModelDatabase, confirm: str = actions.CONFIRMATION) -> str:
    return actions.recover_quorum(app.view("lxd/0"), app.units["lxd/0"].world, data, confirm)


def test_a_quorum_is_recovered_after_a_copy():
    data = ModelDatabase(listening=("10.0.0.1:8443",))

    assert recover(silent(formed(3)), data) == "copy-1000"
    assert data.done == ["backup", "recover"]


REFUSED = [
    ("no", ModelDatabase(), "confirm=yes-I-lost-a-majority"),
    (
        actions.CONFIRMATION,
        ModelDatabase(listening=("10.0.0.1:8443", "10.0.0.2:8443")),
        "2 of 3 voters listen",
    ),
    # Whoever stands by, or votes too, would be a second cluster beside the one that is to go on.
    (actions.CONFIRMATION, ModelDatabase(("10.0.0.2:8443",)), "run it on lxd/1"),
    (actions.CONFIRMATION, ModelDatabase(("10.0.0.9:8443",)), "run it on 10.0.0.9"),
    (
        actions.CONFIRMATION,
        ModelDatabase(("10.0.0.1:8443", "10.0.0.0:8443"), 5),
        "run it on 10.0.0.0",
    ),
]


@pytest.mark.parametrize(
    ("confirm", "data", "why"),
    REFUSED,
    ids=["unconfirmed", "voters listen", "it stands by", "no unit's", "not the first"],
)
def test_a_quorum_is_not_recovered(confirm: str, data: ModelDatabase, why: str):
    with pytest.raises(ActionRefused, match=why):
        recover(silent(formed(3)), data, confirm)
    assert data.done == []


def test_a_cluster_that_answers_has_its_quorum():
    with pytest.raises(ActionRefused, match="has its quorum"):
        recover(formed(3), ModelDatabase())


def test_a_loss_is_acknowledged_by_member_or_by_thing():
    app = formed(1)
    unit = app.units["lxd/0"]
    unit.lxd.write_notes({lost.KEY: '{"m2": ["default/c1", "default/c2"], "m3": ["a/b"]}'})

    actions.forget_lost(app.view("lxd/0"), unit.world, "default/c1")
    actions.forget_lost(app.view("lxd/0"), unit.world, "m3")
    assert lost.read(unit.lxd.notes()) == {"m2": ["default/c2"]}
    actions.forget_lost(app.view("lxd/0"), unit.world, "m2")
    assert lost.KEY not in unit.lxd.notes()


def test_what_was_not_lost_cannot_be_acknowledged():
    app = formed(1)

    with pytest.raises(ActionRefused, match="not recorded as lost; recorded: nothing"):
        actions.forget_lost(app.view("lxd/0"), app.units["lxd/0"].world, "m9")


def test_a_join_is_tried_again_only_where_one_failed():
    app = formed(2)
    unit = app.units["lxd/1"]
    with pytest.raises(ActionRefused):
        actions.retry_join(app.view("lxd/1"), unit.world)

    unit.machine.failures_ = Failures(3, "no")
    actions.retry_join(app.view("lxd/1"), unit.world)

    assert unit.machine.failures() is None


def test_nothing_begins_again_while_there_is_a_cluster():
    app = formed(2)

    with pytest.raises(ActionRefused, match="a unit is a member"):
        actions.form_again(app.view("lxd/0"), actions.GONE)
    with pytest.raises(ActionRefused, match="only the leader"):
        actions.form_again(app.view("lxd/1"), actions.GONE)


def test_no_new_cluster_while_a_unit_of_the_old_one_is_still_leaving():
    app = formed(2)
    app.add(2)
    app.hook("lxd/2")
    app.leaving |= {"lxd/0", "lxd/1"}
    app.databags["lxd/0"] = app.databags["lxd/1"] = {}
    app.leader = "lxd/2"

    with pytest.raises(actions.ActionRefused, match="lxd/0, lxd/1 has not left yet"):
        actions.form_again(app.view("lxd/2"), actions.GONE)
    assert str(app.plan("lxd/2").app_status) == "waiting: for lxd/0, lxd/1 to leave"


@pytest.mark.parametrize("text", ["", "[]", "{", '{"m2": 3}', "null"])
def test_what_others_wrote_in_the_record_of_losses_is_no_loss(text: str):
    assert lost.status({lost.KEY: text}) is None


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> database.Database:
    """LXD's tools as scripts, and the database's files."""
    lxd = tmp_path / "lxd"
    lxd.write_text(
        '#!/bin/sh\ncase "$*" in\n'
        '"sql global .dump") echo "CREATE TABLE nodes;";;\n'
        '"sql local .dump") exit 1;;\n'
        '"cluster list-database")\n'
        'echo "+--+"; echo "|   ADDRESS   |"; echo "| 127.0.0.1:8443 |"; echo "| [::1]:8443 |";;\n'
        f'*) echo "$*" >> {tmp_path}/log;;\nesac\n'
    )
    lxd.chmod(0o755)
    monkeypatch.setattr(database, "_LXD", str(lxd))
    monkeypatch.setattr(database, "_SNAP", str(lxd))
    files = tmp_path / "files"
    (files / "global").mkdir(parents=True)
    (files / "global" / "segment").write_text("raft")
    return database.Database(tmp_path / "backups", files)


def test_a_copy_has_the_files_and_what_the_database_says(tools: database.Database):
    path = Path(tools.backup(0.0))

    assert path.name == "database-1970-01-01T00-00-00Z.tar.gz"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as tar:
        assert sorted(tar.getnames()) == [
            "database",
            "database/global",
            "database/global/segment",
            "global.sql",
        ]


def test_the_last_seven_copies_are_kept(tools: database.Database):
    paths = [Path(tools.backup(day * DAY)) for day in range(9)]

    assert [path.exists() for path in paths] == [False, False, *[True] * 7]


def test_voters_that_take_no_connection_do_not_count(tools: database.Database):
    assert tools.voters_that_listen() == ((), 2)


def test_a_recovery_stops_lxd_and_starts_it_again(tools: database.Database, tmp_path: Path):
    tools.recover()

    assert (tmp_path / "log").read_text().splitlines() == [
        "stop lxd",
        "cluster recover-from-quorum-loss --quiet",
        "start lxd",
    ]


def switched() -> ModelApp:
    """A cluster whose default pool is another one than at first."""
    app = formed(3)
    app.options["storage_backend"] = "dir"
    app.settle()
    return app


def remove_pool(app: ModelApp, name: str) -> str:
    return actions.remove_pool(app.view("lxd/0"), app.units["lxd/0"].world, name)


def test_a_pool_that_nothing_wants_or_uses_is_removed():
    app = switched()

    assert remove_pool(app, "local") == "the pool local is gone from all members"
    (cluster,) = app.clusters.values()
    assert set(cluster.pools) == {"local-dir"}
    app.settle()
    assert set(cluster.pools) == {"local-dir"}


def in_use(app: ModelApp) -> None:
    (cluster,) = app.clusters.values()
    cluster.on_pools["local"] = ["c1"]


def one_down(app: ModelApp) -> None:
    (cluster,) = app.clusters.values()
    cluster.members["m2"] = replace(cluster.members["m2"], status="OFFLINE")


def as_it_is(app: ModelApp) -> None:
    pass


KEPT = [
    ("local", in_use, "local is in use, and nothing was removed: instances/c1"),
    ("local", one_down, "all members must be up: m2 is not"),
    ("local-dir", as_it_is, "local-dir is asked for"),
    ("other", as_it_is, "there is no pool other; there are: local, local-dir"),
]


@pytest.mark.parametrize(("name", "change", "why"), KEPT)
def test_a_pool_is_kept(name: str, change: Callable[[ModelApp], None], why: str):
    app = switched()
    change(app)

    with pytest.raises(ActionRefused, match=why):
        remove_pool(app, name)

    (cluster,) = app.clusters.values()
    assert set(cluster.pools) == {"local", "local-dir"}
