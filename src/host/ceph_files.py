# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The files that LXD needs to reach a Ceph."""

from __future__ import annotations

from pathlib import Path

from backends.backend import CEPH
from state.facts import Ceph

FOLDER = Path("/etc/ceph")
_TEMPLATES = Path(__file__).parent / "templates"


def files(ceph: Ceph) -> dict[Path, str]:
    """The configuration and the key, by path."""
    import jinja2

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    # These files are not HTML, and a key must not be escaped.
    templates = jinja2.Environment(loader=loader, keep_trailing_newline=True, autoescape=False)  # noqa: S701
    keyring = FOLDER / f"{CEPH}.client.{ceph.user}.keyring"
    values = {
        "app": ceph.user,
        "user": ceph.user,
        "key": ceph.key,
        "monitors": ceph.monitors,
        "keyring": keyring,
    }
    return {
        FOLDER / f"{CEPH}.conf": templates.get_template("ceph.conf.j2").render(values),
        keyring: templates.get_template("ceph.keyring.j2").render(values),
    }
