# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Text tables for the results of actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from plan.networks import wanted_networks
from state.cluster import ClusterView, Network, Pool
from state.view import Peers

_HEADINGS = ("Unit", "Member", "Address", "Roles", "State", "Version")
_NETWORK_HEADINGS = ("Network", "Mode", "State", "Role", "Instances")
_POOL_HEADINGS = ("Pool", "Driver", "State", "Role", "Used by")


def members_table(lxd: ClusterView, peers: Peers, unit: str) -> str:
    """The cluster's members: their names in Juju and in LXD, and their states."""
    clustered = ((u, d) for u, d in {unit: peers.own, **peers.others}.items() if d.cluster)
    by_name = {m.name: (u, d) for u, d in clustered if (m := lxd.member_of(d)) is not None}
    rows: list[tuple[str, ...]] = []
    for member in lxd.members:
        of_unit, data = by_name.get(member.name, ("-", None))
        roles = ", ".join(sorted(member.roles)) or "-"
        version = data.lxd if data else "-"
        rows.append((of_unit, member.name, member.address, roles, member.status, version))
    return table(_HEADINGS, sorted(rows))


def pools_table(existing: Iterable[Pool], wanted: Iterable[str], default: str) -> str:
    """The storage pools: the role and the number of users of each."""
    wanted_names = set(wanted)
    rows = [
        (
            pool.name,
            pool.driver,
            pool.status,
            _role(pool.name, default, wanted_names),
            str(len(pool.users)),
        )
        for pool in existing
    ]
    return table(_POOL_HEADINGS, sorted(rows))


def networks_table(
    existing: Iterable[Network], wanted: Iterable[str], nic: Mapping[str, str]
) -> str:
    """The networks that LXD manages: the role and the number of instances of each."""
    wanted_names = set(wanted)
    rows = [
        (
            network.name,
            wanted_networks.mode_of(network),
            network.status,
            _role(network.name, nic.get("network", ""), wanted_names),
            str(sum("/instances/" in user for user in network.used_by)),
        )
        for network in existing
    ]
    return table(_NETWORK_HEADINGS, sorted(rows))


def _role(name: str, default: str, wanted: set[str]) -> str:
    return "default" if name == default else "asked for" if name in wanted else "left"


def table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns as wide as their longest cell, two spaces apart."""
    lines = [headings, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
