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
    kept_addresses = [a for a in choice.current_addresses(juju.peers, server) if is_address(a)]
    local = frozenset(a for a in kept_addresses if ports.machine.has_address(a))
    needs_interfaces = choice.is_choice(juju.peers, server, cluster, https, local)
    interfaces = ports.machine.interfaces() if needs_interfaces else ()
    machine = choice.Addresses(local, interfaces)
    return choice.choose(juju.peers, server, cluster, https, machine)


def not_listening(juju: HookInput, server: Server, ports: Ports) -> dict[str, str]:
    """Addresses of this machine on which LXD should listen and does not.

    By address: the program that listens there instead, empty if none does.
    """
    own_addresses = addresses(juju, server, ports)
    wanted = {own_addresses.cluster, own_addresses.https} - {""}
    own = server.config.get("cluster.https_address", "")
    if server.clustered and own and endpoint(own_addresses.cluster) != own:
        # The machine no longer has its member's address.
        wanted -= {own_addresses.cluster}
    return listeners.not_listening(wanted, server, ports)
