# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The effect of the options on the whole cluster, in words, before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import backends
import modes
from observe.view import observe_networks
from options.options import Options
from plan.networks import contributions, networks, wanted_networks
from plan.server import settings
from plan.storage import pools
from plan.unit import make_plan
from ports.ports import Ports
from state.cluster import ClusterView
from state.view import View
from steps.networks import PinNics, SetDefaultProfile, UpdateNetwork
from steps.storage import CreatePool, PinRootDisks
from values import profile_devices
from values.wanted_network import WantedNetwork
from values.wanted_pool import WantedPool


def answer(view: View, ports: Ports, present: Options | None) -> dict[str, object]:
    """The output of the action `plan`.

    `present` are the options without its parameters, None if they are not valid.
    """
    findings = lines(view, observe_networks(view, ports), present)
    steps = "\n".join(f"{i}. {line}" for i, line in enumerate(findings, 1))
    return {"plan": steps or "nothing to do", "status": str(make_plan(view).status)}


def lines(view: View, whole: View, present: Options | None) -> list[str]:
    """The steps that are due on this unit, then what the cluster still needs of all units.

    `whole` is the same view, with all other facts about the cluster. About `present` see `answer`.
    """
    steps = make_plan(view).steps
    own = [str(step) for step in steps]
    changed = {step.name for step in steps if isinstance(step, UpdateNetwork)}
    later = [
        *_settings_lines(whole, present),
        *_networks_lines(whole, changed),
        *_pools_lines(whole),
    ]
    return own + [line for line in later if line not in own]


def _settings_lines(view: View, present: Options | None) -> list[str]:
    """The keys of LXD's server configuration that all members share, if the options change.

    A daemon that was cut off while another member set a key still shows the earlier value.
    """
    lxd = view.lxd
    if view.options == present or not isinstance(lxd, ClusterView) or not lxd.server.clustered:
        return []
    due = settings.server_config(view.options, lxd.server.config, of_member=False)
    return [str(step) for step in due]


def _networks_lines(view: View, changed: Collection[str]) -> list[str]:
    """`changed` are networks whose changes are among this unit's own steps."""
    lxd = view.lxd
    if not isinstance(lxd, ClusterView) or lxd.networks is None or lxd.nic is None:
        return []
    first, *more = wanted_networks.of_options(view.options, lxd.networks)
    contested = wanted_networks.contested(view.options, lxd.networks)
    nets = more if contested else [first, *more]
    lines = [line for net in nets for line in _network_lines(view, lxd, net, changed)]
    if contested or _is_left_alone(view, lxd, first):
        return lines
    return [*lines, *_default_nic_lines(view, first, lxd.nic)]


def _is_left_alone(view: View, lxd: ClusterView, net: WantedNetwork) -> bool:
    """Whether the default network is one that the charm neither changes nor uses."""
    change = networks.foreseen(view, lxd, net)
    return change.problem is not None and change.nic is None


def _network_lines(
    view: View, lxd: ClusterView, net: WantedNetwork, changed: Collection[str]
) -> list[str]:
    """How a network is made or changes, or why it does not change."""
    members = sorted(m.name for m in lxd.members)
    if not _is_made(net, lxd):
        return _creation_lines(view, net, members)
    if net.name in changed:
        return []
    change = networks.foreseen(view, lxd, net)
    if change.problem:
        return [f"refused: {change.problem.message}"]
    ask = _ask_lines(view, net, members) if change.steps else []
    return [*ask, *(str(step) for step in change.steps)]


def _is_made(net: WantedNetwork, lxd: ClusterView) -> bool:
    return bool(modes.MODES[net.mode].type and wanted_networks.made(lxd, net.name))


def _creation_lines(view: View, net: WantedNetwork, members: list[str]) -> list[str]:
    """How a missing network is made."""
    mode, lines = modes.MODES[net.mode], _ask_lines(view, net, members)
    if mode.type:
        lines.append(f"create the {mode.name} network {net.name} on {', '.join(members)}")
    return lines


def _ask_lines(view: View, net: WantedNetwork, members: list[str]) -> list[str]:
    """A unit that has answered is not asked again."""
    answered = view.peers is not None and contributions.question(net) in view.peers.own.links
    if answered or not contributions.asks_units(net) or len(members) < 2:
        return []
    return [f"ask {', '.join(members)} what they give to the network {net.name}"]


def _default_nic_lines(view: View, default: WantedNetwork, current: Mapping[str, str]) -> list[str]:
    """How the default profile's nic, which is `current`, changes to the default network."""
    mode = modes.MODES[default.mode]
    parent = contributions.to_network(view, default).parent if mode.one_name else ""
    nic = mode.nic(default, parent or " or ".join(default.parents))
    if nic == profile_devices.place(current):
        return []
    staying = [str(PinNics(current))] if current else []
    target = nic.get("network") or nic.get("parent")
    # The operator has not named the bridge yet, or the profile loses its nic.
    unnamed = "of a bridge of the machines" if nic else "none"
    return [*staying, f"let the default profile use the network {target or unnamed}"]


def _pools_lines(view: View) -> list[str]:
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, ClusterView) or peers is None:
        return []
    decided, existing = peers.app.storage, lxd.pools
    if decided is None or existing is None or pools.mismatch(view, decided, existing):
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
    moved = [str(PinRootDisks(p.pool)) for p in pools.pinning(default, existing)]
    return [*moved, str(SetDefaultProfile(default, None))]
