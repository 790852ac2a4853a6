# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Forming the cluster: bootstrap, join tokens, joins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import deadlines
from lxd import join_tokens
from lxd.client import Client
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from lxd.http import api_path
from lxd.join_tokens import JoinTarget

_CLUSTER = api_path("cluster")


class ClusterApi:
    """PUT /1.0/cluster, and the operations of join tokens."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def bootstrap(self, name: str) -> None:
        """Makes this server the first member of a cluster."""
        body = {"server_name": name, "enabled": True}
        self._client.change("PUT", _CLUSTER, body, seconds=deadlines.ENABLE)

    def join_target(self, token: str, trusted: frozenset[str]) -> JoinTarget:
        """A member that shows the certificate in the token. See `join_tokens.join_target`."""
        return join_tokens.join_target(token, trusted, self._client.port)

    def join(
        self,
        name: str,
        address: str,
        token: str,
        member_config: Sequence[dict[str, str]],
        join_target: JoinTarget,
    ) -> None:
        """Joins the cluster that `token` is for. Raises LxdUnreachable after `deadlines.JOIN`."""
        extensions = self._client.get(api_path())["api_extensions"]
        # Without this extension the join token takes the place of the trust password.
        field = "cluster_token" if "explicit_trust_token" in extensions else "cluster_password"
        body = {
            "server_name": name,
            "server_address": address,
            "enabled": True,
            "cluster_address": join_target.address,
            "cluster_certificate": join_target.certificate,
            "member_config": list(member_config),
            field: token,
        }
        self._client.change("PUT", _CLUSTER, body, seconds=deadlines.JOIN)

    def await_forming(self, seconds: float) -> bool:
        """Waits for a bootstrap or a join that is already in progress. False if there is none."""
        for operation in self._client.running():
            # LXD's descriptions of them: "Creating bootstrap node" and "Joining cluster".
            description = operation["description"].lower()
            forms = "cluster" in description or "bootstrap" in description
            if forms and operation["class"] == "task":
                self._client.wait(operation["id"], seconds)
                return True
        return False

    def joined(self, seconds: float) -> bool:
        """Whether this server is a member, once no bootstrap or join is in progress.

        False after `seconds` without an answer, and if the daemon does not start again.
        """
        try:
            self._client.await_start(deadlines.START)
        except LxdStopped:
            return False
        except LxdUnreachable:
            pass  # The daemon listens, and is busy or hangs.
        end = self._client.port.now() + seconds
        while self._client.port.now() < end:
            with suppress(LxdUnreachable):
                with suppress(LxdError):
                    self.await_forming(end - self._client.port.now())
                return self._clustered()
            self._client.port.sleep(1.0)
        return False

    def is_alone(self, seconds: float) -> bool:
        """Whether LXD is outside any cluster, once it answers. False after `seconds`."""
        end = self._client.port.now() + seconds
        while self._client.port.now() < end:
            with suppress(LxdUnreachable):
                return not self._clustered()
            self._client.port.sleep(0.5)
        return False

    def await_alone(self, seconds: float) -> None:
        """Returns once LXD is no longer in a cluster. Raises LxdUnreachable after `seconds`.

        After it has left, its daemon restarts, and closes connections meanwhile.
        """
        if not self._client.until(lambda: not self._clustered(), seconds, every=0.5):
            raise LxdUnreachable("it is still in its cluster")

    def _clustered(self) -> bool:
        return bool(self._client.get(api_path())["environment"]["server_clustered"])

    def make_token(self, name: str) -> str:
        """A token for one join of a server called `name`. It invalidates an older one."""
        body = {"server_name": name}
        operation = self._client.begin("POST", api_path("cluster", "members"), body)
        if operation is None:
            raise LxdError("LXD made no join token")
        return join_tokens.pack(operation["metadata"])

    def cancel_token(self, name: str, digest: str) -> bool:
        """Cancels every join token for `name`. False if a unit has used the token already.

        An empty digest stands for any token.
        """
        cancelled = False
        # A token that was just cancelled is still listed, and cannot be cancelled again.
        for operation in self._client.running():
            details: dict[str, Any] = operation.get("metadata") or {}
            if operation["class"] != "token" or details.get("serverName") != name:
                continue
            own_digest = join_tokens.digest_of(str(details.get("secret", "")))
            cancelled = (self._cancel(operation["id"]) and digest in ("", own_digest)) or cancelled
        return cancelled

    def _cancel(self, operation: str) -> bool:
        """Cancels an operation. False if it ended before: a join ends its token's."""
        try:
            self._client.change("DELETE", api_path("operations", operation))
        except LxdError:
            if any(running["id"] == operation for running in self._client.running()):
                raise
            return False
        return True
