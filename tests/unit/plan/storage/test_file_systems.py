# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools in a file system of a Ceph, where other clients have files of their own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from actions.refusal import ActionRefused
from actions.remove_pool import remove_pool
from plan.unit import make_plan
from state.facts import Resource
from state.view import View
from tests.lxd_model.generations import NAMES
from tests.unit.cephs import integrated
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import api, changed, names, the_cluster

FOREIGN = "cephfs/home/report.txt"


def removed(app: ModelApp, confirm: str = "") -> str:
    return remove_pool(app.view("lxd/0"), app.units["lxd/0"].ports, "files", confirm)


def in_root(monkeypatch: pytest.MonkeyPatch, generation: str) -> ModelApp:
    """A pool of an earlier charm, and another client that uses the file system, too."""
    app = integrated(monkeypatch, generation)
    newest = generation == "6.9"
    shared = {"cephfs.user.name": "lxd"} | ({"cephfs.path": "cephfs"} if newest else {})
    own = {} if newest else {"source": "cephfs"}
    api(app).pools.create("files", "cephfs", shared, dict.fromkeys(names(app), own))
    app.cloud.in_cephfs.add(FOREIGN)
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_each_pool_has_its_own_folder(generation: str, monkeypatch: pytest.MonkeyPatch):
    app = integrated(monkeypatch, generation)
    app.cloud.in_cephfs.add(FOREIGN)

    changed(app, storage_pools="{files: cephfs, more: cephfs}")

    folders = {p.config.get("cephfs.path") for p in the_cluster(app).pools.values()}
    assert folders - {None} == {"cephfs/lxd-files", "cephfs/lxd-more"}


def test_files_of_others_survive_the_end_of_a_pool(monkeypatch: pytest.MonkeyPatch):
    app = integrated(monkeypatch)
    app.cloud.in_cephfs.add(FOREIGN)
    for pools in ("files: cephfs", ""):
        changed(app, storage_pools=pools)

    removed(app)

    assert app.cloud.in_cephfs == {FOREIGN}


@pytest.mark.parametrize("generation", NAMES)
def test_a_whole_file_system_is_not_wiped_without_a_word(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    app = in_root(monkeypatch, generation)

    with pytest.raises(ActionRefused, match=r"others stored there: .* confirm=wipe-cephfs$"):
        removed(app, "wipe-files")

    assert FOREIGN in app.cloud.in_cephfs


@pytest.mark.parametrize("generation", NAMES)
def test_a_whole_file_system_is_wiped_once_that_is_confirmed(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    app = in_root(monkeypatch, generation)

    assert removed(app, "wipe-cephfs") == "the pool files is gone from all members"


def test_a_pool_in_the_root_stays_there(monkeypatch: pytest.MonkeyPatch):
    app = in_root(monkeypatch, "5.21")
    before = the_cluster(app).pools["files"]

    changed(app, storage_pools="files: cephfs")

    assert the_cluster(app).pools["files"].config.items() >= before.config.items()
    assert statuses(app)["app"].startswith("active: 2 members")


NEEDS_KEY = "cephfs needs /etc/ceph/lxd-cluster.client.admin.keyring"


def test_no_pool_is_made_where_lxd_could_not_mount_it(monkeypatch: pytest.MonkeyPatch):
    app = integrated(monkeypatch, "6.9")
    app.cloud.ceph_admins.clear()

    changed(app, storage_pools="files: cephfs")

    assert statuses(app)["app"] == f"blocked: lxd/0: LXD 6.9: {NEEDS_KEY}"
    assert "files" not in the_cluster(app).pools


def test_an_older_lxd_needs_no_more_than_its_own_key(monkeypatch: pytest.MonkeyPatch):
    app = integrated(monkeypatch, "5.21")
    app.cloud.ceph_admins.clear()

    changed(app, storage_pools="files: cephfs")

    assert the_cluster(app).pools["files"].status == "Created"


@pytest.mark.parametrize(("machines", "held"), [((), True), (("0", "1"), False)])
def test_lxd_is_not_exchanged_for_one_that_mounts_no_file_system(
    machines: tuple[str, ...], held: bool, monkeypatch: pytest.MonkeyPatch
):
    app = changed(integrated(monkeypatch), storage_pools="files: cephfs")
    app.cloud.ceph_admins = set(machines)

    status = str(make_plan(with_file(app.view("lxd/0"))).status)

    assert (status == f"blocked: LXD 6.9: {NEEDS_KEY}") == held


def test_a_member_without_the_key_says_that_it_cannot_follow(monkeypatch: pytest.MonkeyPatch):
    """Otherwise the first members would exchange theirs, and wait for it without an API."""
    app = changed(integrated(monkeypatch), storage_pools="files: cephfs")
    app.cloud.ceph_admins = {"0"}

    own = make_plan(with_file(app.view("lxd/1"))).own

    assert own is not None
    assert (own.attached, own.fits) == ("new", False)


def with_file(view: View) -> View:
    """The view of a unit that has fetched LXD 6.9."""
    snap = replace(view.snap, same_as_resource=False, offered="6.9")
    return replace(view, resource=Resource("/lxd.snap", "new"), snap=snap)
