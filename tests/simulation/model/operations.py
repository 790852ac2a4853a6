"""What a daemon does on its own once it was asked, whatever becomes of the one who asked."""

from __future__ import annotations

import inspect
import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lxd_reading import LxdError

if TYPE_CHECKING:
    from tests.simulation.model.server import Server

Work = Generator[float, None, None]
"""Yields the seconds until its next step. Raises LxdError when it fails."""

NEVER = math.inf
"""Yielded by work that hangs."""


@dataclass
class Operation:
    """A piece of work under way on a server's daemon. It ends with that daemon."""

    server: Server
    run: int
    kind: str
    member: str
    work: Work
    due: float
    done: bool = False
    error: str = ""
    cut: bool = False
    """Whether it went no further because its daemon ended."""

    def step(self) -> None:
        """Does what is due now."""
        if self.run != self.server.run:
            self.end()
            return
        if self.server.frozen:
            self.due += 1.0
            return
        try:
            self.due += next(self.work)
        except StopIteration:
            self.done = True
        except LxdError as error:
            self.done, self.error = True, str(error)

    def end(self) -> None:
        """It will not go on: its daemon is gone."""
        self.done = self.cut = True
        if inspect.getgeneratorstate(self.work) != inspect.GEN_RUNNING:
            self.work.close()
