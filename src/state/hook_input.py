# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju's input to this unit, and what follows from it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from options.options import Options
from state.bindings import Binding
from state.facts import Bound, Proxies, Resource
from state.view import Peers, Units


@dataclass(frozen=True)
class HookInput:
    """Juju's input to this unit, read once at the start of a hook."""

    unit: str
    leader: bool
    options: Options
    resource: Resource | None
    cluster: Binding
    https: Binding
    zone: str
    peers: Peers | None
    units: Units | None = None
    leaving: bool = False
    can_publish: bool = False
    """Whether a leaving unit can still publish something: its hook may end without error, because
    another hook certainly follows, and can hold it.
    """
    devices: tuple[str, ...] = ()
    """Block devices that Juju gave this unit."""
    related: Mapping[str, object] = field(default_factory=dict[str, object])
    """By relation with another application: its answer. `relations` knows their types."""
    bound: Bound = field(default_factory=Bound)
    proxies: Proxies = field(default_factory=Proxies)


def unbound(juju: HookInput) -> dict[str, str]:
    """By binding without any data from Juju: the reason, in Juju's words."""
    return {b.name: b.problem for b in (juju.cluster, juju.https) if b.problem}
