# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for the addresses that LXD listens on."""

from __future__ import annotations

from dataclasses import dataclass

from steps.plan import Step


@dataclass(frozen=True)
class Listen(Step):
    """LXD, outside a cluster, listens on these endpoints. An empty one stays as it is."""

    https: str
    cluster: str = ""

    def __str__(self) -> str:
        addresses = dict.fromkeys(filter(None, (self.https, self.cluster)))
        return f"let LXD listen on {' and '.join(addresses)}"


@dataclass(frozen=True)
class ChangeAddress(Step):
    """This member's API is at `https`, and the others reach it at `cluster` all the time.

    One member at a time does that. `cluster` is an address, `https` an endpoint.
    """

    member: str
    cluster: str
    https: str

    def __str__(self) -> str:
        return f"let LXD's API listen on {self.https}"
