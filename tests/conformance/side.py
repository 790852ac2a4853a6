# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The vocabulary of the histories: operations on the model and on real machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from lxd.api import LxdApi
from lxd.port import LxdPort

MACHINES = ("a", "b", "c", "d")
"""Every history has these machines, with an empty LXD."""

POOL = "local"


class Side(Protocol):
    """Where a history runs. Machines have letters as names. Seconds are those of that side."""

    def lxd(self, machine: str) -> LxdApi:
        """LXD there, as the charm sees it."""
        ...

    def port(self, machine: str) -> LxdPort:
        """The connection to LXD there."""
        ...

    def hostname(self, machine: str) -> str:
        """The name of the member there."""
        ...

    def endpoint(self, machine: str) -> str:
        """Address and port of LXD there."""
        ...

    def wait(self, seconds: float) -> None:
        """Lets time pass."""
        ...

    def together(self, *calls: Callable[[], None]) -> None:
        """Makes calls at the same time, and waits for all of them."""
        ...

    def launch(self, machine: str, name: str, evacuate: str) -> None:
        """A new instance, as an operator makes it."""
        ...

    def launch_by_profile(self, machine: str, name: str) -> None:
        """A new instance that has its root disk from the default profile."""
        ...

    def add_volume(self, machine: str, name: str) -> None:
        """A new custom volume, as an operator makes it."""
        ...

    def power_off(self, machine: str) -> None:
        """Cuts its power."""
        ...

    def power_on(self, machine: str) -> None:
        """Boots it; returns once LXD had time to answer."""
        ...

    def kill_daemon(self, machine: str) -> None:
        """Ends LXD's daemon at once and keeps it down."""
        ...

    def start_daemon(self, machine: str) -> None:
        """Starts LXD's daemon; returns once it had time to answer."""
        ...

    def freeze(self, machine: str) -> None:
        """Freezes the daemon."""
        ...

    def thaw(self, machine: str) -> None:
        """Lets the daemon continue."""
        ...

    def isolate(self, machine: str) -> None:
        """Disconnects its network."""
        ...

    def heal(self, machine: str) -> None:
        """Connects it again."""
        ...

    def recover(self, machine: str) -> None:
        """Lets a survivor continue alone: daemon stopped, database recovered, daemon started."""
        ...

    def wipe(self, machine: str) -> None:
        """Empties LXD's folder as the charm does; returns once LXD answers."""
        ...
