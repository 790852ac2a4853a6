# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster's members."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

import deadlines
from lxd import parsing
from lxd.client import Client
from lxd.errors import LxdUnreachable
from lxd.http import api_path
from lxd.join_tokens import fingerprint_of
from state.cluster import CLOSED, Member, several_vote
from values.addresses import PORT

_MEMBERS = api_path("cluster", "members")
_WRITABLE = ("config", "description", "failure_domain", "groups", "roles")
_EVACUATIONS = frozenset({"Evacuating cluster member", "Restoring cluster member"})
"""LXD's descriptions of the operations that move a member's instances (operation_type.go)."""
_TICK = 5.0
"""Seconds between two checks of the progress of an evacuation."""


def _never() -> bool:
    return False


class MembersApi:
    """/1.0/cluster/members."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def list(self) -> tuple[Member, ...]:
        """The cluster's members as this one sees them, by name."""
        rows = self._client.get(_MEMBERS, {"recursion": "1"}, deadlines.LIST)
        return tuple(sorted((parsing.member(row) for row in rows), key=lambda m: m.name))

    def unreachable(self, members: Iterable[Member], fingerprint: str) -> frozenset[str]:
        """Names of members whose daemon does not show the cluster's certificate in time.

        A new machine may have the address of a dead member, and its LXD a certificate of its own.
        """
        return frozenset(m.name for m in members if self._certificate(m.address) != fingerprint)

    def shows_certificate(self, address: str) -> bool:
        """Whether a daemon shows any certificate at this address within a few seconds."""
        return bool(self._certificate(address))

    def _certificate(self, address: str) -> str:
        """The fingerprint of the certificate there, empty if no daemon shows one."""
        try:
            return fingerprint_of(self._client.port.certificate(address, PORT, deadlines.HANDSHAKE))
        except OSError:
            return ""

    def may_be_reached(self, address: str) -> bool:
        """Whether an address answers at all, even if no program listens there yet.

        Behind a firewall the request times out, and no refused connection arrives.
        """
        try:
            self._client.port.certificate(address, PORT, deadlines.HANDSHAKE)
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
        return True

    def await_heartbeats(self, of: Collection[str], seconds: float) -> tuple[Member, ...]:
        """The members once these are up, or after `seconds` in any state."""
        self._until(lambda members: all(m.up for m in members if m.name in of), seconds)
        return self.list()

    def await_gone(self, name: str, seconds: float, stays: Callable[[], bool] = _never) -> None:
        """Returns once `name` has left, or `stays`. Raises LxdUnreachable after `seconds`."""

        def is_over(members: tuple[Member, ...]) -> bool:
            return all(m.name != name for m in members) or stays()

        if not self._until(is_over, seconds):
            raise LxdUnreachable(f"{name} has not left in {seconds:.0f} s")

    def await_member(self, name: str, seconds: float) -> None:
        """Returns once `name` is a member, or after `seconds`."""
        self._until(lambda members: any(m.name == name for m in members), seconds)

    def await_one_voter(self, seconds: float) -> None:
        """Returns once only one member votes, or after `seconds`."""
        self._until(lambda members: not several_vote(members), seconds)

    def _until(self, condition: Callable[[tuple[Member, ...]], bool], seconds: float) -> bool:
        return self._client.until(lambda: condition(self.list()), seconds)

    def set_failure_domain(self, name: str, domain: str) -> None:
        """Sets the failure domain of a member."""
        self._change(name, {"failure_domain": domain})

    def set_role(self, role: str, members: Mapping[str, bool]) -> None:
        """Gives members a role that an operator may give, or removes it."""
        for name, has_role in members.items():
            roles = set(self._client.get(api_path("cluster", "members", name))["roles"] or ())
            new_roles = roles | {role} if has_role else roles - {role}
            if new_roles != roles:
                self._change(name, {"roles": sorted(new_roles)})

    def _change(self, name: str, values: Mapping[str, Any]) -> None:
        """LXD has no PATCH that keeps the other values."""
        path = api_path("cluster", "members", name)
        member = self._client.get(path)
        body = {key: member[key] for key in _WRITABLE if key in member}
        if not body.get("groups", True):
            # A join that replaced an interrupted one leaves the member in no group. Then LXD
            # refuses every change of it that does not name one.
            body["groups"] = ["default"]
        self._client.change("PUT", path, {**body, **values})

    def close(self, name: str) -> None:
        """Lets LXD place a new instance on this member only if it is the named target."""
        member = self._client.get(api_path("cluster", "members", name))
        config: dict[str, str] = member["config"] or {}
        self._change(name, {"config": {**config, "scheduler.instance": CLOSED}})

    def open(self, name: str) -> None:
        """Lets LXD place new instances on this member by itself again."""
        member = self._client.get(api_path("cluster", "members", name))
        config: dict[str, str] = dict(member["config"] or {})
        if config.pop("scheduler.instance", "") == CLOSED:
            self._change(name, {"config": config})

    def await_evacuation(self, name: str, seconds: float) -> Iterator[None]:
        """Yields every few seconds while LXD evacuates or restores a member.

        Raises LxdUnreachable after `seconds`: it may continue then.
        """
        end = self._client.port.now() + seconds
        while name in self.evacuating():
            if self._client.port.now() > end:
                raise LxdUnreachable(f"the evacuation did not end in {seconds:.0f} s")
            yield
            self._client.port.sleep(_TICK)

    def evacuating(self) -> frozenset[str]:
        """The members that LXD evacuates or restores at the moment."""
        return frozenset(
            str(operation.get("location", ""))
            for operation in self._client.running()
            if operation["description"] in _EVACUATIONS
        )

    def restore(self, name: str) -> None:
        """Ends a member's evacuation. Moved instances stay on their new members.

        That needs the extension clustering_restore_skip_mode: LXD 5.0 ignores the mode.
        """
        path = api_path("cluster", "members", name, "state")
        body = {"action": "restore", "mode": "skip"}
        self._client.change("POST", path, body, seconds=deadlines.MOVE)

    def leave(self, name: str) -> None:
        """This member, `name`, leaves its cluster. The answer may be lost although it has left."""
        path = api_path("cluster", "members", name)
        self._client.change("DELETE", path, seconds=deadlines.LEAVE)

    def remove(self, name: str) -> None:
        """Removes a member that cannot leave by itself, with everything that LXD knows on it."""
        path = api_path("cluster", "members", name)
        self._client.change("DELETE", path, query={"force": "1"}, seconds=deadlines.LEAVE)
