"""The effect of the options on the whole cluster, in words, before anything is done."""

from __future__ import annotations

import backends
import modes
from observe.view import observe_networks
from plan.networks import contributions, networks
from plan.storage import pools
from plan.unit import make_plan
from ports.ports import Ports
from state.cluster import ClusterView
from state.view import View
from steps.networks import PinNics, SetDefaultProfile
from steps.storage import CreatePool, PinRootDisks


def answer(view: View, ports: Ports) -> dict[str, object]:
    """The output of the action `plan`."""
    findings = lines(view, observe_networks(view, ports))
    steps = "\n".join(f"{i}. {line}" for i, line in enumerate(findings, 1))
    return {"plan": steps or "nothing to do", "status": str(make_plan(view).status)}


def lines(view: View, whole: View) -> list[str]:
    """The steps that are due on this unit, then what the cluster still needs of all units.

    `whole` is the same view, with all other facts about the cluster.
    """
    own = [str(step) for step in make_plan(view).steps]
    later = [*_of_networks(whole), *_of_pools(whole)]
    return own + [line for line in later if line not in own]


def _of_networks(view: View) -> list[str]:
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or lxd.networks is None or lxd.nic is None:
        return []
    members = sorted(m.name for m in lxd.members)
    found: list[str] = []
    first, *more = networks.wanted(view, lxd.networks)
    for net in (first, *more):
        mode = modes.MODES[net.mode]
        if mode.type and networks.made(lxd, net.name):
            continue
        if contributions.concerns(net) and len(members) > 1:
            found.append(f"ask {', '.join(members)} what they give to the network {net.name}")
        if mode.type:
            found.append(f"create the {mode.name} network {net.name} on {', '.join(members)}")
    nic = modes.MODES[first.mode].nic(first, " or ".join(first.parents))
    if lxd.nic.get("network") == nic.get("network") and lxd.nic.get("parent") == nic.get("parent"):
        return found
    staying = [str(PinNics(lxd.nic))] if lxd.nic else []
    where = nic.get("network") or nic.get("parent") or "none"
    return [*found, *staying, f"let the default profile use the network {where}"]


def _of_pools(view: View) -> list[str]:
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or peers is None:
        return []
    decided, existing = peers.app.storage, lxd.pools
    if decided is None or existing is None or pools.misfit(view, decided, existing):
        return []
    wanted = pools.wanted(view, decided, existing)
    members = sorted(m.name for m in lxd.members)
    found: list[str] = []
    for pool in pools.unmade(wanted, existing):
        if len(members) > 1:
            found.append(f"ask {', '.join(members)} what they give to the pool {pool.name}")
        driver = backends.BACKENDS[pool.backend].driver
        found.append(str(CreatePool(pool.name, driver, {}, {name: {} for name in members})))
    default = wanted[0].name
    if any(p.name == default and pools.PROFILE in p.used_by for p in existing):
        return found
    moved = [str(PinRootDisks(p.pool)) for p in pools.moving(default, existing)]
    return [*found, *moved, str(SetDefaultProfile(default, None))]
