# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The open files of processes, as /proc shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from host import processes


def process(proc: Path, number: int, **files: str) -> Path:
    """A process with these open files."""
    folder = proc / str(number)
    (folder / "fd").mkdir(parents=True)
    for name, target in files.items():
        (folder / "fd" / name).symlink_to(target)
    return folder


def test_a_file_that_is_closed_meanwhile_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = process(tmp_path, 7, a="/dev/sda", b="/dev/sdb", c="/dev/sdc")
    readlink = Path.readlink

    def closed(path: Path) -> Path:
        if path.name == "b":
            raise FileNotFoundError(path)
        return readlink(path)

    monkeypatch.setattr(Path, "readlink", closed)

    targets = {target for _, target in processes.open_files(folder)}

    assert targets == {"/dev/sda", "/dev/sdc"}


def test_a_process_that_has_ended_has_no_open_files(tmp_path: Path):
    assert list(processes.open_files(tmp_path / "8")) == []


def test_processes_come_in_the_order_of_their_ids(tmp_path: Path):
    for number in (10, 9, 100):
        process(tmp_path, number)

    assert [path.name for path in processes.processes(tmp_path)] == ["9", "10", "100"]
