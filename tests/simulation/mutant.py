# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A deliberate mistake in the charm's protocol."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# This puts the charm's modules on the path.
from tests.simulation.schedule import Schedule

# isort: split
from act import step


@dataclass(frozen=True)
class Mutant:
    """A mistake: the module and the function that it replaces."""

    name: str
    module: ModuleType | type
    function: str
    wrong: Any
    story: Schedule | None = None
    """A history that shows it, for mistakes that few seeds show."""

    @contextmanager
    def at_work(self) -> Generator[None]:
        """The charm makes this mistake. Raises AttributeError if there is no such function."""
        right = getattr(self.module, self.function)
        # Steps are looked up in a table: the table must have the mistake, too.
        steps = [kind for kind, handler in step.HANDLERS.items() if handler is right]
        setattr(self.module, self.function, self.wrong)
        handlers: dict[Any, Any] = step.HANDLERS
        handlers.update(dict.fromkeys(steps, self.wrong))
        try:
            yield
        finally:
            setattr(self.module, self.function, right)
            handlers.update(dict.fromkeys(steps, right))
