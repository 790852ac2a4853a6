# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Where a daemon listens on the network: a configured address is not always open.

Read in LXD's source (lxd/endpoints), the same in all generations.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from tests.lxd_model.refusal import Refusal

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

CORE, CLUSTER = "core.https_address", "cluster.https_address"
_ANY = ("", "0.0.0.0", "[::]")


class Listeners:
    """A server's listeners. `taken` are the endpoints of another program, and its name."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._core = ""
        """The endpoint of the listener for `core.https_address`."""
        self._cluster = ""
        """The endpoint for `cluster.https_address`, if the first does not cover it."""
        self.taken: dict[str, str] = {}

    def close(self) -> None:
        """The daemon has ended."""
        self._core = self._cluster = ""

    def open(self) -> None:
        """The daemon has started."""
        config = self._server.config
        core, cluster = config.get(CORE, ""), config.get(CLUSTER, "")
        self._core = core if core and self._is_free(core) else ""
        alone = cluster and not covers(core, cluster) and self._is_free(cluster)
        self._cluster = cluster if alone else ""

    def wait(self) -> bool:
        """Whether the daemon of a member waits for the address to listen at.

        It tries each second and answers nothing meanwhile.
        """
        server = self._server
        if not server.records.clustered or server.opened:
            return False
        cluster = server.config.get(CLUSTER, "")
        if not cluster or self.listens(cluster):
            return False
        self.open()
        return not self.listens(cluster)

    def listens(self, endpoint: str) -> bool:
        """Whether a connection to that endpoint of this machine reaches the daemon."""
        return self._cluster == endpoint or covers(self._core, endpoint)

    @property
    def is_open(self) -> bool:
        """Whether connections from other machines reach the daemon at all."""
        return bool(self._core or self._cluster)

    def set_core(self, endpoint: str) -> None:
        """`core.https_address` has changed.

        The open listener is closed first. If it also served `cluster.https_address`, and the new
        one does not, that address stays closed until the daemon starts again. Raises Refusal if the
        address is not available: then the earlier one is opened again.
        """
        before, self._core = self._core, ""
        if not endpoint:
            return
        if covers(endpoint, self._cluster):
            self._cluster = ""
        if self._is_free(endpoint):
            self._core = endpoint
            return
        if before and self._is_free(before):
            self._core = before
        raise self._cannot("network", endpoint)

    def set_cluster(self, endpoint: str) -> None:
        """`cluster.https_address` has changed. Raises Refusal if the address is not available."""
        self._cluster = ""
        if not endpoint or covers(self._core, endpoint):
            return
        if not self._is_free(endpoint):
            raise self._cannot("cluster", endpoint)
        self._cluster = endpoint

    def _cannot(self, what: str, endpoint: str) -> Refusal:
        taken = endpoint in self.taken
        why = "address already in use" if taken else "cannot assign requested address"
        cause = f"listen tcp {endpoint}: bind: {why}"
        if self._server.generation.newest:
            cause = f'Failed listening on address "{endpoint}": {cause}'
        return Refusal(f'Cannot listen on {what} HTTPS socket "{endpoint}": {cause}')

    def _is_free(self, endpoint: str) -> bool:
        host = endpoint.rpartition(":")[0].strip("[]")
        return endpoint not in self.taken and (
            host in {self._server.address, *self._server.addresses}
            or endpoint.rpartition(":")[0] in _ANY
        )


def endpoint_of(address: str, port: int) -> str:
    """An address with a port in LXD's format."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def is_wildcard(endpoint: str) -> bool:
    """Whether it means all addresses of a machine."""
    return endpoint.rpartition(":")[0] in _ANY


@lru_cache(maxsize=4096)
def covers(wide: str, endpoint: str) -> bool:
    """Whether a listener at one endpoint also gets the connections for the other."""
    if not wide or not endpoint:
        return False
    if wide == endpoint:
        return True
    host, _, port = wide.rpartition(":")
    return host in _ANY and port == endpoint.rpartition(":")[2]
