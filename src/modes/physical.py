# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An interface of each machine as the uplink of OVN networks. No instance can be on it itself."""

from dataclasses import replace

from modes import lxd_keys, macvlan, parent_checks
from modes.address_keys import WORD_OF_UPLINK, of_uplink
from modes.mode import Mode, Site
from values.interface import Interface
from values.status import StatusText
from values.wanted_network import WantedNetwork


def _config(wanted: WantedNetwork) -> dict[str, str]:
    return {**macvlan.config(wanted), **of_uplink(wanted)}


def _resolve(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    """Without the operator's values, it takes the machine's own router and name servers."""
    if site.parent is None:
        return keys
    gateway = wanted.gateway or site.parent.routers
    dns = wanted.dns or site.parent.resolvers
    return {**keys, **of_uplink(replace(wanted, gateway=gateway, dns=dns))}


def _unfit(wanted: WantedNetwork, interface: Interface) -> StatusText:
    # It can share a bridge.
    if interface.bridge:
        return ""
    # LXD itself adds it to an Open vSwitch, and sets it up.
    problem = (
        ""
        if interface.master == parent_checks.OPEN_VSWITCH or wanted.vlan
        else parent_checks.port(interface)
    )
    if problem := problem or parent_checks.wireless(interface):
        return problem
    # LXD takes the whole interface, and would cut off the machine. With a VLAN it takes only the
    # VLAN's own interface (by source, 5.0 to 6.9).
    if not interface.subnets or wanted.vlan:
        return ""
    return f"has the address {interface.subnets[0].partition('/')[0]}: the machine needs it"


MODE = Mode(
    name="physical",
    type="physical",
    takes=lxd_keys.PHYSICAL,
    words=macvlan.WORDS | {"gateway", "ranges", "dns"},
    word_of={**macvlan.WORD_OF, **WORD_OF_UPLINK},
    config=_config,
    resolve=_resolve,
    chosen=frozenset({"ipv4.gateway", "ipv6.gateway", "dns.nameservers"}),
    needs_parent=True,
    unfit=_unfit,
    exclusive=True,
    # "Cannot update network parent interface when in use" (by source, 5.0 to 6.9).
    fixed_in_use=frozenset({"parent", "vlan"}),
    ranges_in="gateway",
)
