# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""This unit's addresses, and whether LXD listens on them."""

from __future__ import annotations

from observe import listeners
from plan.addresses import choice
from ports.ports import Ports
from state.cluster import Server
from state.hook_input import HookInput
from values.addresses import endpoint, is_address


def addresses(juju: HookInput, server: Server | None, ports: Ports) -> choice.Chosen:
    """This unit's addresses, chosen from those of its bindings."""
    cluster, https = juju.cluster.addresses, juju.https.addresses
    kept = [a for a in choice.kept(juju.peers, server) if is_address(a)]
    here = frozenset(a for a in kept if ports.machine.has_address(a))
    looks = choice.is_choice(juju.peers, server, cluster, https, here)
    interfaces = ports.machine.interfaces() if looks else ()
    machine = choice.Addresses(here, interfaces)
    return choice.choose(juju.peers, server, cluster, https, machine)


def deaf(juju: HookInput, server: Server, ports: Ports) -> dict[str, str]:
    """Addresses of this machine on which LXD should listen and does not, with the listener."""
    ours = addresses(juju, server, ports)
    wanted = {ours.cluster, ours.https} - {""}
    own = server.config.get("cluster.https_address", "")
    if server.clustered and own and endpoint(ours.cluster) != own:
        # The machine no longer has its member's address.
        wanted -= {ours.cluster}
    return listeners.deaf(wanted, server, ports)
