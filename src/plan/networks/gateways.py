# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The members that are gateways of OVN's networks.

LXD has a role for it: if some members have it, only they are gateways; if none has it, all are. LXD
checks the roles at every heartbeat. LXD 5.0.2 never removes a member that was once a gateway for a
network (it looks for a chassis's name among ids): with it, choose the gateways before the network
is made.
"""

from __future__ import annotations

from fnmatch import fnmatch

from options.options import Options
from state.cluster import ClusterView
from steps.plan import Step
from steps.server import SetRole, WriteNotes
from values.status import Status, blocked
from values.yaml_maps import words

ROLE = "ovn-chassis"
NOTE = "gateways"
"""The addresses of members that got the role from the charm: a role from an operator stays.

A member's name can change, its address cannot. An older charm noted names.
"""


def steps(options: Options, lxd: ClusterView) -> list[Step]:
    """Gives the role to the members that match the option, and removes it from the others.

    Without the option it is removed from those that got it from the option: the others are the
    operator's.
    """
    gateways = {m.name for m in lxd.members if ROLE in m.roles}
    noted = lxd.notes.get(NOTE, "")
    noted_gateways = {m.name for m in lxd.members if {m.name, m.address} & set(noted.split())}
    if not options.ovn_gateways:
        return _removal(noted_gateways & gateways) if noted else []
    fit = _fit(options, lxd)
    return _assignment(lxd, gateways, noted_gateways, fit) if fit else []


def _removal(gateways: set[str]) -> list[Step]:
    """The members lose the role, and then the note."""
    roles: list[Step] = [SetRole(ROLE, dict.fromkeys(sorted(gateways), False))] if gateways else []
    return [*roles, WriteNotes({NOTE: ""})]


def _assignment(
    lxd: ClusterView, gateways: set[str], noted_gateways: set[str], fit: set[str]
) -> list[Step]:
    """The members in `fit` have the role, and no others."""
    change = {m.name: m.name in fit for m in lxd.members if (m.name in gateways) != (m.name in fit)}
    # The note keeps each role that the charm gave until the role is removed: LXD may refuse a
    # change.
    owned = (fit - gateways) | (noted_gateways & (fit | gateways))
    note = " ".join(sorted(m.address for m in lxd.members if m.name in owned))
    # The note comes first: if the hook is killed in between, it shows which roles the charm gave.
    noting: list[Step] = [WriteNotes({NOTE: note})] if note != lxd.notes.get(NOTE, "") else []
    return [*noting, SetRole(ROLE, change)] if change else noting


def problem(options: Options, lxd: ClusterView) -> Status | None:
    """Blocked if the option matches no member: for LXD all would be gateways then."""
    if not options.ovn_gateways or _fit(options, lxd):
        return None
    members = "|".join(sorted(m.name for m in lxd.members))
    return blocked(f"ovn-gateways={options.ovn_gateways[:20]} matches no member; use {members}")


def _fit(options: Options, lxd: ClusterView) -> set[str]:
    patterns = words(options.ovn_gateways)
    return {m.name for m in lxd.members if any(fnmatch(m.name, p) for p in patterns)}
