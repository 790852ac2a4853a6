"""Which members OVN's networks reach the world by.

LXD has a role for it: where some members have it, they alone are gateways; where none has, all
are. LXD looks at the roles with every heartbeat. LXD 5.0.2 lets nobody go who was one for a network
once (it looks for a chassis's name among ids): there they have to be chosen before it is made.
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
"""Members that the charm has given the role: what an operator gave stays."""


def steps(options: Options, lxd: ClusterView) -> list[Step]:
    """Gives the role to those whose names the option fits, and takes it from the others.

    Without the option it is taken from those that had it by the option: the rest is an operator's.
    """
    has = {m.name for m in lxd.members if ROLE in m.roles}
    noted = set(lxd.notes.get(NOTE, "").split())
    if not options.ovn_gateways:
        given = dict.fromkeys(sorted(noted & has), False)
        taken: list[Step] = [SetRole(ROLE, given)] if given else []
        return [*taken, WriteNotes({NOTE: ""})] if noted else []
    fit = _fit(options, lxd)
    change = {m.name: m.name in fit for m in lxd.members if (m.name in has) != (m.name in fit)}
    if not fit or not change:
        return []
    owned = " ".join(sorted((fit - has) | (noted & fit)))
    # The note comes first: after a hook that was killed in between it tells whose the roles are.
    return [WriteNotes({NOTE: owned}), SetRole(ROLE, change)]


def problem(options: Options, lxd: ClusterView) -> Status | None:
    """Blocked where the option fits no member: to LXD all would be gateways then."""
    if not options.ovn_gateways or _fit(options, lxd):
        return None
    there = "|".join(sorted(m.name for m in lxd.members))
    return blocked(f"ovn-gateways={options.ovn_gateways[:20]} fits no member; use {there}")


def _fit(options: Options, lxd: ClusterView) -> set[str]:
    patterns = words(options.ovn_gateways)
    return {m.name for m in lxd.members if any(fnmatch(m.name, p) for p in patterns)}
