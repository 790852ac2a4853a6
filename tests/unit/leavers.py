# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Views of a unit that leaves a cluster, made by hand: the input of its plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modes import MARK
from options.options import Options
from state.cluster import CLOSED, ClusterView, Member, Network, Pool, Server
from state.facts import SnapFacts
from state.lxd_objects import Instance
from state.peers import AppData, UnitData
from state.view import Peers, RunHistory, Units, View

IDENTITY = "cluster-1"
UNITS = {"m0": "lxd/0", "m1": "lxd/1", "m2": "lxd/2"}
BRIDGE = Network("lxdbr0", "bridge", "Created", {MARK: "bridge"}, frozenset())
LOCAL = Pool("local", "btrfs", "Created", frozenset())
ROOT = {"type": "disk", "path": "/", "pool": "local"}
EXTENSIONS = frozenset({"explicit_trust_token", "clustering_restore_skip_mode"})


def member(name: str, status: str = "ONLINE", **more: Any) -> Member:
    """One of three members, a voter."""
    address = f"10.0.0.{int(name[1:]) + 1}"
    fields: dict[str, Any] = {"roles": frozenset({"database"}), "architecture": "x86_64", **more}
    return Member(name, address, status, failure_domain="default", **fields)


def instance(name: str = "c1", location: str = "m2", **more: Any) -> Instance:
    """A running container with only a root disk and a nic of the managed bridge."""
    devices = {"root": ROOT, "eth0": {"type": "nic", "network": "lxdbr0"}, **more.pop("added", {})}
    fields: dict[str, Any] = {"running": True, "architecture": "x86_64", "devices": devices, **more}
    return Instance("default", name, location, **fields)


def cluster(*instances: Instance, **more: Any) -> ClusterView:
    """A cluster of m0, m1 and m2, seen from leaving m2: LXD places nothing on it any more."""
    config: Mapping[str, str] = more.pop("config", {})
    extensions: frozenset[str] = more.pop("extensions", EXTENSIONS)
    notes = {"identity": IDENTITY, "leaving.m2": "leaving", **more.pop("notes", {})}
    notes |= {f"unit.{n}": f"{unit} 0 {member(n).address}" for n, unit in UNITS.items()}
    fields: dict[str, Any] = {
        "members": (member("m0"), member("m1"), member("m2", scheduler=CLOSED)),
        "pools": (LOCAL,),
        "networks": (BRIDGE,),
        "volumes": (),
        "buckets": (),
        **more,
    }
    drivers = frozenset({"btrfs"})
    server = Server("5.21.7", True, "m2", "f00d", drivers, config, extensions)
    return ClusterView(server, instances=instances, notes=notes, **fields)


def leaver(lxd: ClusterView, history: RunHistory | None = None, **more: Any) -> View:
    """The view of lxd/2, which is being removed."""
    known = frozenset(more.pop("known", UNITS.values()))
    going = frozenset(more.pop("going", {"lxd/2"}))
    links: dict[str, Any] = more.pop("links", {})
    options = Options(**more.pop("options", {}))
    data = {
        unit: UnitData(
            name=name,
            address=f"10.0.0.{int(name[1:]) + 1}",
            cluster=IDENTITY,
            links=links.get(name, {}),
        )
        for name, unit in UNITS.items()
    }
    own = data.pop("lxd/2")
    others = {unit: unit_data for unit, unit_data in data.items() if unit in known}
    return View(
        unit="lxd/2",
        leader=False,
        now=1000.0,
        options=options,
        resource=None,
        hostname="m2",
        cluster_address="10.0.0.3",
        https_address="10.0.0.3",
        zone="",
        public_key="key",
        snap=SnapFacts(snapd=True, deb=False, installed=True),
        lxd=lxd,
        peers=Peers(AppData(cluster=IDENTITY, bootstrap="lxd/0"), own, others),
        units=Units(known, going),
        leaving=True,
        history=history or RunHistory(),
        **more,
    )
