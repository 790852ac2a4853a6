"""LXD's API on a model server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import deadlines
import join_tokens
from lxd_reading import LxdError, LxdStopped, LxdUnreachable
from ports import nothing
from tests.simulation.model import (
    changes,
    evacuation,
    joining,
    looks,
    membership,
    networks,
    pools,
    times,
)
from tests.simulation.model.operations import Operation, Work
from view import Instance, Member, Network, Pool, Server, Silence, Volume, several_vote

if TYPE_CHECKING:
    from tests.simulation.model import server as model
    from tests.simulation.model.cloud import Fault

T = TypeVar("T")


class ModelLxd:
    """See `lxd.LxdApi`. Its calls end by the same deadlines."""

    def __init__(self, server: model.Server) -> None:
        self._server = server

    def await_start(self, seconds: float) -> None:
        """Returns once LXD answers."""
        cloud = self._server.cloud
        end = cloud.now + seconds
        while True:
            try:
                self.server()
            except LxdStopped:
                if cloud.now >= end:
                    raise
                cloud.pause(_until(self._server.ready, cloud.now, end), "await_start")
            else:
                return

    def await_alone(self, seconds: float) -> None:
        """Returns once LXD answers and is in no cluster. Raises LxdUnreachable after `seconds`."""
        cloud = self._server.cloud
        end = cloud.now + seconds
        while True:
            try:
                if not self.server().clustered:
                    return
                problem = LxdUnreachable("it is still in its cluster")
            except LxdUnreachable as error:
                problem = error
            if cloud.now >= end:
                raise problem
            cloud.pause(1.0, "await_alone")

    def await_gone(self, name: str, seconds: float) -> None:
        """Returns once `name` is no member. Raises LxdUnreachable after `seconds`."""
        cloud = self._server.cloud
        end = cloud.now + seconds
        while any(m.name == name for m in self.members()):
            if cloud.now >= end:
                raise LxdUnreachable(f"{name} has not left in {seconds:.0f} s")
            cloud.pause(1.0, "await_gone")

    def await_member(self, name: str, seconds: float) -> None:
        """Returns once `name` is a member, and after `seconds` though it is not."""
        cloud = self._server.cloud
        end = cloud.now + seconds
        while all(m.name != name for m in self.members()) and cloud.now < end:
            cloud.pause(1.0, "await_member")

    def await_one_voter(self, seconds: float) -> None:
        """Returns once one member alone votes, and after `seconds` though several do."""
        cloud = self._server.cloud
        end = cloud.now + seconds
        while several_vote(self.members()) and cloud.now < end:
            cloud.pause(1.0, "await_one_voter")

    def await_heartbeats(self, of: Collection[str], seconds: float) -> tuple[Member, ...]:
        """The members once these of them are up, or after `seconds` as they are."""
        cloud = self._server.cloud
        end = cloud.now + seconds
        while True:
            members = self.members()
            if cloud.now >= end or all(m.up for m in members if m.name in of):
                return members
            cloud.pause(1.0, "await_heartbeats")

    def server(self) -> Server:
        """LXD itself: a daemon that lost its database says this from memory."""
        fault = self._begin("server", deadlines.LOOK)
        return self._end("server", looks.server, times.REQUEST, fault)

    def members(self) -> tuple[Member, ...]:
        """The cluster's members."""
        return self._look("members", looks.members)

    def unreachable(self, members: Iterable[Member]) -> frozenset[str]:
        """Names of members whose daemon does not shake hands within a few seconds."""
        cloud = self._server.cloud
        by_address = {server.address: server for server in cloud.servers.values()}
        deaf: set[str] = set()
        for member in members:
            other = by_address.get(member.address)
            near = other is not None and cloud.reachable(self._server.machine, other.machine)
            if other is None or not near or not other.listening() or other.frozen:
                cloud.pause(deadlines.HANDSHAKE, "unreachable")
                deaf.add(member.name)
        return frozenset(deaf)

    def pools(self) -> tuple[Pool, ...]:
        """The storage pools."""
        return self._look("pools", looks.pools)

    def unavailable(self, pools: Iterable[str], member: str) -> dict[str, str]:
        """No device vanishes."""
        del pools, member
        return {}

    def networks(self) -> tuple[Network, ...]:
        """The networks that LXD manages."""
        return self._look("networks", looks.networks)

    def instances(self) -> tuple[Instance, ...]:
        """All instances."""
        return self._look("instances", looks.instances)

    def volumes(self) -> tuple[Volume, ...]:
        """All custom volumes that are on one member alone."""
        return self._look("volumes", looks.volumes)

    def alive(self) -> bool:
        """Whether the daemon answers what needs no database."""
        cloud = self._server.cloud
        cloud.pause(0.0, "alive")
        cloud.tick()
        silence = self._server.silence()
        if silence is Silence.HUNG:
            cloud.pause(deadlines.LOOK, "alive")
        return silence in (None, Silence.NO_DATABASE)

    def default_profile(self) -> dict[str, Any]:
        """The default profile."""
        return self._look("default_profile", looks.profile)

    def set_server_config(self, values: Mapping[str, str]) -> None:
        """Sets some keys of the server's configuration."""
        self._change("set_server_config", lambda s: changes.set_config(s, values))

    def notes(self) -> dict[str, str]:
        """What the charm keeps in LXD's database."""
        return self._look("notes", lambda s: dict(s.records.notes))

    def write_notes(self, values: Mapping[str, str]) -> None:
        """Sets some of the notes."""
        self._change("write_notes", lambda s: changes.write_notes(s, values))

    def exchange(self, key: str, before: str, after: str) -> bool:
        """Sets a note that is `before` still. False if it is not."""
        return self._change("exchange", lambda s: changes.exchange(s, key, before, after))

    def create_pool(
        self,
        name: str,
        driver: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = nothing,
    ) -> None:
        """Creates a pool: in a cluster first defined on each member, then made on all."""
        for member, keys in members.items():
            source = keys.get("source", "")
            define = partial(pools.define, name=name, driver=driver, member=member, source=source)
            self._change("define_pool", define)
        ready()
        create = partial(pools.create, name=name, driver=driver, config=config)
        self._change("create_pool", create, times.NETWORK)

    def finish_pool(self, name: str) -> None:
        """Makes a pool on the members that have not made it yet."""
        self._change("finish_pool", lambda s: pools.finish(s, name), times.NETWORK)

    def delete_pool(self, name: str) -> None:
        """Deletes a pool."""
        self._change("delete_pool", lambda s: pools.delete(s, name))

    def update_pool(self, name: str, values: Mapping[str, str]) -> None:
        """Sets some keys of a pool's configuration on every member."""
        self._change("update_pool", lambda s: pools.update(s, name, values))

    def keep_roots(self, pool: str) -> None:
        """Instances whose root disk is on `pool` by the default profile say so themselves."""
        self._change("keep_roots", lambda s: pools.keep_roots(s, pool))

    def keep_on(self, key: str, pool: str, name: str) -> None:
        """LXD keeps images or backups on a volume of this member, or on none."""
        self._change("keep_on", lambda s: pools.keep_on(s, key, pool, name))

    def drop_volume(self, pool: str, name: str) -> None:
        """This member has no volume of that name any more."""
        self._change("drop_volume", lambda s: pools.drop_volume(s, pool, name))

    def create_network(
        self,
        name: str,
        kind: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = nothing,
    ) -> None:
        """Creates a network, in two phases."""
        for member, keys in members.items():
            define = partial(
                networks.define, name=name, kind=kind, member=member, parent=keys.get("parent", "")
            )
            self._change("define_network", define)
        ready()
        create = partial(networks.create, name=name, kind=kind, config=config)
        self._change("create_network", create, times.NETWORK)

    def keep_nics(self, nic: Mapping[str, str]) -> None:
        """Instances say themselves what they are connected to."""
        self._change("keep_nics", lambda s: networks.keep_nics(s, nic))

    def delete_network(self, name: str) -> None:
        """Deletes a network."""
        self._change("delete_network", lambda s: networks.delete(s, name))

    def parents(self, network: str, members: Iterable[str]) -> dict[str, str]:
        """By member: the interface that a network is on."""
        return self._look("parents", lambda s: networks.parents(s, network, members))

    def update_network(
        self, name: str, values: Mapping[str, str], members: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Sets some keys of a network on every member, and some on single ones."""
        self._change("update_network", lambda s: networks.update(s, name, values, members))

    def set_default_profile(self, profile: Mapping[str, Any]) -> None:
        """Replaces the default profile."""
        self._change("set_default_profile", lambda s: changes.set_profile(s, profile))

    def enable_cluster(self, name: str) -> None:
        """Makes this server the first member of a cluster."""
        work = joining.bootstrap(self._server, name)
        self._operation("enable_cluster", name, work, deadlines.ENABLE)

    def join_cluster(
        self,
        name: str,
        address: str,
        token: str,
        member_config: list[dict[str, str]],
        seconds: float,
    ) -> None:
        """Joins the cluster that `token` is from."""
        work = joining.join(self._server, name, address, token, member_config)
        self._operation("join_cluster", name, work, seconds)

    def await_forming(self, seconds: float) -> bool:
        """Waits for a bootstrap or a join that is under way already."""
        operation = self._look(
            "await_forming", lambda s: s.working("join_cluster") or s.working("enable_cluster")
        )
        if operation is None:
            return False
        self._wait(operation, seconds, "await_forming")
        return True

    def joined(self, seconds: float) -> bool:
        """Whether this server is a member, once it neither bootstraps nor joins any more."""
        cloud = self._server.cloud
        with suppress(LxdUnreachable):
            self.await_start(deadlines.START)
        end = cloud.now + seconds
        while cloud.now < end:
            with suppress(LxdUnreachable):
                with suppress(LxdError):
                    self.await_forming(end - cloud.now)
                return self.server().clustered
            if self._server.silence() is Silence.STOPPED:
                return False
            cloud.pause(1.0, "joined")
        return False

    def make_join_token(self, name: str) -> str:
        """A token with which one server called `name` may join once."""
        return self._change("make_join_token", lambda s: joining.make_token(s, name))

    def cancel_join_token(self, name: str, digest: str) -> bool:
        """No join token for `name` is good any more. False if that one was not there."""
        cancelled = self._change("cancel_join_token", lambda s: s.records.tokens.pop(name, None))
        return cancelled is not None and digest in ("", join_tokens.digest_of(cancelled.secret))

    def set_failure_domain(self, name: str, domain: str) -> None:
        """Tells LXD in which failure domain a member is."""
        self._change("set_failure_domain", lambda s: changes.set_domain(s, name, domain))

    def set_role(self, role: str, members: Mapping[str, bool]) -> None:
        """Gives some members a role, and takes it from others."""
        self._change("set_role", lambda s: changes.set_role(s, role, members))

    def evacuate(self, name: str, seconds: float) -> Iterator[None]:
        """Moves the instances off a member, yields now and then until that is done."""
        cloud = self._server.cloud
        operation = self._change("evacuate", lambda s: evacuation.evacuation(s, name))
        end = cloud.now + seconds
        while not self._over(operation):
            if cloud.now >= end:
                raise LxdUnreachable(f"the evacuation did not end in {seconds:.0f} s")
            cloud.pause(_until(operation.due, cloud.now, min(end, cloud.now + 5.0)), "evacuate")
            yield

    def move_instance(self, project: str, name: str, target: str) -> None:
        """Moves a stopped instance to another member."""
        work = evacuation.move_by_name(self._server, (project, name), target)
        self._operation("move_instance", name, work, deadlines.MOVE)

    def start_instance(self, project: str, name: str) -> None:
        """Starts an instance where it is."""
        self._change("start_instance", lambda s: evacuation.start(s, (project, name)))

    def leave(self, name: str) -> None:
        """This member leaves its cluster."""
        self._operation("leave", name, membership.leave(self._server, name), deadlines.LEAVE)

    def remove_member(self, name: str) -> None:
        """Removes a member that cannot say goodbye."""
        work = membership.remove(self._server, name)
        self._operation("remove_member", name, work, deadlines.LEAVE)

    def _look(self, what: str, effect: Callable[[model.Server], T]) -> T:
        return self._call(what, effect, times.REQUEST, deadlines.LOOK)

    def _change(
        self, what: str, effect: Callable[[model.Server], T], took: float = times.REQUEST
    ) -> T:
        return self._call(what, effect, took, deadlines.CHANGE)

    def _operation(self, what: str, member: str, work: Work, seconds: float) -> None:
        def begin(server: model.Server) -> Operation:
            return server.cloud.start(server, what, member, work)

        operation = self._call(what, begin, times.REQUEST, seconds)
        self._wait(operation, seconds, what)

    def _wait(self, operation: Operation, seconds: float, what: str) -> None:
        cloud = self._server.cloud
        end = cloud.now + seconds
        while not self._over(operation):
            if cloud.now >= end:
                raise LxdUnreachable(f"{what} did not end in {seconds:.0f} s")
            cloud.pause(_until(operation.due, cloud.now, end), what)

    def _over(self, operation: Operation) -> bool:
        """Whether it ended. Raises LxdError if it failed, LxdUnreachable if its daemon ended."""
        self._server.cloud.tick()
        if not operation.done:
            return False
        if operation.cut:
            raise LxdUnreachable("EOF")
        if operation.error:
            raise LxdError(operation.error)
        return True

    def _call(self, what: str, effect: Callable[[model.Server], T], took: float, limit: float) -> T:
        server, cloud = self._server, self._server.cloud
        fault = self._begin(what, limit)
        if server.silence() is Silence.NO_DATABASE:
            cloud.pause(times.REFUSAL, what)
            raise LxdError("context deadline exceeded")
        return self._end(what, effect, took, fault)

    def _begin(self, what: str, limit: float) -> Fault:
        """The request reaches a daemon that says something."""
        server, cloud = self._server, self._server.cloud
        cloud.pause(0.0, what)
        cloud.tick()
        fault = cloud.fault(server.machine, what)
        silence = server.silence()
        if silence is Silence.STOPPED:
            raise LxdStopped("its daemon is not running")
        if silence is Silence.HUNG or fault == "timeout":
            cloud.pause(limit, what)
            raise LxdUnreachable("no answer in time")
        if fault == "refuse":
            raise LxdError(f"{what} was refused")
        return fault

    def _end(self, what: str, effect: Callable[[model.Server], T], took: float, fault: Fault) -> T:
        """The daemon does what it is asked, and answers."""
        server, cloud = self._server, self._server.cloud
        run = server.run
        answer = effect(server)
        cloud.pause(took, what)
        if fault == "lost" or server.run != run:
            raise LxdUnreachable("EOF")
        return answer


def _until(due: float, now: float, end: float) -> float:
    """Seconds to wait for what is due, not beyond `end`, and some at least."""
    return max(0.05, min(due, end) - now)
