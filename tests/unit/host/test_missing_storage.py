# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""File systems and zpools that are not on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import missing_storage

HERE, GONE = "7d1a0c4e-0000-4000-8000-000000000001", "7d1a0c4e-0000-4000-8000-000000000002"


@pytest.mark.parametrize(("source", "gone"), [(HERE, False), (GONE, True), ("/srv/pool", False)])
def test_a_file_system_is_gone_once_it_has_no_link(tmp_path: Path, source: str, gone: bool):
    (tmp_path / HERE).touch()

    assert missing_storage.lacks_file_system(source, tmp_path) == gone


def test_no_file_system_is_gone_where_nobody_makes_links(tmp_path: Path):
    assert not missing_storage.lacks_file_system(GONE, tmp_path / "none")


def test_a_zpool_that_is_not_imported_is_gone(tmp_path: Path):
    (tmp_path / "tank").mkdir()

    assert not missing_storage.lacks_zpool("tank", tmp_path)
    assert missing_storage.lacks_zpool("fast", tmp_path)


def test_no_zpool_is_gone_without_the_kernels_module(tmp_path: Path):
    assert not missing_storage.lacks_zpool("fast", tmp_path / "none")
