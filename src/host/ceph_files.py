# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The files that LXD needs to reach a Ceph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backends.backend import CEPH
from state.facts import Ceph

FOLDER = Path("/etc/ceph")
_KEYRING = re.compile(re.escape(CEPH) + r"\.client\.(.+)\.keyring")
_MONITORS = re.compile(r"^mon host = (.*)$", re.MULTILINE)
_KEY = re.compile(r"^\s*key = (.*)$", re.MULTILINE)
_CONFIGURATION = FOLDER / f"{CEPH}.conf"
_TEMPLATES = Path(__file__).parent / "templates"


def files(ceph: Ceph) -> dict[Path, str]:
    """The configuration and the key, by path."""
    import jinja2

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    # These files are not HTML, and a key must not be escaped.
    templates = jinja2.Environment(loader=loader, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    values = {
        "app": ceph.user,
        "user": ceph.user,
        "key": ceph.key,
        "monitors": ceph.monitors,
        # Ceph replaces $name by client.USER: each user has its own file.
        "keyring": keyring("$name"),
    }
    return {
        _CONFIGURATION: templates.get_template("ceph.conf.j2").render(values),
        keyring(f"client.{ceph.user}"): templates.get_template("ceph.keyring.j2").render(values),
    }


def keyring(name: str) -> Path:
    """The file with the key of a user, by its name with the type: client.USER.

    LXD looks for it there, too (CephKeyring, 5.0 to 6.9).
    """
    return FOLDER / f"{CEPH}.{name}.keyring"


def present(folder: Path = FOLDER) -> dict[Path, str]:
    """The files for this Ceph on this machine, also keys that an operator put there."""
    paths = sorted(path for path in folder.glob(f"{CEPH}.*") if path.is_file())
    return {path: path.read_text(errors="replace") for path in paths}


def compared(ceph: Ceph, on_disk: Mapping[Path, str]) -> Ceph:
    """The answer of a Ceph, with what this machine has of it."""
    users = (match[1] for path in on_disk if (match := _KEYRING.fullmatch(path.name)))
    ceph = replace(ceph, users=frozenset(users))
    if not ceph.opens:
        return ceph
    # Rendering takes time.
    written = files(ceph).items() <= on_disk.items()
    return replace(ceph, written=written, same=_is_same(ceph, on_disk))


def _is_same(ceph: Ceph, on_disk: Mapping[Path, str]) -> bool:
    """Whether the files are of this Ceph: its monitors change one by one, and so do keys."""
    monitors = _MONITORS.search(on_disk.get(_CONFIGURATION, ""))
    key = _KEY.search(on_disk.get(keyring(f"client.{ceph.user}"), ""))
    if monitors is None or (key and key[1] == ceph.key):
        return True
    return not set(ceph.monitors).isdisjoint(monitors[1].split(","))
