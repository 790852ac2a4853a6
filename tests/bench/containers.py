# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Containers on the bench: one megabyte of busybox each."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass

from lab.bench.node import Node
from tests.bench.units import BenchApp

ALIAS = "small"


@dataclass(frozen=True)
class Container:
    """A container's location, and whether it runs."""

    member: str
    running: bool


def any_node(app: BenchApp) -> Node:
    """A node with an LXD that answers."""
    return next(unit.node for unit in app.units.values() if unit.node.daemon_runs())


def bring_image(app: BenchApp) -> None:
    """Gives the cluster the image for containers."""
    node = any_node(app)
    listed = json.loads(node.lxc("image", "alias", "list", "--format=json"))
    if not listed:
        copy = node.place.folder / "image.tar.gz"
        shutil.copy(app.bench.image.container, copy)
        node.lxc("image", "import", str(copy), f"--alias={ALIAS}")


def launch(app: BenchApp, name: str, member: str, *options: str) -> None:
    """Starts a container on a member."""
    bring_image(app)
    any_node(app).lxc("launch", ALIAS, name, f"--target={member}", "--quiet", *options)


def containers(app: BenchApp) -> dict[str, Container]:
    """All containers of the cluster by name."""
    listed = json.loads(any_node(app).lxc("list", "--format=json"))
    return {row["name"]: Container(row["location"], row["status"] == "Running") for row in listed}


def all_run(app: BenchApp, *names: str, seconds: float = 30) -> dict[str, str]:
    """Returns once exactly these containers exist and run: their members by name."""
    end = time.monotonic() + seconds
    while True:
        found = containers(app)
        if set(found) == set(names) and all(c.running for c in found.values()):
            return {name: c.member for name, c in found.items()}
        assert time.monotonic() < end, f"not {sorted(names)} running: {found}"
        time.sleep(0.5)
