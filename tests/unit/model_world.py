"""A small stand-in for LXD, the snap and the machine: enough to run whole clusters in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import join_tokens
import seal
from lxd_reading import LxdError, LxdStopped, LxdUnreachable
from networks.interface import Interface
from ports import nothing
from snap import ChannelUnknownError, SnapError
from view import (
    Device,
    Failures,
    Forming,
    Instance,
    Member,
    Network,
    Pool,
    Resource,
    Server,
    SnapFacts,
    Volume,
)

BARE = Server(
    version="5.21.3",
    clustered=False,
    name="",
    fingerprint="bare",
    drivers=frozenset({"btrfs", "dir"}),
    config={},
)
PROFILE = "/1.0/profiles/default"


@dataclass
class ModelCluster:
    """What the members of one cluster share."""

    fingerprint: str
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    starting: set[str] = field(default_factory=set[str])
    """Members called offline whose daemons have started, and whose heartbeats will come."""
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    pools: dict[str, Pool] = field(default_factory=dict[str, Pool])
    notes: dict[str, str] = field(default_factory=dict[str, str])
    given: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By pool and member: the source that it was given when the pool was made in the cluster."""
    kept: list[str] = field(default_factory=list[str])
    """Pools on which instances were told to keep their root disks."""
    parents: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """By network and member: the interface that it is on."""
    kept_nics: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """Nics of the default profile that instances were told to keep."""
    on_networks: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """By network: the instances on it."""
    on_pools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """By pool: the instances on it."""
    networks: dict[str, Network] = field(default_factory=dict[str, Network])
    config: dict[str, str] = field(default_factory=dict[str, str])
    devices: dict[str, Any] = field(default_factory=dict[str, Any])
    instances: list[Instance] = field(default_factory=list[Instance])
    volumes: list[Volume] = field(default_factory=list[Volume])
    minted: int = 0

    def give_roles(self) -> None:
        """Three vote; of two the first alone does, and the other has a copy."""
        voters = 3 if len(self.members) > 2 else 1
        for number, (name, member) in enumerate(self.members.items()):
            role = "database" if number < voters else "database-standby"
            self.members[name] = replace(member, roles=frozenset({role}))


@dataclass
class ModelLxd:
    """One server. Before it joins, it is a cluster of its own that nobody knows."""

    name: str
    clusters: dict[str, ModelCluster]
    server_: Server = BARE
    running: bool = True
    requests: int = 0
    alive_: bool = False
    stopped: bool = False
    fail_join: str = ""
    fail_evacuation: str = ""
    fail_move: str = ""
    fail_pool: str = ""
    fail_finish: str = ""
    lacks: dict[str, str] = field(default_factory=dict[str, str])
    """Pools that cannot be used here, and why."""
    cut_off: frozenset[str] = frozenset()
    awaited: list[str] = field(default_factory=list[str])
    """Members whose joins were waited for."""
    shared: ModelCluster = field(default_factory=lambda: ModelCluster("bare"))
    sources: dict[str, str] = field(default_factory=dict[str, str])
    """By pool: the source that it was given here."""
    answered: dict[str, str] = field(default_factory=dict[str, str])
    """By network: the interface that it joined with."""
    on_join: Callable[[], None] = lambda: None

    def await_start(self, seconds: float) -> None:
        self.server()

    def await_alone(self, seconds: float) -> None:
        if self.server().clustered:
            raise LxdUnreachable("it is still in its cluster")

    def await_heartbeats(self, of: Collection[str], seconds: float) -> tuple[Member, ...]:
        members = self.shared.members
        for name in self.shared.starting & set(of):
            members[name] = replace(members[name], status="ONLINE")
        return self.members()

    def await_gone(self, name: str, seconds: float) -> None:
        if name in self.shared.members:
            raise LxdUnreachable(f"{name} has not left")

    def await_member(self, name: str, seconds: float) -> None:
        self.awaited.append(name)

    def await_one_voter(self, seconds: float) -> None:
        if sum(m.voter for m in self.shared.members.values()) > 1:
            raise LxdUnreachable("more than one member votes")

    def server(self) -> Server:
        self.requests += 1
        if self.stopped:
            raise LxdStopped("its daemon is not running")
        if not self.running:
            raise LxdUnreachable("no answer in time")
        return replace(self.server_, config={**self.shared.config, **self.server_.config})

    def members(self) -> tuple[Member, ...]:
        self.requests += 1
        return tuple(sorted(self.shared.members.values(), key=lambda m: m.name))

    def unreachable(self, members: Iterable[Member]) -> frozenset[str]:
        dead = {m.name for m in members if m.offline} - self.shared.starting
        return frozenset(m.name for m in members if m.name in self.cut_off | dead)

    def pools(self) -> tuple[Pool, ...]:
        self.requests += 1
        used = (self._used(p, "pool") for p in self.shared.pools.values())
        return tuple(replace(p, used_by=p.used_by | self._instances_on(p.name)) for p in used)

    def _instances_on(self, pool: str) -> set[str]:
        return {f"/1.0/instances/{name}" for name in self.shared.on_pools.get(pool, ())}

    def unavailable(self, pools: Iterable[str], member: str) -> dict[str, str]:
        asked = list(pools)
        self.requests += len(asked)
        return {pool: why for pool, why in self.lacks.items() if pool in asked}

    def networks(self) -> tuple[Network, ...]:
        self.requests += 1
        used = (self._used(n, "network") for n in self.shared.networks.values())
        on = self.shared.on_networks
        return tuple(
            replace(n, used_by=n.used_by | {f"/1.0/instances/{i}" for i in on.get(n.name, ())})
            for n in used
        )

    def _used(self, thing: Any, key: str) -> Any:
        used = any(d.get(key) == thing.name for d in self.shared.devices.values())
        return replace(thing, used_by=frozenset({PROFILE} if used else ()))

    def instances(self) -> tuple[Instance, ...]:
        self.requests += 1
        return tuple(self.shared.instances)

    def volumes(self) -> tuple[Volume, ...]:
        self.requests += 1
        return tuple(self.shared.volumes)

    def alive(self) -> bool:
        return self.alive_

    def evacuate(self, name: str, seconds: float) -> Iterator[None]:
        if self.fail_evacuation:
            raise LxdError(self.fail_evacuation)
        members = self.shared.members
        if members[name].status == "EVACUATED":
            raise LxdError("already evacuated")
        targets = [m.name for m in members.values() if m.online and m.name != name]
        members[name] = replace(members[name], status="EVACUATED")
        moved = [
            replace(i, location=targets[0]) if i.location == name and i.evacuate == "auto" else i
            for i in self.shared.instances
        ]
        yield
        self.shared.instances = moved

    def move_instance(self, project: str, name: str, target: str) -> None:
        if self.fail_move:
            raise LxdError(self.fail_move)
        self.shared.instances = [
            replace(i, location=target) if (i.project, i.name) == (project, name) else i
            for i in self.shared.instances
        ]

    def start_instance(self, project: str, name: str) -> None:
        self.shared.instances = [
            replace(i, running=True) if (i.project, i.name) == (project, name) else i
            for i in self.shared.instances
        ]

    def leave(self, name: str) -> None:
        held = [*self.shared.instances, *self.shared.volumes]
        if any(thing.location == name for thing in held):
            raise LxdError("Node still has things on it")
        self.remove_member(name)
        self.server_ = replace(BARE, version=self.server_.version)
        self.shared = ModelCluster("bare")

    def remove_member(self, name: str) -> None:
        cluster = self.shared
        del cluster.members[name]
        cluster.give_roles()
        cluster.instances = [i for i in cluster.instances if i.location != name]
        cluster.volumes = [v for v in cluster.volumes if v.location != name]

    def set_server_config(self, values: Mapping[str, str]) -> None:
        local = {k: v for k, v in values.items() if k.endswith("https_address")}
        self.server_ = replace(self.server_, config={**self.server_.config, **local})
        self.shared.config.update({k: v for k, v in values.items() if k not in local})

    def notes(self) -> dict[str, str]:
        self.requests += 1
        return dict(self.shared.notes)

    def write_notes(self, values: Mapping[str, str]) -> None:
        notes = {**self.shared.notes, **values}
        self.shared.notes = {key: value for key, value in notes.items() if value}

    def exchange(self, key: str, before: str, after: str) -> bool:
        if self.shared.notes.get(key, "") != before:
            return False
        self.write_notes({key: after})
        return True

    def create_pool(
        self,
        name: str,
        driver: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = nothing,
    ) -> None:
        if name in self.shared.pools:
            raise LxdError("The storage pool already exists")
        ready()
        assert set(members) == set(self.shared.members)
        down = [m.name for m in self.shared.members.values() if not m.online]
        down += [self.fail_pool] if self.fail_pool else []
        status = "Errored" if down else "Created"
        self.shared.pools[name] = Pool(name, driver, status, frozenset(), dict(config))
        if down:
            raise LxdError(f"failed to notify peer {down[0]}")
        self.sources[name] = config.get("source", "")
        self.shared.given[name] = {m: keys.get("source", "") for m, keys in members.items()}

    def finish_pool(self, name: str) -> None:
        if self.fail_finish:
            raise LxdError(self.fail_finish)
        self.shared.pools[name] = replace(self.shared.pools[name], status="Created")

    def delete_pool(self, name: str) -> None:
        del self.shared.pools[name]

    def update_pool(self, name: str, values: Mapping[str, str]) -> None:
        pool = self.shared.pools[name]
        self.shared.pools[name] = replace(pool, config={**pool.config, **values})

    def keep_roots(self, pool: str) -> None:
        self.shared.kept.append(pool)

    def keep_on(self, key: str, pool: str, name: str) -> None:
        assert not pool or pool in self.shared.pools
        volume = Volume("default", pool, name, self.server_.name)
        if pool and volume not in self.shared.volumes:
            self.shared.volumes.append(volume)
        value = f"{pool}/{name}" if pool else ""
        self.server_ = replace(self.server_, config={**self.server_.config, key: value})

    def drop_volume(self, pool: str, name: str) -> None:
        assert f"{pool}/{name}" not in self.server_.config.values()
        volume = Volume("default", pool, name, self.server_.name)
        self.shared.volumes = [v for v in self.shared.volumes if v != volume]

    def create_network(
        self,
        name: str,
        kind: str,
        config: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]],
        ready: Callable[[], None] = nothing,
    ) -> None:
        if kind == "ovn" and members:
            raise LxdError('Network type "ovn" does not support member specific config')
        assert kind == "ovn" or set(members) == set(self.shared.members)
        down = [m.name for m in self.shared.members.values() if not m.online]
        if down:
            raise LxdError(f"failed to notify peer {down[0]}")
        if name in self.shared.networks:
            raise LxdError("The network already exists")
        ready()
        keys = {k: "10.0.0.1/24" if v == "auto" else v for k, v in config.items()}
        # What members have for themselves LXD does not list.
        self.shared.networks[name] = Network(name, kind, "Created", keys, frozenset())
        self.shared.parents[name] = {m: own.get("parent", "") for m, own in members.items()}

    def keep_nics(self, nic: Mapping[str, str]) -> None:
        self.shared.kept_nics.append(dict(nic))

    def delete_network(self, name: str) -> None:
        self.shared.networks.pop(name, None)

    def parents(self, network: str, members: Iterable[str]) -> dict[str, str]:
        known = self.shared.parents.get(network, {})
        return {member: known.get(member, "") for member in members}

    def update_network(
        self, name: str, values: Mapping[str, str], members: Mapping[str, Mapping[str, str]]
    ) -> None:
        for member, keys in members.items():
            self.shared.parents.setdefault(name, {})[member] = keys["parent"]
        old = self.shared.networks[name]
        self.shared.networks[name] = replace(old, config={**old.config, **values})

    def default_profile(self) -> dict[str, Any]:
        self.requests += 1
        return {"config": {}, "description": "", "devices": dict(self.shared.devices)}

    def set_default_profile(self, profile: Mapping[str, Any]) -> None:
        self.shared.devices = dict(profile["devices"])

    def enable_cluster(self, name: str) -> None:
        self.shared.fingerprint = f"cluster-{name}-{len(self.clusters)}"
        self.clusters[self.shared.fingerprint] = self.shared
        self._become_member(name)

    def _become_member(self, name: str) -> None:
        self.server_ = replace(
            self.server_, clustered=True, name=name, fingerprint=self.shared.fingerprint
        )
        address = self.server_.config["cluster.https_address"].rsplit(":", 1)[0].strip("[]")
        self.shared.members[name] = Member(name, address, "ONLINE", frozenset(), "default")
        self.shared.give_roles()

    def join_cluster(
        self,
        name: str,
        address: str,
        token: str,
        member_config: list[dict[str, str]],
        seconds: float,
    ) -> None:
        self.on_join()
        self.answered = {a["name"]: a["value"] for a in member_config if a["key"] == "parent"}
        self.sources |= {a["name"]: a["value"] for a in member_config if a["key"] == "source"}
        if self.fail_join:
            raise LxdError(self.fail_join)
        told = json.loads(base64.b64decode(token))
        cluster = self.clusters[told["fingerprint"]]
        if cluster.tokens.pop(name, "") != told["secret"]:
            raise LxdError("no matching join token")
        self.shared = cluster
        self.set_server_config({"cluster.https_address": address})
        self._become_member(name)

    def await_forming(self, seconds: float) -> bool:
        return False

    def joined(self, seconds: float) -> bool:
        return self.running and self.server_.clustered

    def make_join_token(self, name: str) -> str:
        self.shared.minted += 1
        self.shared.tokens[name] = f"secret-{self.shared.minted}"
        told = {"fingerprint": self.shared.fingerprint, "secret": self.shared.tokens[name]}
        return base64.b64encode(json.dumps(told).encode()).decode()

    def cancel_join_token(self, name: str, digest: str) -> bool:
        secret = self.shared.tokens.pop(name, "")
        return bool(secret) and digest in ("", join_tokens.digest_of(secret))

    def set_role(self, role: str, members: Mapping[str, bool]) -> None:
        for name, has in members.items():
            member = self.shared.members[name]
            roles = member.roles | {role} if has else member.roles - {role}
            self.shared.members[name] = replace(member, roles=roles)

    def set_failure_domain(self, name: str, domain: str) -> None:
        self.shared.members[name] = replace(self.shared.members[name], failure_domain=domain)


@dataclass
class ModelSnap:
    """The snap as snapd would have it."""

    facts_: SnapFacts = field(
        default_factory=lambda: SnapFacts(snapd=True, deb=False, installed=False)
    )
    store_error: str = ""
    unknown_channel: str = ""
    digest: str = ""
    restarts: int = 0

    def facts(self, wanted: Resource | None) -> SnapFacts:
        same = wanted is None or wanted.digest == self.digest
        return replace(self.facts_, same_as_resource=same)

    def install(self, channel: str, revision: str) -> None:
        if self.unknown_channel == channel:
            raise ChannelUnknownError(f"no LXD on {channel}")
        if self.store_error:
            raise SnapError(self.store_error)
        self.facts_ = replace(self.facts_, installed=True, revision=revision or "100")

    def install_file(self, path: str) -> None:
        self.digest = path
        self.facts_ = replace(self.facts_, installed=True, revision="x1")

    def stop(self) -> None:
        pass

    def start(self) -> None:
        pass

    def restart(self) -> None:
        self.restarts += 1


@dataclass
class ModelMachine:
    """What a unit keeps on its disk."""

    name: str
    lxd: ModelLxd
    key_: bytes | None = None
    forming_: Forming | None = None
    failures_: Failures | None = None
    log: str = ""
    disks: list[Device] = field(default_factory=list[Device])
    packages: set[str] = field(default_factory=set[str])
    services: list[str] = field(default_factory=list[str])
    segments_: dict[str, str] = field(default_factory=dict[str, str])
    lacks_: str = ""
    others_opened_ovn: bool = False
    interfaces_: list[Interface] = field(default_factory=list[Interface])
    files: dict[Path, str] = field(default_factory=dict[Path, str])

    def hostname(self) -> str:
        return self.name

    def key(self) -> bytes | None:
        return self.key_

    def public_key(self) -> str:
        return seal.public_half(self.key_) if self.key_ else ""

    def keep_key(self, private: bytes, public: str) -> None:
        self.key_ = private

    def forming(self) -> Forming | None:
        return self.forming_

    def note_forming(self, what: str, now: float, devices: tuple[str, ...]) -> None:
        self.forming_ = Forming(what, now, devices)

    def install(self, packages: Iterable[str]) -> None:
        self.packages |= set(packages)

    def segments(self) -> dict[str, str]:
        return dict(self.segments_)

    def run_segment(
        self, network: str, files: Mapping[Path, str], services: Iterable[str], record: str
    ) -> None:
        self.files |= files
        self.services = sorted(services)
        self.segments_[network] = record

    def end_segment(self, network: str) -> None:
        del self.segments_[network]

    def lacks(self, need: str) -> str:
        return self.lacks_

    def opens_ovn(self, files: Mapping[Path, str]) -> bool:
        return self.others_opened_ovn or (bool(files) and self.has(files))

    def interfaces(self) -> tuple[Interface, ...]:
        return tuple(self.interfaces_)

    def devices(self, patterns: tuple[str, ...]) -> tuple[Device, ...]:
        there = {d.path: d for d in self.disks}
        return tuple(there[p] for p in patterns if p in there)

    def wipe(self, device: str) -> None:
        self.disks = [replace(d, holds="", ids=()) if d.path == device else d for d in self.disks]

    def has(self, files: Mapping[Path, str]) -> bool:
        return all(self.files.get(path) == text for path, text in files.items())

    def write_privately(self, files: Mapping[Path, str]) -> None:
        self.files |= files

    def forget_forming(self) -> None:
        self.forming_ = None

    def failures(self) -> Failures | None:
        return self.failures_

    def note_failure(self, reason: str) -> None:
        self.failures_ = Failures(self.failures_.count + 1 if self.failures_ else 1, reason)

    def forget_failures(self) -> None:
        self.failures_ = None

    def has_data(self) -> bool:
        return any(i.location == self.name for i in self.lxd.shared.instances)

    def lxd_log(self) -> str:
        return self.log

    def empty_lxd(self) -> None:
        self.lxd.server_ = replace(BARE, version=self.lxd.server_.version)
        self.lxd.shared = ModelCluster("bare")
        self.lxd.running = True

    def kill_lxd(self) -> None:
        pass
