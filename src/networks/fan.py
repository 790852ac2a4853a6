"""Ubuntu's fan: every address of the machines' subnet has a subnet of an overlay behind it."""

from networks.mode import Mode, Site, on_network
from networks.wanted import WantedNetwork


def _config(wanted: WantedNetwork) -> dict[str, str]:
    return {
        "bridge.mode": "fan",
        "bridge.mtu": str(wanted.mtu or ""),
        "fan.underlay_subnet": "auto",
        "ipv4.nat": "true" if wanted.nat else "false",
    }


def _resolve(keys: dict[str, str], wanted: WantedNetwork, site: Site) -> dict[str, str]:
    del wanted
    # LXD's own choice is the subnet of the default gateway.
    return {**keys, "fan.underlay_subnet": site.subnet or "auto"}


MODE = Mode(
    name="fan",
    type="bridge",
    words=frozenset({"nat", "mtu"}),
    config=_config,
    resolve=_resolve,
    nic=on_network,
    needs="fan",
)
