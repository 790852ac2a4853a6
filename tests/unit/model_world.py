"""A small stand-in for LXD, the snap and the machine: enough to run whole clusters in memory."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import seal
from lxd_reading import LxdError, LxdUnreachable
from snap import ChannelUnknownError, SnapError
from view import Forming, Member, Network, Pool, Resource, Server, SnapFacts

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
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    pools: dict[str, Pool] = field(default_factory=dict[str, Pool])
    networks: dict[str, Network] = field(default_factory=dict[str, Network])
    config: dict[str, str] = field(default_factory=dict[str, str])
    devices: dict[str, Any] = field(default_factory=dict[str, Any])
    minted: int = 0


@dataclass
class ModelLxd:
    """One server. Before it joins, it is a cluster of its own that nobody knows."""

    name: str
    clusters: dict[str, ModelCluster]
    server_: Server = BARE
    running: bool = True
    requests: int = 0
    instances_: int = 0
    fail_join: str = ""
    heartbeat_comes: bool = True
    shared: ModelCluster = field(default_factory=lambda: ModelCluster("bare"))

    def await_start(self, seconds: float) -> None:
        self.server()

    def await_heartbeat(self, name: str, seconds: float) -> tuple[Member, ...]:
        members = self.shared.members
        if self.heartbeat_comes:
            members[name] = replace(members[name], status="ONLINE")
        return self.members()

    def server(self) -> Server:
        self.requests += 1
        if not self.running:
            raise LxdUnreachable("no answer in time")
        return replace(self.server_, config={**self.shared.config, **self.server_.config})

    def members(self) -> tuple[Member, ...]:
        self.requests += 1
        return tuple(sorted(self.shared.members.values(), key=lambda m: m.name))

    def pools(self) -> tuple[Pool, ...]:
        self.requests += 1
        return tuple(self._used(p, "pool") for p in self.shared.pools.values())

    def networks(self) -> tuple[Network, ...]:
        self.requests += 1
        return tuple(self._used(n, "network") for n in self.shared.networks.values())

    def _used(self, thing: Any, key: str) -> Any:
        used = any(d.get(key) == thing.name for d in self.shared.devices.values())
        return replace(thing, used_by=frozenset({PROFILE} if used else ()))

    def instances(self) -> int:
        self.requests += 1
        return self.instances_

    def set_server_config(self, values: Mapping[str, str]) -> None:
        local = {k: v for k, v in values.items() if k.endswith("https_address")}
        self.server_ = replace(self.server_, config={**self.server_.config, **local})
        self.shared.config.update({k: v for k, v in values.items() if k not in local})

    def create_pool(self, name: str, driver: str, config: Mapping[str, str]) -> None:
        self.shared.pools[name] = Pool(name, driver, "Created", frozenset())

    def create_network(
        self, name: str, kind: str, config: Mapping[str, str], members: tuple[str, ...]
    ) -> None:
        down = [m.name for m in self.shared.members.values() if not m.online]
        if down:
            raise LxdError(f"failed to notify peer {down[0]}")
        addresses = {k: "10.0.0.1/24" if v == "auto" else v for k, v in config.items()}
        self.shared.networks[name] = Network(name, kind, "Created", addresses, frozenset())

    def delete_network(self, name: str) -> None:
        self.shared.networks.pop(name, None)

    def update_network(self, name: str, values: Mapping[str, str]) -> None:
        old = self.shared.networks[name]
        self.shared.networks[name] = replace(old, config={**old.config, **values})

    def default_profile(self) -> dict[str, Any]:
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
        voters = sum(m.voter for m in self.shared.members.values())
        roles = {"database"} if voters < 3 else {"database-standby"}
        member = Member(name, address, "ONLINE", frozenset(roles), "default")
        self.shared.members[name] = member

    def join_cluster(
        self,
        name: str,
        address: str,
        token: str,
        member_config: list[dict[str, str]],
        seconds: float,
    ) -> None:
        if self.fail_join:
            raise LxdError(self.fail_join)
        told = json.loads(base64.b64decode(token))
        cluster = self.clusters[told["fingerprint"]]
        if cluster.tokens.pop(name, "") != told["secret"]:
            raise LxdError("no matching join token")
        self.shared = cluster
        self.set_server_config({"cluster.https_address": address})
        self._become_member(name)

    def await_join(self, seconds: float) -> bool:
        return False

    def make_join_token(self, name: str) -> str:
        self.shared.minted += 1
        self.shared.tokens[name] = f"secret-{self.shared.minted}"
        told = {"fingerprint": self.shared.fingerprint, "secret": self.shared.tokens[name]}
        return base64.b64encode(json.dumps(told).encode()).decode()

    def cancel_join_token(self, name: str) -> None:
        self.shared.tokens.pop(name, None)

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


@dataclass
class ModelMachine:
    """What a unit keeps on its disk."""

    name: str
    lxd: ModelLxd
    key_: bytes | None = None
    forming_: Forming | None = None

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

    def note_forming(self, what: str, now: float) -> None:
        self.forming_ = Forming(what, now)

    def forget_forming(self) -> None:
        self.forming_ = None

    def empty_lxd(self) -> None:
        self.lxd.server_ = replace(BARE, version=self.lxd.server_.version)
        self.lxd.shared = ModelCluster("bare")
        self.lxd.running = True

    def kill_lxd(self) -> None:
        pass
