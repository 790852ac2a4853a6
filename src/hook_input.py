"""What Juju says to this unit, and what follows from it alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import bindings
import listeners
from addresses import endpoint
from facts import Bound, Ceph, Ovn
from options import Options
from view import Peers, Resource, Server, Units
from world import World


@dataclass(frozen=True)
class Juju:
    """What Juju says to this unit, read once at the beginning of a hook."""

    unit: str
    leader: bool
    options: Options
    resource: Resource | None
    cluster_addresses: tuple[str, ...]
    https_addresses: tuple[str, ...]
    zone: str
    peers: Peers | None
    units: Units | None = None
    leaving: bool = False
    devices: tuple[str, ...] = ()
    """Block devices that Juju gave this unit."""
    ceph: Ceph | None = None
    ovn: Ovn | None = None
    bound: Bound = field(default_factory=Bound)


def addresses(juju: Juju, server: Server | None) -> bindings.Chosen:
    """This unit's addresses, chosen among those of its bindings."""
    return bindings.choose(juju.peers, server, juju.cluster_addresses, juju.https_addresses)


def deaf(juju: Juju, server: Server, world: World) -> dict[str, str]:
    """Addresses of this machine on which LXD should listen and does not, and who does."""
    ours = addresses(juju, server)
    wanted = {ours.cluster, ours.https} - {""}
    own = server.config.get("cluster.https_address", "")
    if server.clustered and own and endpoint(ours.cluster) != own:
        # The machine does not have its member's address any more.
        wanted -= {ours.cluster}
    return listeners.deaf(wanted, server, world)
