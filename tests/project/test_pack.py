# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The content of the charm, and how the lab's differs from the users'."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pack import lab_charm, tree

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A tree with all files of a charm, and many other files."""
    root = tmp_path / "project"
    root.mkdir()
    for name in tree.INPUTS:
        if name in {"src", "lib"}:
            (root / name / "__pycache__").mkdir(parents=True)
            (root / name / "__pycache__" / "room.pyc").write_text("compiled")
            (root / name / "room.py").write_text("code")
        else:
            (root / name).write_text(name)
    for outside in ("lab/juju", "tests/unit/test_plan.py", ".cache/old.charm", ".venv/pyvenv.cfg"):
        (root / outside).parent.mkdir(parents=True)
        (root / outside).write_text("not the charm's")
    return root


def test_copy_holds_the_charm_and_nothing_else(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "copy"
    (target / "left" / "over").mkdir(parents=True)

    tree.copy(project, target)

    copied = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    single = {name for name in tree.INPUTS if name not in {"src", "lib"}}
    assert copied == single | {"src/room.py", "lib/room.py"}


def test_the_charms_packages_are_found_without_the_lab(tmp_path: Path) -> None:
    """The packed tree has no `lab/`, which uv.lock names."""
    tree.copy(ROOT, tmp_path / "copy")
    uv = max((ROOT / ".cache").glob("uv-*/bin/uv"))

    exported = subprocess.run(
        [uv, "export", "--frozen", "--offline", "--no-dev", "--no-emit-project", "--no-hashes"],
        cwd=tmp_path / "copy",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout

    assert "\nops==" in exported
    assert "lxd-cluster-lab" not in exported


def test_missing_file_is_named(project: Path) -> None:
    (project / "icon.svg").unlink()

    with pytest.raises(FileNotFoundError, match=r"icon\.svg"):
        tree.files(project)


def test_digest_ignores_what_is_not_packed(project: Path) -> None:
    before = tree.digest(project)
    (project / "lab" / "juju").write_text("changed")
    (project / "src" / "__pycache__" / "room.pyc").write_text("compiled again")

    assert tree.digest(project) == before


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda root: (root / "src/room.py").write_text("edoc"), id="content"),
        pytest.param(lambda root: (root / "dispatch").chmod(0o755), id="mode"),
        pytest.param(lambda root: (root / "src/new.py").write_text(""), id="new file"),
        pytest.param(lambda root: (root / "src/room.py").rename(root / "src/hall.py"), id="name"),
    ],
)
def test_digest_sees_what_is_packed(project: Path, change: Callable[[Path], object]) -> None:
    before = tree.digest(project)

    change(project)

    assert tree.digest(project) != before


@pytest.mark.parametrize(
    ("release", "machine", "expected"),
    [
        ({"ID": "debian", "VERSION_ID": "12"}, "x86_64", "debian@12:amd64"),
        ({"ID": "ubuntu", "VERSION_ID": "24.04"}, "aarch64", "ubuntu@24.04:arm64"),
    ],
)
def test_host_platform(release: dict[str, str], machine: str, expected: str) -> None:
    assert lab_charm.host_platform(release, machine) == expected


def test_lab_packs_for_the_host_and_installs_no_snap() -> None:
    project = yaml.safe_load((ROOT / "charmcraft.yaml").read_text())

    packed = lab_charm.for_host(project, "debian@12:amd64")

    assert packed["platforms"] == {"debian@12:amd64": None}
    assert not any("build-snaps" in part for part in packed["parts"].values())
    assert packed["parts"].keys() == project["parts"].keys()
