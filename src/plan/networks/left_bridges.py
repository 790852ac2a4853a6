# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Bridges that LXD made on this machine for a network that was not finished.

LXD makes a bridge, then its member notes that. If the daemon ends in between, LXD later deletes the
network without the bridge, and refuses to make one of that name: "Network interface already exists"
(measured on 5.0.2; networkDelete and bridge.Create are the same up to 6.9).
"""

from __future__ import annotations

from plan.networks import contributions
from state.cluster import ClusterView
from state.view import View
from steps.networks import RemoveLeftBridge
from values.interface import Interface


def candidates(view: View, lxd: ClusterView) -> set[str]:
    """Bridges here that may be left, if LXD has no network of their names.

    They have the name of a wanted network, and nothing is connected to them.
    """
    made_by_lxd = {i.name for i in view.interfaces if i.made_by_lxd and i.inner}
    # LXD's own interfaces beside a bridge are its ports, too.
    others = [i for i in view.interfaces if not i.made_by_lxd]
    in_use = {name for i in others for name in (i.master, i.base)}
    networks = {network.name for network in lxd.networks or ()}
    return (made_by_lxd & contributions.wanted_bridges(view)) - in_use - networks


def removal(view: View) -> tuple[RemoveLeftBridge, ...]:
    """Removes the bridges that prevent a wanted network."""
    return tuple(RemoveLeftBridge(name, _beside(view, name)) for name in sorted(view.left_bridges))


def _beside(view: View, bridge: str) -> tuple[str, ...]:
    """LXD's own interfaces for a bridge: its tunnels, and the one that keeps its MTU."""
    own = [i.name for i in view.interfaces if i.made_by_lxd and not i.bridge]
    return tuple(name for name in own if name.rpartition("-")[0] == bridge)


def without(view: View) -> list[Interface]:
    """This machine's interfaces once these bridges are removed."""
    gone = {n for name in view.left_bridges for n in (name, *_beside(view, name))}
    return [interface for interface in view.interfaces if interface.name not in gone]
