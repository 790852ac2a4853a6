# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The member that may make itself the only voter of a database without a quorum, and when.

If two members recover, there are two clusters. The same happens if one recovers while the others
have their quorum. So a voter counts as lost only if Juju has removed its unit or the operator names
it. A named voter whose unit Juju still has gets some minutes to report that its LXD works. Every
other member with a copy of the database must also have reported since then that its database does
not answer, and how new its copy is. The same holds for each unit that this copy of the database
does not know yet, or calls a spare: it may have joined, or been promoted, since then. The newest
copy recovers: it has everything that was ever confirmed to a client, as far as any surviving
machine has it. LXD makes the others follow it (measured on 5.0.2, 5.21.7 and 6.9, with a survivor
that was behind).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import deadlines
from records import member_units
from state.cluster import ClusterView
from state.facts import DatabaseCopy, DatabaseNode, Entry, Role
from state.peers import UnitData
from state.view import Peers, View
from steps.plan import Step
from steps.server import NoteUnits
from values.status import names

RESTART_AGENT = "systemctl restart 'jujud-machine-*'"
"""Lets Juju's agent read the others' data again. Instances do not notice it."""

_NO_COPY = Entry(0, 0)
"""The last entry that a member without a copy of the database publishes."""


@dataclass(frozen=True)
class Recovery:
    """Whether this member may recover.

    `problem` says why it may not, empty if it may. `lost` are the addresses of the members with a
    copy that are lost: publishing them asks the other members.
    """

    problem: str = ""
    lost: frozenset[str] = frozenset()


def recovery(view: View, peers: Peers, copy: DatabaseCopy, named: frozenset[str]) -> Recovery:
    """What prevents a recovery here. `named` are the members that the operator calls lost."""
    copy = _with_later_members(view, peers, copy)
    if problem := _unknown_name(view, peers, copy, named):
        return Recovery(problem)
    others = _others_with_copies(copy, peers)
    lost_nodes = [node for node in others if _is_lost(node, view, peers, named)]
    lost = {node.address for node in lost_nodes}
    rest = [node for node in others if node.address not in lost]
    rest += _promotable(copy, view, peers, named)
    return Recovery(_problem(view, peers, copy, lost_nodes, rest), frozenset(lost))


def _problem(
    view: View,
    peers: Peers,
    copy: DatabaseCopy,
    lost_nodes: list[DatabaseNode],
    rest: list[DatabaseNode],
) -> str:
    """What prevents a recovery without the lost members. `rest` are the others with a copy."""
    lost = {node.address for node in lost_nodes}
    return (
        _unusable(view, peers, copy)
        or _quorum_may_return(view, peers, copy, lost)
        or _works_elsewhere(view, peers)
        or _not_newest(view, peers, copy, rest, lost)
        or _may_still_answer(view, peers, lost_nodes)
    )


def _others_with_copies(copy: DatabaseCopy, peers: Peers) -> list[DatabaseNode]:
    own = copy.node(peers.own.address)
    return [node for node in copy.nodes if node is not own and node.role is not Role.SPARE]


def _promotable(
    copy: DatabaseCopy, view: View, peers: Peers, named: frozenset[str]
) -> list[DatabaseNode]:
    """Members that may have a copy by now, although this copy does not know it."""
    spare = (node for node in copy.nodes if node.role is Role.SPARE)
    return [node for node in spare if _may_be_promoted(node, view, peers, named)]


def answers(peers: Peers) -> dict[str, float]:
    """What a member whose LXD works publishes to the units that ask whether it works.

    By unit: the time of its question, in seconds since the epoch.
    """
    return {unit: data.asked for unit, data in peers.others.items() if data.asked}


def asked_since(view: View, peers: Peers, lost: frozenset[str]) -> float:
    """The time since which this unit asks about these members, in seconds since the epoch.

    It is now unless the unit has asked before. An answer may be old, so after some minutes the unit
    asks again whether LXD still works there.
    """
    own = peers.own
    before = frozenset(own.lost) == lost and 0 < own.asked <= view.now
    outdated = _working(view, peers) and view.now - own.asked > deadlines.RECOVERY_ANSWER
    return own.asked if before and not outdated else view.now


def _working(view: View, peers: Peers) -> list[str]:
    """The units in Juju that have answered this unit's question: their LXD works."""
    asked_at = peers.own.asked
    answers = (
        u for u, d in peers.others.items() if asked_at and d.works.get(view.unit) == asked_at
    )
    return sorted(u for u in answers if view.units is None or u in view.units.in_juju)


def _works_elsewhere(view: View, peers: Peers) -> str:
    """Why there is a quorum: a member that this one does not reach has reported it."""
    working = names(_working(view, peers))
    if not working:
        return ""
    return (
        f"this machine is cut off, LXD works on {working}: mend the network. If they are "
        "dead by now, run this twice more, in 5 min each, or juju remove-machine --force N"
    )


def reused_addresses(view: View, peers: Peers) -> frozenset[str]:
    """Addresses that lost members had, and that the machines of new units have now."""
    new = (u for u, d in peers.others.items() if not (d.cluster or d.silent or d.unsure))
    units = frozenset(view.noted_units.values())
    return frozenset(peers.others[unit].address for unit in new if unit not in units)


def _may_still_answer(view: View, peers: Peers, lost: list[DatabaseNode]) -> str:
    """Why a named member may not be lost: Juju has its unit, and the time to answer is not over.

    A machine that is cut off from the others' LXD may still reach Juju.
    """
    units = sorted(unit for n in lost if (unit := _unit_of(n, view, peers)))
    there = [u for u in units if view.units is None or u in view.units.in_juju]
    asked_at = asked_since(view, peers, frozenset(n.address for n in lost))
    left = deadlines.RECOVERY_ANSWER - (view.now - asked_at)
    if not there or left <= 0:
        return ""
    return (
        f"Juju has {names(there)}, so this asks them whether LXD works there: "
        f"run it again in {math.ceil(left / 60)} min, with lost={','.join(there)}"
    )


def _unusable(view: View, peers: Peers, copy: DatabaseCopy) -> str:
    """Why the database on this machine can never be the cluster's."""
    own = copy.node(peers.own.address)
    if own is None or own.role is Role.SPARE:
        why = "this member has no copy of the database: run the action on another one"
        # The unit that can recover waits until this unit has answered its question.
        return f"{why}; {_how_to_get_answers(view)}" if _gets_no_answers(view) else why
    if last_entry(peers, copy) is None:
        return "the database here has no entries: run the action on another one"
    return ""


def _with_later_members(view: View, peers: Peers, copy: DatabaseCopy) -> DatabaseCopy:
    """The copy, with the members that joined after its last entry: their copies may be newer.

    A unit may have joined and not published it yet. It counts if its database does not answer.
    """
    later = tuple(
        DatabaseNode(data.address, data.name, Role.STAND_BY)
        for unit, data in sorted(peers.others.items())
        if (data.silent or (data.cluster and data.cluster == peers.own.cluster))
        and (view.units is None or unit in view.units.in_juju)
        and unit not in peers.app.removed
        and data.address
        and copy.node(data.address) is None
    )
    return replace(copy, nodes=(*copy.nodes, *later))


def _may_be_promoted(node: DatabaseNode, view: View, peers: Peers, named: frozenset[str]) -> bool:
    """Whether a member that this copy calls a spare may have a newer copy: its unit is in Juju."""
    if _is_lost(node, view, peers, named):
        return False
    unit = next((u for u, d in peers.others.items() if d.address == node.address), "")
    in_juju = bool(unit) and (view.units is None or unit in view.units.in_juju)
    return in_juju and unit not in peers.app.removed


def _unknown_name(view: View, peers: Peers, copy: DatabaseCopy, named: frozenset[str]) -> str:
    """The message about a name from the action that no member has, empty if each name is known."""
    unknown = sorted(named - _accepted_names(view, peers, copy))
    if not unknown:
        return ""
    members = ", ".join(sorted(n.name or n.address for n in copy.nodes))
    return f"lost={unknown[0]}: no member has that name; the members are: {members}"


def _accepted_names(view: View, peers: Peers, copy: DatabaseCopy) -> set[str]:
    """The names that the action accepts for the members."""
    node_names = {n.name for n in copy.nodes} | {n.address for n in copy.nodes}
    units = {u for u, d in peers.others.items() if copy.node(d.address)}
    noted_units = {u for address, u in view.noted_units.items() if copy.node(address)}
    return (node_names | units | noted_units) - {""}


def _is_lost(node: DatabaseNode, view: View, peers: Peers, named: frozenset[str]) -> bool:
    """Whether a member counts as lost.

    A member that never had a unit belongs to the operator: its absence from Juju means nothing.
    """
    unit = _unit_of(node, view, peers)
    if named & {node.name, node.address, unit}:
        return True
    return bool(unit) and view.units is not None and unit not in view.units.in_juju


def _unit_of(node: DatabaseNode, view: View, peers: Peers) -> str:
    """The unit of a member, even if it is gone. Empty for one that never had a unit.

    A new machine may have the address of a removed one.
    """
    members = [(u, d) for u, d in peers.others.items() if d.cluster or d.silent]
    at_address = [u for u, d in members if d.address == node.address]
    in_juju = [u for u in at_address if view.units is None or u in view.units.in_juju]
    return next(iter((*in_juju, view.noted_units.get(node.address, ""), *at_address)), "")


def _quorum_may_return(view: View, peers: Peers, copy: DatabaseCopy, lost: set[str]) -> str:
    """Why a recovery is too early: the database may get its quorum back. Empty if it cannot."""
    voters = copy.voters
    lost_voters = voters & lost
    if voters and len(lost_voters) * 2 >= len(voters):
        return ""
    remaining = sorted(voters - lost_voters - {peers.own.address})
    nodes = [n for address in remaining if (n := copy.node(address))]
    units = [_unit_of(n, view, peers) or n.name or n.address for n in nodes]
    return (
        f"{len(lost_voters)} of {len(voters)} voters are lost: start LXD on {names(units)}; for a "
        "machine that never comes back: juju remove-machine --force N, or lost=UNIT. If LXD runs "
        "there, the database has its quorum: snap restart --reload lxd on this machine"
    )


def _not_newest(
    view: View, peers: Peers, copy: DatabaseCopy, remaining: list[DatabaseNode], lost: set[str]
) -> str:
    """Why another member should recover, or why it is unknown which one should."""
    copies: list[_Copy] = []
    unanswered: list[str] = []
    for node in remaining:
        unit = _unit_of(node, view, peers)
        entry = _reported_entry(peers.others.get(unit), copy.voters & lost)
        if entry is None:
            unanswered.append(unit or node.name or node.address)
        else:
            copies.append(_Copy(entry, node.role is Role.VOTER, node.address, unit))
    if unanswered:
        return (
            f"{names(unanswered)} has not said yet that its database does not answer: "
            f"{_how_to_get_answers(view)}; if its unit is in error, run the action there first; "
            "if it is lost, too: juju remove-machine --force N, or lost=UNIT"
        )
    address = peers.own.address
    own_copy = _Copy(Entry(copy.term, copy.index), address in copy.voters, address, view.unit)
    best = max([own_copy, *copies])
    if best is own_copy:
        return ""
    if best.entry == own_copy.entry:
        return f"run it on {best.unit}: its database is as new, and only one may recover"
    return (
        f"run it on {best.unit}: its database is the newest (term {best.entry.term}, "
        f"index {best.entry.index}; here term {copy.term}, index {copy.index})"
    )


def _how_to_get_answers(view: View) -> str:
    """What to do until the others' answers are here.

    While a hook fails, Juju's agent runs no others and reads no new data of other units
    (uniter/runner/context/cache.go). A unit that is being removed without a quorum is in error.
    """
    if _gets_no_answers(view):
        return (
            "this unit gets no answers while its hook fails, so type on its machine: "
            f"{RESTART_AGENT}, and run this again"
        )
    return "run this again in some minutes"


def _gets_no_answers(view: View) -> bool:
    return view.units is not None and view.unit in view.units.leaving


@dataclass(frozen=True, order=True)
class _Copy:
    """A copy of the database. The greatest one recovers: it is the same for all units that ask.

    Among equally new copies, a voter's copy is greater.
    """

    entry: Entry
    voter: bool
    address: str
    unit: str


def _reported_entry(data: UnitData | None, lost: frozenset[str]) -> Entry | None:
    """The last entry of a unit's copy, None if it has not answered since the voters were lost."""
    if data is None or data.silent is None or not lost <= set(data.silent.without):
        return None
    return Entry(data.silent.term, data.silent.index)


def last_entry(peers: Peers, copy: DatabaseCopy) -> Entry | None:
    """The last entry of this machine's copy: Entry(0, 0) for a spare, None for an empty log."""
    own = copy.node(peers.own.address)
    if own is not None and own.role is Role.SPARE:
        return _NO_COPY
    return Entry(copy.term, copy.index) if copy.index else None


def has_no_copy(view: View, peers: Peers) -> bool:
    """Whether this machine certainly has no copy of the database: it is a spare's."""
    return view.database is not None and last_entry(peers, view.database) == _NO_COPY


def voters_with_only_copies(view: View, peers: Peers) -> list[str]:
    """The voters that this machine knows, by name or address. Empty if a unit may have a copy."""
    copy, units = view.database, view.units
    if copy is None or units is None or last_entry(peers, copy) != _NO_COPY:
        return []
    if not all(_has_no_copy(peers.others.get(unit)) for unit in units.in_juju - {view.unit}):
        return []
    return sorted(n.name or n.address for n in copy.nodes if n.role is Role.VOTER)


def _has_no_copy(data: UnitData | None) -> bool:
    """Whether a unit never was a member, or says that its member has no copy."""
    if data is None:
        return False
    if not data.cluster:
        return True
    return data.silent is not None and Entry(data.silent.term, data.silent.index) == _NO_COPY


def treated_as_lost(peers: Peers) -> tuple[str, ...]:
    """The voters that some unit treats as lost: each unit whose LXD does not answer says so."""
    return tuple(
        sorted({address for d in (peers.own, *peers.others.values()) for address in d.lost})
    )


def noting(view: View, lxd: ClusterView) -> list[Step]:
    """Notes on the disk of each member with the database which units have it.

    When the database does not answer and Juju has removed a unit, nothing else shows that the unit
    had a copy.
    """
    with_database = [m for m in lxd.members if m.voter or "database-standby" in m.roles]
    units = {m.address: unit for m in with_database if (unit := member_units.unit_of(m, lxd))}
    if lxd.own not in with_database or dict(view.noted_units) == units:
        return []
    return [NoteUnits(units)]
