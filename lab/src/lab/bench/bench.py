# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A bench: nodes in one network."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.bench import slots
from lab.bench.node import Node, Place
from lab.machines import lxd_folder
from lab.machines.layers import Image

MAX_NODES = 16


class Bench:
    """Nodes m0, m1 and so on. `lxds` are folders of LXD. New nodes run the first of them."""

    def __init__(self, slot: int, image: Image, lxds: Sequence[Path]) -> None:
        self.slot = slot
        self.image = image
        self.lxds = tuple(lxds)
        self.nodes: dict[str, Node] = {}
        for folder in lxds:
            lxd_folder.check(folder)
        slots.ensure_bridge(slot)

    def add(self, number: int, hostname: str = "") -> Node:
        """Make a new node. Its daemon is not started yet."""
        place = Place(self.slot, number, hostname or f"m{number}")
        node = Node(place, self.image, self.lxds, self._hosts())
        self.nodes[place.hostname] = node
        return node

    def remove(self, node: Node) -> None:
        """Remove a node with its disk, as if its machine had lost power for good."""
        node.end()
        del self.nodes[node.place.hostname]

    def _hosts(self) -> str:
        lines = ["127.0.0.1 localhost"]
        lines += [f"{slots.address(self.slot, n + 1)} m{n}" for n in range(MAX_NODES)]
        return "\n".join(lines) + "\n"

    def end(self) -> None:
        """Remove all nodes."""
        for node in list(self.nodes.values()):
            self.remove(node)


@contextmanager
def bench(image: Image, lxds: Sequence[Path]) -> Generator[Bench]:
    """A bench that exists while the context lasts, and leaves nothing behind."""
    with slots.take() as slot:
        new_bench = Bench(slot, image, lxds)
        try:
            yield new_bench
        finally:
            new_bench.end()
