# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""LXD's folder on a machine, and the snap file that the machine gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import daemon_folders, lxd_daemon, snap
from host.machine import Machine
from host.snap_file import Meta
from relations import ovn
from state.facts import Ovn


def test_lxds_folder_is_emptied_except_for_its_certificate(tmp_path: Path):
    lxd = tmp_path / "lxd"
    (lxd / "database" / "global").mkdir(parents=True)
    for name in ("server.crt", "server.key", "cluster.crt", "cluster.key"):
        (lxd / name).write_text(name)
    (lxd / "link").symlink_to(tmp_path)

    Machine(tmp_path / "state", lxd).empty_lxd()

    assert sorted(path.name for path in lxd.iterdir()) == ["server.crt", "server.key"]
    assert (lxd / "server.key").read_text() == "server.key"
    assert Machine(tmp_path / "state", lxd).certificate() == "server.crt"


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


def test_a_file_that_is_not_a_snap_changes_nothing(tmp_path: Path):
    there = snap.Snap(tmp_path / "state")

    with pytest.raises(snap.SnapError, match="not a snap"):
        there.install_file(str(tmp_path / "no-such.snap"))

    assert not there.facts(None).unfinished


def test_an_instance_is_known_by_what_lxd_keeps_of_it(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert not machine.has_data()
    (tmp_path / "lxd" / "containers").mkdir(parents=True)
    assert not machine.has_data()

    (tmp_path / "lxd" / "containers" / "c1").symlink_to("/nowhere")

    assert machine.has_data()


@pytest.mark.parametrize("kind", ["custom", "buckets"])
def test_a_volume_or_a_bucket_is_known_by_its_folder(tmp_path: Path, kind: str):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    folder = tmp_path / "lxd" / "storage-pools" / "local" / kind
    folder.mkdir(parents=True)
    assert not machine.has_data()

    (folder / "default_data").mkdir()

    assert machine.has_data()


def test_a_volume_that_only_the_daemon_sees_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A snap has its own mounts."""
    lxd_dir, root = tmp_path / "lxd", tmp_path / "proc" / "7" / "root"
    seen = root / lxd_dir.relative_to("/")

    def running(common: Path) -> int:
        return 7 if common == tmp_path else 0

    monkeypatch.setattr(lxd_daemon, "running", running)
    monkeypatch.setattr(daemon_folders, "_PROC", tmp_path / "proc")
    machine = Machine(tmp_path / "state", lxd_dir)
    seen.mkdir(parents=True)
    assert not machine.has_data()

    (seen / "storage-pools" / "local" / "custom" / "default_data").mkdir(parents=True)

    assert machine.has_data()


def test_the_last_lines_of_lxds_log(tmp_path: Path):
    machine = Machine(tmp_path / "state", tmp_path / "lxd")
    assert machine.lxd_log() == ""
    (tmp_path / "lxd" / "logs").mkdir(parents=True)
    (tmp_path / "lxd" / "logs" / "lxd.log").write_text("\n".join(str(n) for n in range(99)))

    assert machine.lxd_log().splitlines()[0::19] == ["79", "98"]


def test_the_log_of_lxd_shows_no_key_of_ceph(tmp_path: Path):
    (tmp_path / "logs").mkdir()
    error = "setting modifier for [client.lxd] type=key val=AgBOiZpq/YUbc+jQ=: Malformed input"
    (tmp_path / "logs" / "lxd.log").write_text(f'level=error err="auth: {error}"')

    log = Machine(tmp_path / "state", tmp_path).lxd_log()

    assert "[client.lxd] type=key val=...: Malformed input" in log


def test_a_certificate_is_deleted(tmp_path: Path):
    lxd = tmp_path / "lxd"
    lxd.mkdir()
    for name in ("server.crt", "server.key"):
        (lxd / name).write_text(name)

    Machine(tmp_path / "state", lxd).delete_certificate()

    assert list(lxd.iterdir()) == []


def test_a_volume_that_is_gone_leaves_lxds_configuration(tmp_path: Path):
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


class TestOvn:
    """The files that open OVN's database, at the place that all charms of a machine share."""

    @pytest.fixture
    def machine(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
        for name in ("CERTIFICATE", "KEY", "AUTHORITY"):
            monkeypatch.setattr(ovn, name, tmp_path / name)
        return Machine(tmp_path / "state", tmp_path / "lxd", tmp_path / "agents")

    def of(self, key: str) -> dict[Path, str]:
        return ovn.files(Ovn("ssl:10.0.0.1:6641", f"of {key}", key, "authority"))

    def test_a_new_key_of_the_authority_is_written(self, machine: Machine):
        machine.write_ovn(self.of("first"))
        assert machine.opens_ovn(self.of("first"), 0)
        assert machine.opens_ovn({}, 0)

        assert not machine.opens_ovn(self.of("second"), 0)
        machine.write_ovn(self.of("second"))
        assert machine.opens_ovn(self.of("second"), 0)

    def test_a_key_that_the_next_unit_gets_is_written(self, machine: Machine):
        machine.write_ovn(self.of("first"))
        machine.begin("lxd/7")

        assert not machine.opens_ovn(self.of("second"), 0)

    def test_a_key_after_a_hook_that_was_killed_is_written(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ):
        machine.write_ovn(self.of("first"))

        def killed(_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as now:
            now.setattr(machine, "write_privately", killed)
            with pytest.raises(KeyboardInterrupt):
                machine.write_ovn(self.of("second"))

        assert not machine.opens_ovn(self.of("third"), 0)

    def test_what_another_charm_wrote_stays(self, machine: Machine):
        machine.write_privately(self.of("another charm's"))

        assert machine.opens_ovn(self.of("first"), 0)

    def test_what_an_older_charm_wrote_is_written_once_more(self, machine: Machine):
        """It did not note its keys."""
        machine.write_privately(self.of("first"))
        assert not machine.opens_ovn(self.of("first"), 0)

        machine.write_ovn(self.of("first"))
        assert machine.opens_ovn(self.of("first"), 0)

    @pytest.mark.parametrize(
        "folder", ["lxd/current/microovn/certificates/pki", "microovn/common/data/pki"]
    )
    def test_certificates_that_lxd_has_from_microovn_open_it(
        self, machine: Machine, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        """snapd mounts them for LXD's processes only."""
        root = tmp_path / "root-of-7"
        monkeypatch.setattr(daemon_folders, "root_of", {0: tmp_path, 7: root}.__getitem__)
        assert not machine.opens_ovn({}, 7)

        (root / "var/snap" / folder).mkdir(parents=True)
        (root / "var/snap" / folder / "client-cert.pem").touch()

        assert machine.opens_ovn({}, 7)
        assert not machine.opens_ovn({}, 0)
