"""A bridge on every member, with LXD's own DHCP and DNS on it."""

from __future__ import annotations

from networks.mode import Mode, Subnets


def _config(subnets: Subnets) -> dict[str, str]:
    config = {"ipv4.address": subnets.ipv4, "ipv6.address": subnets.ipv6}
    nat = "true" if subnets.nat else "false"
    # LXD refuses nat for a family that has no address.
    config |= {
        f"{family}.nat": nat
        for family, address in (("ipv4", subnets.ipv4), ("ipv6", subnets.ipv6))
        if address != "none"
    }
    return config


MODE = Mode(name="bridge", type="bridge", config=_config)
