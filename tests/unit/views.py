# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Views made by hand, for decisions that need no cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from options.options import Options
from state.cluster import ClusterView, Member, Server
from state.facts import SnapFacts
from state.peers import AppData, QueueEntry, UnitData
from state.unresponsive import Unresponsive
from state.view import Peers, Units, View

CLUSTER = "the-cluster"
NOW = 10_000.0


def unit(number: int) -> str:
    """The name of a unit."""
    return f"lxd/{number}"


def address(number: int) -> str:
    """Its member's address."""
    return f"10.0.0.{number + 1}"


def data(number: int, **fields: object) -> UnitData:
    """The data of a unit that is a member."""
    defaults: dict[str, object] = {
        "name": f"m{number}",
        "address": address(number),
        "cluster": CLUSTER,
        "lxd": "5.21.7",
        "package": "5.21.7-abc",
        "revision": "100",
        "arch": "x86_64",
        "channel": "5.21/stable",
        **fields,
    }
    return UnitData.model_validate(defaults)


def peers(own: UnitData, others: Mapping[int, UnitData]) -> Peers:
    """The peer relation of unit 0."""
    queue = tuple(QueueEntry(unit=unit(n)) for n in (0, *others))
    app = AppData(bootstrap=unit(0), cluster=CLUSTER, queue=queue)
    return Peers(app, own, {unit(n): d for n, d in others.items()})


def member(number: int, status: str = "ONLINE", role: str = "database") -> Member:
    """A row of LXD's list of members."""
    return Member(f"m{number}", address(number), status, frozenset({role}), "default")


def server(version: str = "5.21.7", *, clustered: bool = True) -> Server:
    """LXD itself."""
    config = {"cluster.https_address": f"{address(0)}:8443"} if clustered else {}
    return Server(version, clustered, "m0", "f00d", frozenset({"dir"}), config)


def lxd(
    *members: Member, version: str = "5.21.7", notes: Mapping[str, str] | None = None
) -> ClusterView:
    """An LXD that answers, as a member unless it has no members."""
    known = {"identity": CLUSTER, **(notes or {})} if members else {}
    return ClusterView(server(version, clustered=bool(members)), members, (), (), notes=known)


def view(seen: ClusterView | Unresponsive | None, among: Peers | None, **fields: object) -> View:
    """Unit 0's view, with the given differences."""
    plain = View(
        unit=unit(0),
        leader=False,
        now=NOW,
        options=Options(),
        resource=None,
        hostname="m0",
        cluster_address=address(0),
        https_address=address(0),
        zone="",
        public_key="key",
        snap=SnapFacts(
            snapd=True,
            deb=False,
            installed=True,
            revision="100",
            version="5.21.7-abc",
            channel="5.21/stable",
        ),
        lxd=seen,
        peers=among,
        arch="x86_64",
    )
    return replace(plain, **fields)


def known(*numbers: int) -> Units:
    """Juju's units."""
    return Units(frozenset(map(unit, numbers)))
