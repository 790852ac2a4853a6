# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Copies of LXD's database, the facts in its files, and its recovery."""

from __future__ import annotations

import stat
import subprocess
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from host import lxd_daemon, lxd_database
from host.lxd_database import Database
from state.facts import DatabaseCopy, DatabaseNode, Role
from tests.unit import raft_files
from tests.unit.programs import Programs

SHOWN = """\
# Latest dqlite segment ID: 1

members:
- id: 1
  name: m0
  address: 10.0.0.1:8443
  role: voter
- id: 2
  address: '[fd00::2]:8443'
  role: stand-by
- id: 3
  name: m2
  address: 10.0.0.3:8443
  role: spare
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """LXD's own tools, and a running daemon."""
    programs = Programs(tmp_path)
    monkeypatch.setattr(lxd_database, "_LXD", programs.add("lxd"))
    monkeypatch.setattr(lxd_database, "_SNAP", programs.add("snap"))

    def stop() -> None:
        subprocess.run([programs.folder / "daemon-stop"], check=True)

    programs.add("daemon-stop")
    monkeypatch.setattr(lxd_daemon, "stop", stop)
    return programs


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The database's folder."""
    folder = tmp_path / "database"
    (folder / "global").mkdir(parents=True)
    (folder / "local.db").write_text("local")
    raft_files.closed(folder / "global", 1, 1, 1, 2)
    return folder


def test_the_daemon_alone_stops_for_a_recovery(programs: Programs, files: Path, tmp_path: Path):
    Database(tmp_path / "backups", files).recover()

    assert programs.called == [
        "daemon-stop ",
        "lxd cluster recover-from-quorum-loss --quiet",
        "snap start lxd",
    ]


@pytest.mark.parametrize("fails", ["daemon-stop", "lxd"])
def test_lxd_is_started_again_whatever_fails(
    programs: Programs, files: Path, tmp_path: Path, fails: str
):
    programs.add(fails, "exit 1")

    with pytest.raises(subprocess.SubprocessError):
        Database(tmp_path / "backups", files).recover()

    assert programs.called[-1] == "snap start lxd"


def test_the_disk_says_who_has_the_database_and_how_new_it_is(programs: Programs, files: Path):
    programs.add("lxd", f"cat <<'END'\n{SHOWN}END")

    assert Database(files=files).copy() == DatabaseCopy(
        (
            DatabaseNode("10.0.0.1", "m0", Role.VOTER),
            DatabaseNode("fd00::2", "", Role.STAND_BY),
            DatabaseNode("10.0.0.3", "m2", Role.SPARE),
        ),
        term=2,
        index=3,
    )


@pytest.mark.parametrize(
    "script", ["exit 1", "echo 'members: []x'", "echo 'other: 1'", "echo 'members: [{role: king}]'"]
)
def test_a_list_that_cannot_be_read_is_none(programs: Programs, files: Path, script: str):
    programs.add("lxd", script)

    assert Database(files=files).copy() is None


def test_a_copy_has_the_files_and_what_the_database_says(
    programs: Programs, tmp_path: Path, files: Path
):
    programs.add("lxd", '[ "$2" = global ] && echo "CREATE TABLE nodes;"')

    path = Path(Database(tmp_path / "backups", files).backup(0.0))

    assert path.name == "database-1970-01-01T00-00-00Z.tar.gz"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as tar:
        assert sorted(tar.getnames()) == [
            "database",
            "database/global",
            "database/global/0000000000000001-0000000000000003",
            "database/local.db",
            "global.sql",
        ]


@pytest.mark.usefixtures("programs")
def test_the_last_seven_copies_are_kept(tmp_path: Path, files: Path):
    store = Database(tmp_path / "backups", files)
    paths = [Path(store.backup(day * 86400.0)) for day in range(9)]

    assert [path.exists() for path in paths] == [False, False, *[True] * 7]


@pytest.mark.usefixtures("programs")
def test_the_new_copy_stays_after_the_clock_went_back(tmp_path: Path, files: Path):
    store = Database(tmp_path / "backups", files)
    for day in range(100, 100 + lxd_database.KEPT):
        store.backup(day * 86400.0)

    assert Path(store.backup(0.0)).exists()
    assert len(list((tmp_path / "backups").iterdir())) == lxd_database.KEPT


@pytest.mark.usefixtures("programs")
def test_without_files_there_is_no_copy(tmp_path: Path):
    assert Database(files=tmp_path / "missing").copy() is None


@pytest.mark.usefixtures("programs")
def test_a_copy_before_an_upgrade_is_one_for_each_version(tmp_path: Path, files: Path):
    store = Database(tmp_path / "backups", files)
    for version in ("6.9", "6.9", "6.10"):
        path = Path(store.backup_before(version))
    for day in range(lxd_database.KEPT + 1):
        store.backup(day * 86400.0)

    before = sorted(p.name for p in (tmp_path / "backups").glob("before-*"))
    assert before == ["before-6.10.tar.gz", "before-6.9.tar.gz"]
    with tarfile.open(path) as tar:
        assert "database/local.db" in tar.getnames()


def test_the_process_that_listens_is_asked(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lxd_database, "_CONNECT", 0.2)

    assert Database().listening(["127.0.0.1"]) == frozenset()


def test_a_copy_does_not_fill_the_disk(
    programs: Programs, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(_: Path) -> SimpleNamespace:
        return SimpleNamespace(free=10 << 20)

    monkeypatch.setattr(lxd_database.shutil, "disk_usage", full)

    with pytest.raises(OSError, match=r"no room for a copy of the database \(10 MiB free, 64"):
        Database(tmp_path / "backups", files).backup(0.0)

    assert list((tmp_path / "backups").iterdir()) == []


def test_a_copy_that_fails_leaves_nothing_behind(
    programs: Programs, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    backups = tmp_path / "backups"
    backups.mkdir()
    (backups / "database-1970-01-01T00-00-00Z.tar.new").write_text("of a hook that was killed")

    def broken(*_: object) -> None:
        raise OSError("disk error")

    monkeypatch.setattr(lxd_database, "_add_text", broken)

    with pytest.raises(OSError, match="disk error"):
        Database(backups, files).backup(0.0)

    assert list(backups.iterdir()) == []
