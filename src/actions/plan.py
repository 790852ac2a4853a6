# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The effect of the options on the whole cluster, in words, before anything is done."""

from __future__ import annotations

from collections.abc import Mapping

import backends
import modes
from observe.view import observe_networks
from plan.networks import contributions, wanted_networks
from plan.storage import pools
from plan.unit import make_plan
from ports.ports import Ports
from state.cluster import ClusterView
from state.view import View
from steps.networks import PinNics, SetDefaultProfile
from steps.storage import CreatePool, PinRootDisks
from values.wanted_network import WantedNetwork
from values.wanted_pool import WantedPool


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
    later = [*_networks_lines(whole), *_pools_lines(whole)]
    return own + [line for line in later if line not in own]


def _networks_lines(view: View) -> list[str]:
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or lxd.networks is None or lxd.nic is None:
        return []
    members = sorted(m.name for m in lxd.members)
    first, *more = wanted_networks.of_options(view.options, lxd.networks)
    contested = wanted_networks.contested(view.options, lxd.networks)
    missing = [net for net in [*([] if contested else [first]), *more] if not _is_made(net, lxd)]
    made = [line for net in missing for line in _network_lines(net, members)]
    return made if contested else [*made, *_default_nic_lines(first, lxd.nic)]


def _is_made(net: WantedNetwork, lxd: ClusterView) -> bool:
    return bool(modes.MODES[net.mode].type and wanted_networks.made(lxd, net.name))


def _network_lines(net: WantedNetwork, members: list[str]) -> list[str]:
    """How a missing network is made."""
    mode, member_names = modes.MODES[net.mode], ", ".join(members)
    lines: list[str] = []
    if contributions.concerns(net) and len(members) > 1:
        lines.append(f"ask {member_names} what they give to the network {net.name}")
    if mode.type:
        lines.append(f"create the {mode.name} network {net.name} on {member_names}")
    return lines


def _default_nic_lines(default: WantedNetwork, current: Mapping[str, str]) -> list[str]:
    """How the default profile's nic, which is `current`, changes to the default network."""
    nic = modes.MODES[default.mode].nic(default, " or ".join(default.parents))
    if all(current.get(key) == nic.get(key) for key in ("network", "parent")):
        return []
    staying = [str(PinNics(current))] if current else []
    target = nic.get("network") or nic.get("parent") or "none"
    return [*staying, f"let the default profile use the network {target}"]


def _pools_lines(view: View) -> list[str]:
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or peers is None:
        return []
    decided, existing = peers.app.storage, lxd.pools
    if decided is None or existing is None or pools.misfit(view, decided, existing):
        return []
    wanted = pools.wanted(view, decided, existing)
    members = sorted(m.name for m in lxd.members)
    unmade = pools.unmade(wanted, existing)
    made = [line for pool in unmade for line in _pool_lines(pool, members)]
    return [*made, *_default_pool_lines(wanted[0].name, lxd)]


def _pool_lines(pool: WantedPool, members: list[str]) -> list[str]:
    """How a missing pool is made."""
    ask = f"ask {', '.join(members)} what they give to the pool {pool.name}"
    driver = backends.BACKENDS[pool.backend].driver
    create = str(CreatePool(pool.name, driver, {}, {name: {} for name in members}))
    return [ask, create] if len(members) > 1 else [create]


def _default_pool_lines(default: str, lxd: ClusterView) -> list[str]:
    """How the default profile changes to the default pool."""
    existing = lxd.pools or ()
    if any(p.name == default and pools.holds_root(p, lxd) for p in existing):
        return []
    moved = [str(PinRootDisks(p.pool)) for p in pools.moving(default, existing)]
    return [*moved, str(SetDefaultProfile(default, None))]
