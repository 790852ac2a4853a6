# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The script that Juju runs prepares the packed environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DISPATCH = Path(__file__).parents[2] / "dispatch"


@pytest.fixture
def charm(tmp_path: Path) -> Path:
    """A charm that writes `ran` in its hooks, in its folder."""
    shutil.copy(DISPATCH, tmp_path / "dispatch")
    for folder in ("venv/bin", "src", "lib", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src/charm.py").write_text("open('ran', 'w')\n")
    (tmp_path / "venv/bin/python").symlink_to(sys.executable)
    tool = tmp_path / "tools/status-set"
    tool.write_text('#!/bin/sh\necho "$@" >status\n')
    tool.chmod(0o755)
    return tmp_path


def hook(charm: Path) -> subprocess.CompletedProcess[str]:
    """Juju runs a hook."""
    environment = {
        **os.environ,
        "JUJU_DISPATCH_PATH": "hooks/install",
        "JUJU_UNIT_NAME": "lxd/3",
        "PATH": f"{charm}/tools:{os.environ['PATH']}",
    }
    return subprocess.run(
        [charm / "dispatch"],
        check=False,
        env=environment,
        timeout=60,
        capture_output=True,
        text=True,
    )


def test_the_lock_of_the_packed_environment_is_not_writable_for_others(charm: Path):
    (charm / "venv/bin/python").unlink()
    lock = charm / "venv/.lock"
    lock.touch()
    lock.chmod(0o777)

    assert hook(charm).returncode == 0

    assert lock.stat().st_mode & 0o022 == 0


def test_packages_for_the_machines_python_run(charm: Path):
    (charm / "venv/lib" / Path(sys.executable).resolve().name).mkdir(parents=True)

    assert hook(charm).returncode == 0

    assert (charm / "ran").exists()


def test_packages_for_another_python_are_said_and_the_hook_fails(charm: Path):
    """The machine's Ubuntu was upgraded. A leaving unit must not go."""
    (charm / "venv/lib/python3.7").mkdir(parents=True)

    done = hook(charm)

    assert done.returncode == 1
    assert "juju refresh --force-units lxd" in done.stderr
    here = Path(sys.executable).resolve().name.removeprefix("python")
    assert (charm / "status").read_text() == (
        f"blocked the charm is for Python 3.7, not {here}: juju refresh --force-units lxd\n"
    )
    assert not (charm / "ran").exists()
