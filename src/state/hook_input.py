"""What Juju says to this unit, and what follows from it alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import bindings
import listeners
from addresses import endpoint, is_address
from bindings import Binding
from facts import Bound, Ceph, Ovn, Proxies
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
    cluster: Binding
    https: Binding
    zone: str
    peers: Peers | None
    units: Units | None = None
    leaving: bool = False
    tells: bool = False
    """Whether one that leaves can still tell the others: its hook may end well, as another follows
    that can hold it."""
    devices: tuple[str, ...] = ()
    """Block devices that Juju gave this unit."""
    ceph: Ceph | None = None
    ovn: Ovn | None = None
    bound: Bound = field(default_factory=Bound)
    proxies: Proxies = field(default_factory=Proxies)


def addresses(juju: Juju, server: Server | None, world: World) -> bindings.Chosen:
    """This unit's addresses, chosen among those of its bindings."""
    cluster, https = juju.cluster.addresses, juju.https.addresses
    has = [a for a in bindings.kept(juju.peers, server) if is_address(a)]
    here = frozenset(a for a in has if world.machine.has_address(a))
    looks = bindings.is_choice(juju.peers, server, cluster, https, here)
    interfaces = world.machine.interfaces() if looks else ()
    machine = bindings.Addresses(here, interfaces)
    return bindings.choose(juju.peers, server, cluster, https, machine)


def unbound(juju: Juju) -> dict[str, str]:
    """By binding of which Juju cannot say anything: why, in its words."""
    return {b.name: b.problem for b in (juju.cluster, juju.https) if b.problem}


def deaf(juju: Juju, server: Server, world: World) -> dict[str, str]:
    """Addresses of this machine on which LXD should listen and does not, and who does."""
    ours = addresses(juju, server, world)
    wanted = {ours.cluster, ours.https} - {""}
    own = server.config.get("cluster.https_address", "")
    if server.clustered and own and endpoint(ours.cluster) != own:
        # The machine does not have its member's address any more.
        wanted -= {ours.cluster}
    return listeners.deaf(wanted, server, world)
