# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each checkout of the project has a lab of its own; its command runs its own code."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jubilant
import pytest

from lab.controller import controller as controller_module
from lab.controller.controller import Controller
from probes import LAB_JUJU, command

OTHER = Path("/other/lab/src/lab")


@pytest.fixture
def others(controller: Controller, monkeypatch: pytest.MonkeyPatch) -> Controller:
    """The home's controller, which runs the code of another checkout."""
    monkeypatch.setattr(controller_module, "CODE", OTHER)
    return controller


@pytest.mark.usefixtures("juju", "others")
@pytest.mark.parametrize("words", [["status"], ["add-machine"], ["lab", "hold", "a/0", "*"]])
def test_another_checkouts_lab_is_not_used(words: list[str]):
    done = command(*words)
    assert done.returncode == 1
    assert done.stderr.startswith("ERROR the lab in ")
    assert f"runs the code of another checkout, {OTHER}: use /other/lab/juju, " in done.stderr


@pytest.mark.usefixtures("juju")
def test_another_checkouts_lab_is_taken_down_with_a_word(others: Controller):
    done = command("lab", "down")
    assert done.returncode == 0
    assert f"runs the code of another checkout, {OTHER}\n" in done.stderr
    assert others.stopped.is_set()


def test_ones_own_lab_is_used_without_a_word(juju: jubilant.Juju):
    assert not juju.status().apps
    assert command("status").stderr == ""


def test_the_command_works_from_any_folder_and_through_a_link(tmp_path: Path):
    (tmp_path / "juju").symlink_to(LAB_JUJU)
    done = subprocess.run(
        ["./juju", "help"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Only in the lab:" in done.stdout


def test_a_checkout_without_its_packages_says_what_to_do(tmp_path: Path):
    juju = tmp_path / "lab" / "juju"
    juju.parent.mkdir()
    juju.write_bytes(LAB_JUJU.read_bytes())
    done = subprocess.run(["/bin/sh", juju, "status"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.endswith(f"run make setup in {tmp_path}\n")
