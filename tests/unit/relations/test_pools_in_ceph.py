# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A cluster with its pools in a Ceph: made, changed, joined, and without its Ceph."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from actions.remove_pool import remove_pool
from relations import ceph
from state.facts import Ceph
from tests.lxd_model.generations import NAMES
from tests.unit.cephs import READY, known_to_kernels, on_ceph
from tests.unit.findings import root, statuses
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import api, changed, names, the_cluster


def test_a_cluster_is_made_on_ceph():
    app = ModelApp(options={"storage_backend": "ceph"}, related={"ceph": READY})
    for number in range(3):
        app.add(number)
    on_ceph(app).settle()

    cluster = the_cluster(app)
    assert cluster.pools["local"].driver == "ceph"
    assert cluster.pools["local"].config == {
        "ceph.cluster_name": "lxd-cluster",
        "ceph.osd.pool_name": "lxd-local",
        "ceph.user.name": "lxd",
    }
    assert all(len(unit.machine.files) == 2 for unit in app.units.values())
    assert all(app.own(unit).cluster for unit in app.units)


WAITS = [
    (None, "blocked: ceph: integrate it with a Ceph: juju integrate lxd ceph-mon"),
    (replace(READY, granted=False), "waiting: for Ceph to answer"),
    (
        replace(READY, granted=False, problem="no room"),
        "blocked: ceph: it refuses the request: no room",
    ),
]


@pytest.mark.parametrize(("answer", "status"), WAITS)
def test_without_its_ceph_nothing_is_made(answer: Ceph | None, status: str):
    app = ModelApp(options={"storage_backend": "ceph"}, related={"ceph": answer})
    app.add(0)
    on_ceph(app)
    app.settle()

    assert str(app.plan("lxd/0").status) == status
    assert app.cloud.databases == []


@pytest.mark.parametrize("generation", NAMES)
def test_a_running_cluster_goes_over_to_ceph(generation: str):
    app = on_ceph(formed(3, generation))
    app.options["storage_backend"] = "ceph"
    app.settle()
    assert set(the_cluster(app).pools) == {"local"}

    app.related["ceph"] = READY
    app.settle()

    assert root(app) == "local-ceph"


def test_a_file_system_of_ceph_is_named_for_each_member(monkeypatch: pytest.MonkeyPatch):
    known_to_kernels(monkeypatch, "ceph")
    app = on_ceph(formed(2))
    app.related["ceph"] = READY
    app.options["storage_pools"] = "files: cephfs"
    app.settle()

    own = the_cluster(app).pools["files"].members
    assert own == {"m0": {"source": "cephfs/lxd-files"}, "m1": {"source": "cephfs/lxd-files"}}


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_joins_a_cluster_with_a_file_system_of_ceph(
    generation: str, monkeypatch: pytest.MonkeyPatch
):
    """LXD issues 6537 and 17177: until 6.x it is each member's `source`, not a device."""
    known_to_kernels(monkeypatch, "ceph")
    app = on_ceph(formed(2, generation))
    app.related["ceph"] = READY
    app.cloud.ceph_admins |= {"0", "1", "2"}
    app.options["storage_pools"] = "files: cephfs"
    app.settle()
    app.add(2)
    on_ceph(app)

    app.settle()

    assert names(app) == ["m0", "m1", "m2"]


def test_a_kernel_without_ceph_is_named_before_all_else(monkeypatch: pytest.MonkeyPatch):
    known_to_kernels(monkeypatch)
    app = formed(2)
    for unit in app.units.values():
        unit.server.drivers = frozenset({"btrfs", "ceph", "cephfs", "dir", "lvm", "zfs"})
    app.related["ceph"] = READY
    app.options["storage_pools"] = "files: cephfs"
    app.settle()

    assert "needs module ceph" in str(app.plan("lxd/0").app_status)


def test_a_pool_whose_ceph_is_gone_is_left_alone():
    app = on_ceph(formed(3))
    app.related["ceph"] = READY
    app.options["storage_backend"] = "ceph"
    app.settle()

    app.related["ceph"] = None
    app.settle()

    status = str(app.plan("lxd/0").app_status)
    assert status == "blocked: the pool local-ceph is in a Ceph: integrate that Ceph again"
    assert set(the_cluster(app).pools) == {"local", "local-ceph"}


def test_an_empty_pool_whose_ceph_is_gone_may_go():
    app = with_pool_in_ceph()
    changed(app, storage_backend="dir")

    app.related["ceph"] = None
    app.settle()

    status = "the pool local-ceph is in a Ceph and empty: integrate it, or run remove-pool"
    assert str(app.plan("lxd/0").app_status) == f"blocked: {status}"
    remove_pool(app.view("lxd/0"), app.units["lxd/0"].ports, "local-ceph")
    app.settle()
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


ELSEWHERE = replace(READY, key="AQDotherkeyAAA==", monitors=("10.0.77.1",))


def with_pool_in_ceph() -> ModelApp:
    app = on_ceph(formed(3))
    app.related["ceph"] = READY
    return changed(app, storage_backend="ceph")


def test_another_ceph_than_that_of_the_pools_is_refused():
    app = with_pool_in_ceph()
    before = {unit.name: dict(unit.machine.files) for unit in app.units.values()}

    app.related["ceph"] = ELSEWHERE
    app.settle()

    status = str(app.plan("lxd/0").app_status)
    assert status == "blocked: the pool local-ceph is in another Ceph: integrate that one again"
    assert {unit.name: unit.machine.files for unit in app.units.values()} == before


def test_nothing_is_made_with_the_files_of_another_ceph():
    app = with_pool_in_ceph()
    app.related["ceph"] = ELSEWHERE

    changed(app, storage_pools="more: ceph")

    assert "more" not in the_cluster(app).pools


@pytest.mark.parametrize(
    "moved",
    [
        replace(READY, key="AQDotherkeyAAA=="),
        replace(READY, monitors=("10.0.9.9",)),
        replace(READY, monitors=("10.0.9.2", "10.0.9.3"), key="AQDotherkeyAAA=="),
    ],
)
def test_a_ceph_whose_key_or_monitors_change_is_the_same(moved: Ceph):
    app = with_pool_in_ceph()

    app.related["ceph"] = moved
    app.settle()

    assert statuses(app)["app"] == "active: 3 members, 3 voters"
    assert all(moved.key in "".join(unit.machine.files.values()) for unit in app.units.values())


def test_without_a_pool_there_another_ceph_replaces_the_files():
    app = on_ceph(formed(3))
    for answer in (READY, ELSEWHERE):
        app.related["ceph"] = answer
        changed(app, storage_pools="more: ceph" if answer is ELSEWHERE else "")

    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def renamed() -> ModelApp:
    """Another application has taken the cluster over: its name is in its own key."""
    app = on_ceph(formed(3))
    app.related["ceph"] = replace(READY, user="old")
    changed(app, storage_backend="ceph")
    app.related["ceph"] = replace(READY, key="AQDotherkeyAAA==")
    app.settle()
    app.add(3)
    return on_ceph(app)


def test_the_members_keep_the_key_of_an_earlier_name():
    app = renamed()

    old = Path("/etc/ceph/lxd-cluster.client.old.keyring")
    assert all(old in app.units[unit].machine.files for unit in ("lxd/0", "lxd/1", "lxd/2"))


def test_a_new_unit_without_the_key_of_an_earlier_name_says_what_to_copy():
    app = renamed()

    app.settle()

    reason = "copy /etc/ceph/lxd-cluster.client.old.keyring here from a member"
    assert statuses(app)["lxd/3"] == f"blocked: {reason}"


def test_a_new_unit_joins_once_it_has_the_key_of_an_earlier_name():
    app = renamed()
    old = Path("/etc/ceph/lxd-cluster.client.old.keyring")
    app.units["lxd/3"].machine.files[old] = app.units["lxd/0"].machine.files[old]

    app.settle()

    assert "m3" in names(app)


def test_a_value_that_is_not_a_key_is_reported():
    app = ModelApp(options={"storage_backend": "ceph"})
    app.add(0)
    app.related["ceph"] = ceph.answer(
        "lxd/0", "", [{"key": "no key", "ceph-public-address": "10.0.9.1"}]
    )

    on_ceph(app).settle()

    assert str(app.plan("lxd/0").status) == (
        "blocked: ceph: its key is not a valid key: see juju show-unit lxd/0"
    )


OWN_CEPH = {
    "ceph": {"ceph.cluster_name": "ceph", "ceph.osd.pool_name": "lxd"},
    "cephfs": {"cephfs.cluster_name": "ceph", "cephfs.path": "files/lxd"},
}
"""Pools that an operator made in another Ceph."""


@pytest.mark.parametrize("driver", sorted(OWN_CEPH))
@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_joins_a_cluster_with_a_pool_in_another_ceph(
    monkeypatch: pytest.MonkeyPatch, generation: str, driver: str
):
    known_to_kernels(monkeypatch, "ceph")
    app = on_ceph(formed(2, generation))
    app.cloud.ceph_admins |= {"0", "1", "2"}
    path = OWN_CEPH[driver].get("cephfs.path", "")
    before_6 = path and generation != NAMES[-1]
    own = {"source": path} if before_6 else {}
    config = {"cephfs.cluster_name": "ceph"} if before_6 else OWN_CEPH[driver]
    api(app).pools.create("own", driver, config, dict.fromkeys(names(app), own))
    app.settle()

    app.add(2)
    on_ceph(app).settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert statuses(app)["app"] == "active: 3 members, 3 voters"
