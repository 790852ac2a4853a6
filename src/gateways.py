"""Which members OVN's networks reach the world by.

LXD has a role for it: where some members have it, they alone are gateways; where none has, all
are. LXD looks at the roles with every heartbeat. LXD 5.0.2 lets nobody go who was one for a network
once (it looks for a chassis's name among ids): there they have to be chosen before it is made.
"""

from __future__ import annotations

from fnmatch import fnmatch

from options import Options
from status import Status, blocked
from steps import SetRole
from view import Lxd
from yaml_maps import words

ROLE = "ovn-chassis"


def steps(options: Options, lxd: Lxd) -> list[SetRole]:
    """Gives the role to those whose names the option fits, and takes it from the others.

    Without the option the roles are an operator's.
    """
    fit = _fit(options, lxd)
    change = {m.name: m.name in fit for m in lxd.members if (ROLE in m.roles) != (m.name in fit)}
    return [SetRole(ROLE, change)] if fit and change else []


def problem(options: Options, lxd: Lxd) -> Status | None:
    """Blocked where the option fits no member: to LXD all would be gateways then."""
    if not options.ovn_gateways or _fit(options, lxd):
        return None
    there = "|".join(sorted(m.name for m in lxd.members))
    return blocked(f"ovn-gateways={options.ovn_gateways[:20]} fits no member; use {there}")


def _fit(options: Options, lxd: Lxd) -> set[str]:
    patterns = words(options.ovn_gateways)
    return {m.name for m in lxd.members if any(fnmatch(m.name, p) for p in patterns)}
