"""The charm's files on a machine, and the snap file that it gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import snap
from host.machine import Machine
from host.snap_file import Meta
from state.facts import Failures, Forming


def test_the_key_is_readable_by_root_alone(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert (machine.key(), machine.public_key()) == (None, "")

    machine.keep_key(b"private", "public")

    assert (machine.key(), machine.public_key()) == (b"private", "public")
    assert (tmp_path / "state" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_a_note_of_forming_is_kept_until_forgotten(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    machine.note_forming("join", 12.5, ())
    assert machine.forming() == Forming("join", 12.5)

    machine.forget_forming()

    assert machine.forming() is None
    machine.forget_forming()


def test_what_juju_said_of_the_attached_snap_is_kept_until_it_is_asked_again(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert machine.attached() is None

    machine.note_attached("")
    assert machine.attached() == ""
    machine.note_attached("/there/lxd.snap")
    assert machine.attached() == "/there/lxd.snap"

    machine.note_attached(None)
    machine.note_attached(None)
    assert machine.attached() is None


def test_lxds_folder_is_emptied_but_for_its_certificate(tmp_path: Path):
    lxd = tmp_path / "lxd"
    (lxd / "database" / "global").mkdir(parents=True)
    for name in ("server.crt", "server.key", "cluster.crt", "cluster.key"):
        (lxd / name).write_text(name)
    (lxd / "link").symlink_to(tmp_path)

    Machine(tmp_path / "state", lxd).empty_lxd()

    assert sorted(path.name for path in lxd.iterdir()) == ["server.crt", "server.key"]
    assert (lxd / "server.key").read_text() == "server.key"


def test_the_clusters_identity_is_noted_until_lxd_has_left_it(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert machine.identity() == ""

    machine.note_identity("a51f")

    assert machine.identity() == "a51f"
    machine.note_identity("")
    assert machine.identity() == ""


def test_an_empty_or_missing_resource_is_none(tmp_path: Path):
    empty = tmp_path / "lxd.snap"
    empty.touch()

    assert snap.resource(empty) is None
    assert snap.resource(None) is None


def test_files_that_differ_have_different_digests(tmp_path: Path):
    digests: set[str] = set()
    for number, content in enumerate(
        (b"a" * 9000, b"a" * 9001, b"b" + b"a" * 8999, b"a" * 8999 + b"b")
    ):
        file = tmp_path / str(number)
        file.write_bytes(content)
        found = snap.resource(file)
        assert found is not None
        digests.add(found.digest)

    assert len(digests) == 4


def test_an_installation_that_was_cut_short_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    there = snap.Snap(tmp_path / "state")
    assert not there.facts(None).unfinished

    def dies(*_: object) -> None:
        raise snap.SnapError("did not end within 540 s")

    monkeypatch.setattr(snap, "_install_dangerously", dies)

    def reads(path: Path) -> Meta:
        return Meta(path.stem, "5.21.7")

    monkeypatch.setattr(snap.snap_file, "read", reads)
    file = tmp_path / "lxd.snap"
    file.write_bytes(b"lxd")

    with pytest.raises(snap.SnapError):
        there.install_file(str(file))

    assert there.facts(None).unfinished


def test_a_file_that_is_no_snap_changes_nothing(tmp_path: Path):
    there = snap.Snap(tmp_path / "state")

    with pytest.raises(snap.SnapError, match="not a snap"):
        there.install_file(str(tmp_path / "no-such.snap"))

    assert not there.facts(None).unfinished


def test_failed_joins_are_counted_until_they_are_forgotten(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    machine.note_failure("first")
    machine.note_failure("second")

    assert machine.failures() == Failures(2, "second")
    machine.forget_failures()
    assert machine.failures() is None


def test_an_instance_is_known_by_what_lxd_keeps_of_it(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert not machine.has_data()
    (tmp_path / "lxd" / "containers").mkdir(parents=True)
    assert not machine.has_data()

    (tmp_path / "lxd" / "containers" / "c1").symlink_to("/nowhere")

    assert machine.has_data()


def test_a_volume_is_known_by_its_folder(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    custom = tmp_path / "lxd" / "storage-pools" / "local" / "custom"
    custom.mkdir(parents=True)
    assert not machine.has_data()

    (custom / "default_data").mkdir()

    assert machine.has_data()


def test_the_last_lines_of_lxds_log(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert machine.lxd_log() == ""
    (tmp_path / "lxd" / "logs").mkdir(parents=True)
    (tmp_path / "lxd" / "logs" / "lxd.log").write_text("\n".join(str(n) for n in range(99)))

    assert machine.lxd_log().splitlines()[0::19] == ["79", "98"]


def _state(tmp_path: Path) -> Machine:
    """lxd/1's files on a machine."""
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    machine.begin("lxd/1")
    machine.keep_key(b"k", "K")
    machine.note_failure("x")
    machine.note_attached("/there")
    machine.note_unresponsive(1.0)
    machine.note_identity("c")
    return machine


def test_a_certificate_is_deleted(tmp_path: Path):
    lxd = tmp_path / "lxd"
    lxd.mkdir()
    for name in ("server.crt", "server.key"):
        (lxd / name).write_text(name)

    Machine(tmp_path / "state", lxd).delete_certificate()

    assert list(lxd.iterdir()) == []


def test_the_next_unit_on_a_machine_begins_without_the_state_of_the_one_before(tmp_path: Path):
    (tmp_path / "lxd" / "database").mkdir(parents=True)
    machine = _state(tmp_path)

    machine.begin("lxd/7")

    kept = (machine.key(), machine.public_key(), machine.failures(), machine.attached())
    assert kept == (None, "", None, None)
    assert machine.unresponsive_since() is None
    # LXD is still there, and in that cluster.
    assert machine.identity() == "c"


def test_what_was_noted_of_an_lxd_that_is_gone_is_gone(tmp_path: Path):
    machine = _state(tmp_path)

    machine.begin("lxd/7")

    assert machine.identity() == ""


def test_a_first_hook_that_runs_again_keeps_its_units_state(tmp_path: Path):
    machine = _state(tmp_path)

    machine.begin("lxd/1")

    assert machine.key() == b"k"
    assert machine.identity() == "c"


def test_lxd_is_told_to_start_without_a_volume(tmp_path: Path):
    lxd = tmp_path / "lxd"
    (lxd / "database").mkdir(parents=True)
    (lxd / "images").symlink_to("/nowhere/storage-pools/fast/custom/default_lxd-cluster-images")
    patch = lxd / "database" / "patch.local.sql"
    patch.write_text("SELECT 1;\n")
    machine = Machine(tmp_path / "state", lxd)

    machine.end_volume("images")
    machine.end_volume("images")

    query = "DELETE FROM config WHERE key='storage.images_volume';\n"
    assert patch.read_text() == f"SELECT 1;\n{query}"
    assert (lxd / "images").is_dir()
    assert machine.folders()["images"].volume == ""


def _machine_with_unit(tmp_path: Path, unit: str) -> Machine:
    """The machine of a unit whose agent still has its folder there."""
    agents = tmp_path / "agents"
    (agents / f"unit-{unit.replace('/', '-')}").mkdir(parents=True)
    machine = Machine(tmp_path / "state", tmp_path / "lxd", agents)
    machine.begin(unit)
    machine.keep_key(b"private", "public")
    return machine


def test_a_second_unit_leaves_what_the_first_one_keeps(tmp_path: Path):
    machine = _machine_with_unit(tmp_path, "lxd-cluster/0")

    machine.begin("lxd-cluster/3")
    machine.take_over("lxd-cluster/3")

    assert machine.public_key() == "public"
    assert machine.neighbour("lxd-cluster/3") == "lxd-cluster/0"
    assert machine.neighbour("lxd-cluster/0") == ""


def test_a_second_unit_begins_once_the_first_one_is_gone(tmp_path: Path):
    machine = _machine_with_unit(tmp_path, "lxd-cluster/0")
    machine.begin("lxd-cluster/3")
    (tmp_path / "agents" / "unit-lxd-cluster-0").rmdir()

    assert machine.neighbour("lxd-cluster/3") == ""
    machine.take_over("lxd-cluster/3")

    assert machine.key() is None
    assert machine.neighbour("lxd-cluster/0") == ""


def test_a_unit_that_no_charm_has_noted_keeps_what_it_has(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")
    machine.keep_key(b"private", "public")

    machine.take_over("lxd-cluster/0")

    assert machine.public_key() == "public"
