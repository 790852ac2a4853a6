# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Verbs of the lab that wait for a unit's status."""

from __future__ import annotations

import threading
from pathlib import Path

import jubilant
import pytest

from plain_hosts import PlainProvider
from probes import hooks, wait_active, wait_in_config_changed


def lab(juju: jubilant.Juju, *words: str) -> str:
    return juju.cli("lab", *words, include_model=False)


def test_a_command_runs_once_a_unit_says_what_is_waited_for(
    juju: jubilant.Juju, probe: Path, tmp_path: Path
):
    marks = [tmp_path / "there", tmp_path / "elsewhere"]
    words = [
        ["probe", "rip*", f"echo $(pwd) >{marks[0]}"],
        ["--on", "probe/1", "probe/0", "rip*", f"touch {marks[1]}"],
    ]
    waiting = [threading.Thread(target=lab, args=(juju, "at", *one)) for one in words]
    for thread in waiting:
        thread.start()
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    assert not any(mark.exists() for mark in marks)

    juju.config("probe", {"message": "ripe"})

    for thread in waiting:
        thread.join(20)
    assert all(mark.exists() for mark in marks)
    assert lab(juju, "at", "probe/1", "ripe", "true") == "probe/1\n"


def test_a_hook_is_killed_at_what_its_unit_says(
    juju: jubilant.Juju, probe: Path, provider: PlainProvider
):
    juju.deploy(probe, num_units=2)
    wait_active(juju, 2)
    wait_in_config_changed(juju, provider, 0, 1)
    before = [len(hooks(provider, unit)) for unit in (0, 1)]

    assert lab(juju, "kill-hook", "--at", "ready", "probe/0") == "config-changed\n"
    assert lab(juju, "kill-hook", "--at", "ready", "--after", "100ms", "probe/1")

    wait_active(juju, 2)
    assert [hooks(provider, unit)[before[unit]] for unit in (0, 1)] == ["config-changed"] * 2


def test_what_nobody_says_is_not_waited_for_for_ever(juju: jubilant.Juju, probe: Path):
    juju.deploy(probe)
    with pytest.raises(jubilant.CLIError) as caught:
        lab(juju, "at", "--timeout", "200ms", "probe", "never", "true")
    assert 'timed out waiting for probe to say "never"' in caught.value.stderr
