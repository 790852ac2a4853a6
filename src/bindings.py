"""Which of the addresses that Juju's bindings have are LXD's.

A binding may have several, of both families, and Juju may sort them otherwise after a reboot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from addresses import chosen, family, host
from view import Peers, Server


class Chosen(NamedTuple):
    """An address for the cluster's traffic and one for the API, empty where there is none."""

    cluster: str
    https: str


def choose(
    peers: Peers | None, server: Server | None, cluster: Sequence[str], https: Sequence[str]
) -> Chosen:
    """The addresses for LXD on this machine, of those on its bindings.

    `server` is None while LXD does not answer.
    """
    config = server.config if server else dict[str, str]()
    member = server.clustered if server else bool(peers and peers.own.cluster)
    published = [peers.own.address] if peers and peers.own.cluster else []
    for_cluster = chosen(
        cluster,
        [*_configured(config.get("cluster.https_address", "")), *published],
        0 if member else members_family(peers),
        member=member,
    )
    for_api = chosen(
        https,
        _configured(config.get("core.https_address", "")),
        family(for_cluster),
        member=member,
    )
    return Chosen(for_cluster, for_api)


def members_family(peers: Peers | None) -> int:
    """The version of IP by which the cluster's members reach one another, 0 without members.

    The founder's counts, as far as it is known.
    """
    if peers is None:
        return 0
    founder = peers.others.get(peers.app.bootstrap)
    told = [founder] if founder else []
    told += [peers.others[unit] for unit in sorted(peers.others)]
    return next((family(d.address) for d in told if d.cluster and d.address), 0)


def _configured(endpoint: str) -> list[str]:
    return [host(endpoint)] if endpoint else []
