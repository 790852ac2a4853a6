# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The storage drivers that LXD can use on a machine: LXD lists more."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from host import capabilities
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import the_cluster

LISTED = frozenset({"btrfs", "dir", "lvm", "zfs"})
OF_THE_HOST = "         0          0 4294967295\n"
OF_A_CONTAINER = "         0    1000000 1000000000\n"
THIN = "kernel/drivers/md/dm-thin-pool.ko.zst: kernel/drivers/md/dm-bio-prison.ko.zst\n"
BTRFS = "kernel/fs/btrfs/btrfs.ko.zst: kernel/lib/raid6/raid6_pq.ko.zst\n"
LOADED_BTRFS = "nodev\tsysfs\n\text4\n\tbtrfs\n"


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel without modules, and its folders."""
    modules = tmp_path / "modules" / os.uname().release
    modules.mkdir(parents=True)
    (tmp_path / "sys").mkdir()
    (tmp_path / "filesystems").write_text("nodev\tsysfs\n\text4\n")
    (tmp_path / "uid_map").write_text(OF_THE_HOST)
    (modules / "modules.dep").write_text("kernel/fs/xfs/xfs.ko.zst:\n")
    monkeypatch.setattr(capabilities, "_ALL_MODULES", tmp_path / "modules")
    monkeypatch.setattr(capabilities, "_SYS_MODULES", tmp_path / "sys")
    monkeypatch.setattr(capabilities, "_FILE_SYSTEMS", tmp_path / "filesystems")
    monkeypatch.setattr(capabilities, "_USERS", tmp_path / "uid_map")
    return tmp_path


def _modules(kernel: Path, name: str, text: str) -> None:
    (kernel / "modules" / os.uname().release / name).write_text(text)


def test_a_kernel_without_a_module_cannot_use_its_driver(kernel: Path):
    assert capabilities.usable(LISTED) == {"dir", "zfs"}


@pytest.mark.parametrize("name", ["modules.dep", "modules.builtin"])
def test_a_module_on_the_disk_counts_and_one_that_is_part_of_the_kernel(kernel: Path, name: str):
    _modules(kernel, name, BTRFS + THIN)

    assert capabilities.usable(LISTED) == LISTED


def test_a_loaded_module_counts(kernel: Path):
    (kernel / "sys/dm_thin_pool").mkdir()
    (kernel / "filesystems").write_text(LOADED_BTRFS)

    assert capabilities.usable(LISTED) == LISTED


def test_lxd_is_believed_where_nobody_knows_the_modules(kernel: Path):
    (kernel / "modules" / os.uname().release / "modules.dep").unlink()

    assert capabilities.usable(LISTED) == LISTED


def test_only_folders_work_in_a_user_namespace(kernel: Path):
    (kernel / "filesystems").write_text(LOADED_BTRFS)
    _modules(kernel, "modules.dep", BTRFS + THIN)
    (kernel / "uid_map").write_text(OF_A_CONTAINER)

    assert capabilities.usable(LISTED) == {"dir"}


def test_auto_takes_dir_in_a_container(kernel: Path):
    (kernel / "uid_map").write_text(OF_A_CONTAINER)
    app = ModelApp()
    for number in range(2):
        app.add(number).server.drivers |= LISTED

    app.settle()

    assert the_cluster(app).pools["local"].driver == "dir"
    assert statuses(app)["app"].startswith("active")


def test_another_backend_in_a_container_is_refused_with_the_reason(kernel: Path):
    (kernel / "uid_map").write_text(OF_A_CONTAINER)
    app = ModelApp(options={"storage_backend": "btrfs"})
    app.add(0)

    app.settle()

    assert statuses(app)["lxd/0"] == (
        "blocked: storage-backend=btrfs: only dir works in a container: set dir, or use machines"
    )
