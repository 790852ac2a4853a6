# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Mount points in LXD's folder: the kernel escapes some characters."""

from __future__ import annotations

from pathlib import Path

from host import mounts

LXD = Path("/var/snap/lxd/common/lxd")
LINE = "36 35 0:32 / {} rw shared:1 - btrfs /dev/loop3 rw\n"


def proc_with(tmp_path: Path, *places: str) -> Path:
    """A /proc whose own process sees these mounts."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "mountinfo").write_text("".join(LINE.format(place) for place in places))
    return tmp_path


def test_only_those_at_a_folder_or_below_it_are_found(tmp_path: Path):
    proc = proc_with(
        tmp_path, "/", "/var/snap/lxd/common/lxd", f"{LXD}/storage-pools/fast", f"{LXD}2"
    )

    assert mounts.below(LXD, proc=proc) == [str(LXD), f"{LXD}/storage-pools/fast"]


def test_a_pool_may_have_any_name(tmp_path: Path):
    names = (r"a\040b", r"back\134slash", r"tab\011", "\u00e9")
    proc = proc_with(tmp_path, *(f"{LXD}/{name}" for name in names))

    found = [Path(point).name for point in mounts.below(LXD, proc=proc)]

    assert found == ["a b", "back\\slash", "tab\t", "\u00e9"]
