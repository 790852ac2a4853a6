# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The addresses that LXD listens on: what is due, and what prevents it.

LXD closes its cluster's listener when `core.https_address` moves off the cluster's address, and
opens no other. So one member at a time changes its address. The log LOG in LXD's database names
that member. A member begins only when all others answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plan.addresses.choice import members_family
from state.cluster import ClusterView, Member
from state.notes import entries_of
from state.unresponsive import Unresponsive
from state.view import Peers, View
from steps.addresses import ChangeAddress, Listen
from steps.plan import Plan, Step
from steps.server import RestartLxd
from values.addresses import PORT, endpoint, family
from values.status import Status, blocked, waiting

LOG = "address."
FREE = "-"
"""The last entry while no member changes its address."""


@dataclass(frozen=True)
class Due:
    """What is due on a member, and the status for the operator."""

    steps: tuple[Step, ...] = ()
    problem: Status | None = None


def changing_member(notes: Mapping[str, str]) -> str:
    """The member that changes its address now, empty if there is none."""
    entries = entries_of(LOG, notes)
    last = entries[max(entries)] if entries else FREE
    return "" if last == FREE else last


NO_NETWORK = "no network config"
"""Juju's message if a binding is in a space without a subnet of this machine. It does not change by
itself.
"""


def without_address(view: View) -> Status | None:
    """Why a unit that is not a member has no address on one of its bindings."""
    addresses = {"cluster": view.cluster_address, "https": view.https_address}
    missing = [binding for binding, address in addresses.items() if not address]
    if not missing:
        return None
    binding, why = missing[0], view.unbound.get(missing[0], "")
    if NO_NETWORK not in why:
        return waiting(f"for an address on the binding {binding}" + (f": {why}" if why else ""))
    # `juju bind APP SPACE` changes the default space, and moves only bindings in the old default.
    # If the other binding has a network, the command could move that one, or not move this one.
    space = "SPACE" if len(missing) == len(addresses) else f"{binding}=SPACE"
    app = view.unit.partition("/")[0]
    return blocked(f"the binding {binding} has no network: juju bind {app} {space}")


def taken(lxd: ClusterView | Unresponsive) -> Status | None:
    """Blocked while another program has LXD's port."""
    for address, program in sorted(lxd.not_listening.items()):
        if program:
            return blocked(f"{program} has port {PORT} of {address}, which LXD needs: stop it")
    return None


def other_family(view: View, peers: Peers) -> Status | None:
    """Blocked for a machine without an address of the members' family."""
    version = members_family(peers)
    if version in (0, family(view.cluster_address)):
        return None
    return blocked(f"the members have IPv{version} addresses, the binding cluster here has none")


def before_bootstrap(view: View, lxd: ClusterView) -> list[Step]:
    """Lets a server listen on both addresses before it bootstraps."""
    https, cluster = view.https_address, view.cluster_address
    ready = _listens(lxd, "core.https_address", https)
    ready = ready and _listens(lxd, "cluster.https_address", cluster)
    return [] if ready else [Listen(endpoint(https), endpoint(cluster))]


def before_join(view: View, lxd: ClusterView) -> list[Step]:
    """Lets a server listen before it joins. The join opens its cluster address."""
    ready = _listens(lxd, "core.https_address", view.https_address)
    return [] if ready else [Listen(endpoint(view.https_address))]


def _listens(lxd: ClusterView, key: str, address: str) -> bool:
    return lxd.server.config.get(key) == endpoint(address) and address not in lxd.not_listening


def on_member(view: View, lxd: ClusterView, member: Member) -> Due:
    """Moves a member's API to the address that the operator chose, when it is its turn."""
    if not view.https_address or not view.cluster_address:
        return Due()
    if problem := taken(lxd):
        return Due(problem=problem)
    wanted = endpoint(view.https_address)
    changing = changing_member(lxd.notes)
    as_wanted = lxd.server.config.get("core.https_address") == wanted and not lxd.not_listening
    if as_wanted and changing != member.name:
        return Due()
    other = lxd.member(changing)
    if other is not None and other.name != member.name and not other.up:
        # That member may be down because of its change: a second change might cost the quorum.
        return Due(
            problem=waiting(f"until {changing}, which is {other.status.lower()}, listens again")
        )
    return Due((ChangeAddress(member.name, view.cluster_address, wanted),))


def plan_without_listener(view: View, lxd: Unresponsive) -> Plan | None:
    """The plan if other members cannot reach this daemon because it does not listen. Else None."""
    if problem := taken(lxd):
        return Plan(problem)
    if not lxd.not_listening or view.history.restarted:
        return None
    return Plan(waiting("for LXD to listen again"), (RestartLxd(),))
