# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Parts of the command line and the controller that need neither."""

from __future__ import annotations

import argparse
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lab.cli.query_verbs import query_holds
from lab.cli.session import CommandError
from lab.cli.status_text import status_text
from lab.cli.verb import comma_list, key_values, seconds
from lab.controller.packed_charms import is_unpacked, read_charm, unpack
from lab.model.errors import JujuError


@pytest.mark.parametrize(
    ("text", "value"),
    [("90s", 90), ("5m", 300), ("1h30m", 5400), ("1.5s", 1.5), ("250ms", 0.25), ("60.0s", 60)],
)
def test_durations(text: str, value: float):
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "1m30", "-3s"])
def test_a_text_that_is_not_a_duration(text: str):
    with pytest.raises(argparse.ArgumentTypeError):
        seconds(text)


def test_key_values():
    assert key_values(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(CommandError):
        key_values(["a"])


def test_comma_lists():
    assert comma_list("a, b,,c") == ["a", "b", "c"]
    assert comma_list(None) == []


FACTS = {"name": "app/0", "status": "active", "life": "alive"}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ('status=="active"', True),
        ("status=='active' && life==\"alive\"", True),
        ('status!="active"', False),
        ('status=="blocked" || life=="alive"', True),
        ('status=="blocked" || life=="dead"', False),
    ],
)
def test_queries(query: str, *, holds: bool):
    assert query_holds(query, FACTS) is holds


@pytest.mark.parametrize("query", ["status", 'nosuch=="1"'])
def test_queries_that_make_no_sense(query: str):
    with pytest.raises(CommandError):
        query_holds(query, FACTS)


STATUS: dict[str, Any] = {
    "model": {"name": "m", "controller": "c", "cloud": "k", "version": "3.6.1"},
    "machines": {"10": {"juju-status": {"current": "started"}}, "9": {}},
    "applications": {
        "app": {
            "charm-name": "app",
            "charm-rev": 3,
            "exposed": False,
            "application-status": {"current": "blocked", "message": "why"},
            "units": {
                f"app/{number}": {
                    "workload-status": {"current": current, "message": "why"},
                    "juju-status": {"current": "executing", "message": "running start hook"},
                    "leader": number == 10,
                    "machine": str(number),
                }
                for number, current in ((10, "blocked"), (9, "active"))
            },
        }
    },
}


def test_status_text():
    lines = status_text(STATUS, False, False, False).splitlines()
    assert lines[3].split() == [
        "App",
        "Version",
        "Status",
        "Scale",
        "Charm",
        "Channel",
        "Rev",
        "Exposed",
        "Message",
    ]
    assert lines[4].split() == ["app", "blocked", "1/2", "app", "3", "no", "why"]
    assert lines[7].split()[:4] == ["app/9", "active", "executing", "9"]
    assert lines[8].startswith("app/10*")
    assert lines[8].endswith("(running start hook) why")
    assert [line.split()[0] for line in lines[-2:]] == ["9", "10"]


def charm_file(folder: Path, **files: str) -> Path:
    """A packed charm with these files besides its metadata."""
    path = folder / f"{len(list(folder.iterdir()))}.charm"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.yaml", "name: app")
        for name, text in files.items():
            archive.writestr(name, text)
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "metadata.yaml")
        script = zipfile.ZipInfo("dispatch")
        script.external_attr = 0o100755 << 16
        archive.writestr(script, "#!/bin/sh\n")
    return path


def test_a_charm_is_unpacked_with_modes_and_links(tmp_path: Path):
    folder = tmp_path / "charm"
    unpack(charm_file(tmp_path), folder, "local:app-0")
    assert (folder / "dispatch").stat().st_mode & 0o777 == 0o755
    assert (folder / "link").readlink() == Path("metadata.yaml")
    assert is_unpacked(folder, "local:app-0")
    assert not is_unpacked(folder, "local:app-1")


def test_an_upgrade_keeps_what_the_charm_made_itself(tmp_path: Path):
    folder = tmp_path / "charm"
    unpack(charm_file(tmp_path, old="1", both="1"), folder, "local:app-0")
    (folder / ".unit-state.db").write_text("made")
    unpack(charm_file(tmp_path, both="2"), folder, "local:app-1")
    assert not (folder / "old").exists()
    assert (folder / "both").read_text() == "2"
    assert (folder / ".unit-state.db").read_text() == "made"


def test_a_file_that_is_not_a_charm_is_refused(tmp_path: Path):
    path = tmp_path / "x.charm"
    path.write_text("text")
    with pytest.raises(JujuError, match="cannot read the charm"):
        read_charm(path, 0)
