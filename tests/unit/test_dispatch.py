# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The script that Juju runs prepares the packed environment."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

DISPATCH = Path(__file__).parents[2] / "dispatch"


def test_the_lock_of_the_packed_environment_is_not_writable_for_others(tmp_path: Path):
    shutil.copy(DISPATCH, tmp_path / "dispatch")
    for folder in ("venv/bin", "src", "lib"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "src/charm.py").write_text("")
    lock = tmp_path / "venv/.lock"
    lock.touch()
    lock.chmod(0o777)

    quiet = {**os.environ, "JUJU_DISPATCH_PATH": "hooks/install"}
    subprocess.run([tmp_path / "dispatch"], check=True, env=quiet, timeout=60, capture_output=True)

    assert lock.stat().st_mode & 0o022 == 0
