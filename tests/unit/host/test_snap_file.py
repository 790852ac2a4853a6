# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The version in a snap file is read without installing it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from host import snap_file
from host.snap_file import Meta, SnapFileError

MKSQUASHFS = shutil.which("mksquashfs")
TEXTS = [
    ("name: lxd\nversion: 5.21.7-1f23abc\n", Meta("lxd", "5.21.7-1f23abc")),
    ("version: '6.9'\nname: lxd\n", Meta("lxd", "6.9")),
    ('name: lxd\nversion: "git-1234567"  # edge\n', Meta("lxd", "git-1234567")),
    ("name: lxd\napps:\n  lxd:\n    version: 1\n", Meta("lxd", "")),
    (
        "name: lxd\nversion: 6.9\narchitectures:\n- amd64\nbase: core24\n",
        Meta("lxd", "6.9", ("amd64",)),
    ),
    (
        "name: lxd\nversion: 6.9\narchitectures:\n  - arm64\n  - armhf\n",
        Meta("lxd", "6.9", ("arm64", "armhf")),
    ),
    (
        "name: lxd\narchitectures: [amd64, 'i386']\nversion: 6.9\n",
        Meta("lxd", "6.9", ("amd64", "i386")),
    ),
    (
        "name: lxd\nassumes:\n- snapd2.61\n- snapd2.75.1\n- command-chain\nversion: 6.9\n",
        Meta("lxd", "6.9", snapd="2.75.1"),
    ),
    ("name: lxd\nassumes: [snapd2.9, snapd2.39]\nversion: 6.9\n", Meta("lxd", "6.9", snapd="2.39")),
    ("name: lxd\nassumes: []\narchitectures: [i386]\n", Meta("lxd", "", ("i386",))),
    ("", Meta("", "")),
]


@pytest.mark.parametrize(("text", "meta"), TEXTS)
def test_a_snap_says_its_name_version_and_architectures(text: str, meta: Meta):
    assert snap_file.parse(text) == meta


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    if MKSQUASHFS is None:
        pytest.skip("no mksquashfs here")
    content = tmp_path / "content"
    (content / "meta").mkdir(parents=True)
    (content / "meta/snap.yaml").write_text("name: lxd\nversion: 6.9-77bcafe\n")
    (content / "bin").mkdir()
    (content / "bin/lxd").write_bytes(os.urandom(100_000))
    file = tmp_path / "lxd.snap"
    subprocess.run([MKSQUASHFS, content, file, "-quiet"], check=True, capture_output=True)
    return file


def test_a_file_is_read(packed: Path):
    assert snap_file.read(packed) == Meta("lxd", "6.9-77bcafe")


@pytest.mark.machines
def test_it_is_read_where_there_is_no_unsquashfs(packed: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snap_file, "_UNSQUASHFS", Path("/missing"))

    assert snap_file.read(packed) == Meta("lxd", "6.9-77bcafe")
    assert str(packed) not in Path("/proc/self/mounts").read_text()


def test_a_file_that_is_not_a_snap_is_refused(tmp_path: Path):
    file = tmp_path / "lxd.snap"
    file.write_text("something else")

    with pytest.raises(SnapFileError):
        snap_file.read(file)
    with pytest.raises(SnapFileError):
        snap_file.read(tmp_path / "missing")
