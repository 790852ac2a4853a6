# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A snap file: its name, version and architectures, without an installation."""

from __future__ import annotations

import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from host import snapd
from host.commands import run

_UNSQUASHFS = Path("/usr/bin/unsquashfs")
"""snapd's package depends on the package of this program."""
_MOUNT, _UMOUNT = "/usr/bin/mount", "/usr/bin/umount"
_META = "meta/snap.yaml"
_KEY = r"^{}:[ \t]*([\"']?)([^\"'\s#]+)\1"
_LIST = r"^{}:[ \t]*(\[[^\]]*\]|(?:\n[ \t]*-[^\n]*)+)"
_WORD = re.compile(r"[a-z0-9.-]+[a-z0-9]|[a-z0-9]")
_SNAPD = re.compile(r"snapd(\d+(?:\.\d+)*)")
"""A word of `assumes`: the snapd that the snap needs. A later one will do."""


class SnapFileError(Exception):
    """The file cannot be read as a snap."""


@dataclass(frozen=True)
class Meta:
    """A snap's metadata."""

    name: str
    version: str
    architectures: tuple[str, ...] = ()
    """Empty if it names none: then it runs on all."""
    snapd: str = ""
    """The oldest version of snapd that installs it, empty for any."""


def read(path: Path) -> Meta:
    """The metadata of the snap in a file. Raises SnapFileError."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "snap"
        try:
            return _unpacked(path, place) if _UNSQUASHFS.exists() else _mounted(path, place)
        except subprocess.CalledProcessError as error:
            lines = (error.stderr or error.stdout or "").strip().splitlines()
            raise SnapFileError(lines[-1] if lines else "it cannot be read") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SnapFileError(str(error)) from error


def parse(text: str) -> Meta:
    """The same from the text of a snap.yaml. Missing values are empty."""
    matches = {key: re.search(_KEY.format(key), text, re.MULTILINE) for key in ("name", "version")}
    name, version = (match[2] if match else "" for match in matches.values())
    assumed = [match[1] for match in map(_SNAPD.fullmatch, _words(text, "assumes")) if match]
    return Meta(
        name,
        version,
        _words(text, "architectures"),
        max(assumed, key=snapd.ordered, default=""),
    )


def _words(text: str, key: str) -> tuple[str, ...]:
    """The words of a list in a snap.yaml, on one line or one a line."""
    found = re.search(_LIST.format(key), text, re.MULTILINE)
    return tuple(_WORD.findall(found[1])) if found else ()


def _unpacked(path: Path, place: Path) -> Meta:
    # Its option -cat exists only from squashfs-tools 4.5 on.
    run(str(_UNSQUASHFS), "-no-progress", "-dest", str(place), str(path), _META)
    return parse((place / _META).read_text())


def _mounted(path: Path, place: Path) -> Meta:
    place.mkdir()
    run(_MOUNT, "-t", "squashfs", "-o", "loop,ro,nodev,nosuid,noexec", str(path), str(place))
    try:
        return parse((place / _META).read_text())
    finally:
        run(_UMOUNT, str(place))
