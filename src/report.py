"""Tables for people."""

from __future__ import annotations

from collections.abc import Iterable

from view import Lxd, Peers, Pool

_HEADINGS = ("Unit", "Member", "Address", "Roles", "State", "Version")
_POOL_HEADINGS = ("Pool", "Driver", "State", "Role", "Used by")


def members_table(lxd: Lxd, peers: Peers, unit: str) -> str:
    """The cluster's members: what Juju calls them, what LXD calls them, and how they are."""
    by_name = {d.name: (u, d) for u, d in {unit: peers.own, **peers.others}.items() if d.cluster}
    rows: list[tuple[str, ...]] = []
    for member in lxd.members:
        of_unit, data = by_name.get(member.name, ("-", None))
        roles = ", ".join(sorted(member.roles)) or "-"
        version = data.lxd if data else "-"
        rows.append((of_unit, member.name, member.address, roles, member.status, version))
    return table(_HEADINGS, sorted(rows))


def pools_table(known: Iterable[Pool], wanted: Iterable[str], default: str) -> str:
    """The storage pools: what each is for, and how much uses it."""
    asked = set(wanted)
    rows = [
        (
            pool.name,
            pool.driver,
            pool.status,
            "default" if pool.name == default else "asked for" if pool.name in asked else "left",
            str(len(pool.users)),
        )
        for pool in known
    ]
    return table(_POOL_HEADINGS, sorted(rows))


def table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Columns as wide as their longest cell, two spaces apart."""
    lines = [headings, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
