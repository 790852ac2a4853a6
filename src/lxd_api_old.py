"""LXD's API on this machine: every request with a deadline, every answer typed."""

from __future__ import annotations

import contextlib
import ssl
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import abilities
import deadlines
import join_tokens
import lxd_answers
import lxd_members
import lxd_networks
import lxd_notes
import lxd_pools
import lxd_reading
import lxd_volumes
from addresses import PORT
from lxd_reading import LxdError, LxdStopped, LxdUnreachable
from lxd_requests import Requests
from ports import nothing
from view import Instance, Member, Network, Pool, Server, Volume, several_vote

_TICK = 5.0
"""Seconds between two looks at how far an evacuation has come."""


class LxdApi:
    """What the charm asks of LXD and tells it. Reads end after `deadlines.LOOK` seconds."""

    def __init__(self, socket: str = lxd_reading.SOCKET) -> None:
        self._socket = socket
        self._requests = Requests(socket)

    def await_start(self, seconds: float) -> None:
        """Returns once LXD answers. Raises LxdUnreachable after `seconds`."""
        import tenacity

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_delay(seconds),
            wait=tenacity.wait_fixed(0.2),
            retry=tenacity.retry_if_exception_type(LxdStopped),
            reraise=True,
        )
        attempts(self.server)

    def await_alone(self, seconds: float) -> None:
        """Returns once LXD is in no cluster any more. Raises LxdUnreachable after `seconds`.

        After it has left its daemon starts anew, and hangs up on whoever asks meanwhile.
        """
        import tenacity

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_delay(seconds),
            wait=tenacity.wait_fixed(0.2),
            retry=tenacity.retry_if_exception_type(LxdUnreachable),
            reraise=True,
        )
        attempts(self._alone)

    def _alone(self) -> None:
        if self.server().clustered:
            raise LxdUnreachable("it is still in its cluster")

    def await_heartbeats(self, of: Collection[str], seconds: float) -> tuple[Member, ...]:
        """The members once these of them are up, or after `seconds` as they are."""
        self._await(seconds, lambda members: all(m.up for m in members if m.name in of))
        return self.members()

    def await_gone(self, name: str, seconds: float) -> None:
        """Returns once `name` is no member. Raises LxdUnreachable after `seconds`."""
        if not self._await(seconds, lambda members: all(m.name != name for m in members)):
            raise LxdUnreachable(f"{name} has not left in {seconds:.0f} s")

    def await_member(self, name: str, seconds: float) -> None:
        """Returns once `name` is a member, and after `seconds` though it is not."""
        self._await(seconds, lambda members: any(m.name == name for m in members))

    def await_one_voter(self, seconds: float) -> None:
        """Returns once one member alone votes, and after `seconds` though several do."""
        self._await(seconds, lambda members: not several_vote(members))

    def _await(self, seconds: float, so: Callable[[tuple[Member, ...]], bool]) -> bool:
        """Whether it became `so` within `seconds`."""
        import tenacity

        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_delay(seconds),
            wait=tenacity.wait_fixed(1.0),
            retry=tenacity.retry_if_result(lambda was_so: not was_so),
            retry_error_callback=lambda _: False,
        )
        return attempts(lambda: so(self.members()))

    def server(self) -> Server:
        """LXD itself. Raises LxdUnreachable."""
        found = lxd_answers.server(self._requests.get(""))
        return replace(found, drivers=abilities.usable(found.drivers))

    def members(self) -> tuple[Member, ...]:
        """The cluster's members as this one sees them."""
        rows = self._requests.get("cluster/members", recursion="1")
        return tuple(sorted((lxd_answers.member(row) for row in rows), key=lambda m: m.name))

    def unreachable(self, members: Iterable[Member]) -> frozenset[str]:
        """Names of members whose daemon does not shake hands within a few seconds."""
        return frozenset(m.name for m in members if not _shakes_hands(m.address))

    def pools(self) -> tuple[Pool, ...]:
        """The storage pools."""
        return tuple(
            lxd_answers.pool(row) for row in self._requests.get("storage-pools", recursion="1")
        )

    def unavailable(self, pools: Iterable[str], member: str) -> dict[str, str]:
        """Those pools that this member cannot use now, and what is missing. See `lxd_pools`."""
        return lxd_pools.unavailable(self._requests, pools, member)

    def networks(self) -> tuple[Network, ...]:
        """The networks that LXD manages."""
        return tuple(
            lxd_answers.network(row)
            for row in self._requests.get("networks", recursion="1")
            if row["managed"]
        )

    def instances(self) -> tuple[Instance, ...]:
        """The instances of all projects and members."""
        rows = self._requests.get("instances", recursion="1", **{"all-projects": "true"})
        return tuple(lxd_answers.instance(row) for row in rows)

    def volumes(self) -> tuple[Volume, ...]:
        """The custom volumes that are on one member alone, of all projects.

        A listing of all pools at once came with LXD 5.8 (storage_volumes_all).
        """
        projects = [
            row["name"]
            for row in self._requests.get("projects", recursion="1")
            if row["config"].get("features.storage.volumes", "true") == "true"
        ]
        return tuple(
            Volume(project, pool.name, row["name"], row["location"])
            for pool in self.pools()
            for project in projects
            for row in self._requests.get(
                f"storage-pools/{pool.name}/volumes/custom", recursion="1", project=project
            )
            if row.get("location", "none") not in ("", "none")
        )

    def alive(self) -> bool:
        """Whether the daemon answers what it needs no database for."""
        return lxd_reading.alive(deadlines.LOOK, self._socket)

    def set_server_config(self, values: Mapping[str, str]) -> None:
        """Sets some keys of the server's configuration."""
        self._requests.change("patch", "", {"config": dict(values)})

    def notes(self) -> dict[str, str]:
        """What the charm keeps in LXD's database. See `lxd_notes`."""
        return lxd_notes.read(self._requests)

    def write_notes(self, values: Mapping[str, str]) -> None:
        """Sets some of the notes; an empty value takes one away."""
        lxd_notes.write(self._requests, values)

    def exchange(self, key: str, before: str, after: str) -> bool:
        """Sets a note that is `before` still. False if it is not."""
        return lxd_notes.exchange(self._requests, key, before, after)

    def create_pool(
        self,
        name: str,
        driver: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = nothing,
    ) -> None:
        """Creates a pool: defined on each member of a cluster, then, if `ready`, made on all."""
        lxd_pools.create(self._requests, name, driver, config, members, ready)

    def finish_pool(self, name: str) -> None:
        """Makes a pool on the members that have not made it yet, all of which know of it."""
        lxd_pools.finish(self._requests, name)

    def delete_pool(self, name: str) -> None:
        """Deletes a pool, in a Ceph without what is there. LXD refuses one that is in use."""
        lxd_pools.delete(self._requests, name)

    def update_pool(self, name: str, values: Mapping[str, str]) -> None:
        """Sets some keys of a pool's configuration on every member."""
        self._requests.change("patch", f"storage-pools/{name}", {"config": dict(values)})

    def keep_roots(self, pool: str) -> None:
        """Instances whose root disk is on `pool` by the default profile say so themselves."""
        lxd_pools.keep_roots(self._requests, pool)

    def keep_on(self, key: str, pool: str, name: str) -> None:
        """LXD keeps images or backups on a volume of this member. See `lxd_volumes`."""
        lxd_volumes.keep_on(self._requests, key, pool, name)

    def drop_volume(self, pool: str, name: str) -> None:
        """This member has no custom volume of that name any more."""
        lxd_volumes.drop(self._requests, pool, name)

    def create_network(
        self,
        name: str,
        kind: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = nothing,
    ) -> None:
        """Creates a network: defined on each member of a cluster, then, if `ready`, made on all."""
        lxd_networks.create(self._requests, name, kind, config, members, ready)

    def keep_nics(self, nic: Mapping[str, str]) -> None:
        """Instances whose `eth0` is the default profile's, `nic`, say so themselves."""
        lxd_networks.keep_nics(self._requests, nic)

    def delete_network(self, name: str) -> None:
        """Deletes a network. LXD refuses one that is used."""
        self._requests.change("delete", f"networks/{name}")

    def parents(self, network: str, members: Iterable[str]) -> dict[str, str]:
        """By member: the interface that a network is on. See `lxd_networks`."""
        return lxd_networks.parents(self._requests, network, members)

    def update_network(
        self, name: str, values: Mapping[str, str], members: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Sets some keys of a network on every member, and some on single ones."""
        lxd_networks.update(self._requests, name, values, members)

    def default_profile(self) -> dict[str, Any]:
        """The default profile: `config`, `description`, `devices`."""
        found = self._requests.get("profiles/default")
        return {key: found[key] for key in ("config", "description", "devices")}

    def set_default_profile(self, profile: Mapping[str, Any]) -> None:
        """Replaces the default profile."""
        self._requests.change("put", "profiles/default", dict(profile))

    def enable_cluster(self, name: str) -> None:
        """Makes this server the first member of a cluster."""
        self._requests.operation(
            "put", "cluster", {"server_name": name, "enabled": True}, deadlines.ENABLE
        )

    def join_cluster(
        self,
        name: str,
        address: str,
        token: str,
        member_config: list[dict[str, str]],
        seconds: float,
    ) -> None:
        """Joins the cluster that `token` is from. Raises LxdUnreachable after `seconds`."""
        cluster_address, certificate = join_tokens.way_in(token)
        extensions = self._requests.get("")["api_extensions"]
        # Before this extension a join token went where the trust password was.
        field = "cluster_token" if "explicit_trust_token" in extensions else "cluster_password"
        body = {
            "server_name": name,
            "server_address": address,
            "enabled": True,
            "cluster_address": cluster_address,
            "cluster_certificate": certificate,
            "member_config": member_config,
            field: token,
        }
        self._requests.operation("put", "cluster", body, seconds)

    def await_forming(self, seconds: float) -> bool:
        """Waits for a bootstrap or a join that is under way already. False if there is none."""
        for operation in self._requests.get("operations", recursion="1").get("running", []):
            # LXD's words for them: "Creating bootstrap node" and "Joining cluster".
            told = operation["description"].lower()
            if ("cluster" in told or "bootstrap" in told) and operation["class"] == "task":
                self._requests.wait(operation["id"], seconds)
                return True
        return False

    def joined(self, seconds: float) -> bool:
        """Whether this server is a member, once it neither bootstraps nor joins any more.

        False after `seconds` of silence, and if the daemon does not start again.
        """
        import tenacity

        try:
            self.await_start(deadlines.START)
        except LxdStopped:
            return False
        except LxdUnreachable:
            pass  # It is there, and busy or hanging.
        attempts = tenacity.Retrying(
            stop=tenacity.stop_after_delay(seconds),
            wait=tenacity.wait_fixed(1.0),
            retry=tenacity.retry_if_exception_type(LxdUnreachable),
            retry_error_callback=lambda _: False,
        )
        return attempts(self._joined, seconds)

    def _joined(self, seconds: float) -> bool:
        with contextlib.suppress(LxdError):
            self.await_forming(seconds)
        return self.server().clustered

    def make_join_token(self, name: str) -> str:
        """A token with which one server called `name` may join once. It voids an older one."""
        answer = self._requests.change("post", "cluster/members", {"server_name": name})
        return join_tokens.pack(answer["metadata"]["metadata"])

    def cancel_join_token(self, name: str, digest: str) -> bool:
        """No join token for `name` is good any more. False if that one was not there: it is used.

        An empty digest stands for any token.
        """
        found = False
        # One that was cancelled a moment ago is listed still, and refuses to be cancelled again.
        for operation in self._requests.get("operations", recursion="1").get("running", []):
            told: dict[str, Any] = operation.get("metadata") or {}
            if operation["class"] == "token" and told.get("serverName") == name:
                self._requests.change("delete", f"operations/{operation['id']}")
                own = join_tokens.digest_of(str(told.get("secret", "")))
                found = found or digest in ("", own)
        return found

    def set_failure_domain(self, name: str, domain: str) -> None:
        """Tells LXD in which failure domain a member is."""
        lxd_members.set_failure_domain(self._requests, name, domain)

    def set_role(self, role: str, members: Mapping[str, bool]) -> None:
        """Gives some members a role, and takes it from others. See `lxd_members`."""
        lxd_members.set_role(self._requests, role, members)

    def evacuate(self, name: str, seconds: float) -> Iterator[None]:
        """Moves the instances off a member, yields every few seconds until that is done.

        An evacuation that is under way is waited for. Raises LxdUnreachable after `seconds`.
        """
        operation = self._evacuation(name)
        if not operation:
            body = {"action": "evacuate"}
            answer = self._requests.request(
                "post", f"cluster/members/{name}/state", deadlines.CHANGE, json=body
            )
            operation = answer["metadata"]["id"]
        end = time.monotonic() + seconds
        while not self._requests.ended(operation, _TICK):
            if time.monotonic() > end:
                raise LxdUnreachable(f"the evacuation did not end in {seconds:.0f} s")
            yield

    def move_instance(self, project: str, name: str, target: str) -> None:
        """Moves a stopped instance to another member."""
        path = f"instances/{name}"
        params = {"project": project, "target": target}
        body = {"name": name, "migration": True}
        answer = self._requests.request("post", path, deadlines.CHANGE, json=body, params=params)
        self._requests.wait(answer["metadata"]["id"], deadlines.MOVE)

    def start_instance(self, project: str, name: str) -> None:
        """Starts an instance where it is."""
        path = f"instances/{name}/state"
        body = {"action": "start"}
        answer = self._requests.request(
            "put", path, deadlines.CHANGE, json=body, params={"project": project}
        )
        self._requests.wait(answer["metadata"]["id"], deadlines.CHANGE)

    def leave(self, name: str) -> None:
        """This member, `name`, leaves its cluster. The answer may be lost though it has left."""
        self._requests.request("delete", f"cluster/members/{name}", deadlines.LEAVE)

    def remove_member(self, name: str) -> None:
        """Removes a member that cannot say goodbye, with all that LXD knew to be on it."""
        path = f"cluster/members/{name}"
        self._requests.request("delete", path, deadlines.LEAVE, params={"force": "1"})

    def _evacuation(self, name: str) -> str:
        for operation in self._requests.get("operations", recursion="1").get("running", []):
            told = operation["description"].lower()
            if "evacuat" in told and operation.get("location") == name:
                return operation["id"]
        return ""


def _shakes_hands(address: str) -> bool:
    try:
        ssl.get_server_certificate((address, PORT), timeout=deadlines.HANDSHAKE)
    except OSError:
        return False
    return True
