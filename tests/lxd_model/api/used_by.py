# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The users of a pool, a network, a profile or a project, in LXD's format."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from tests.lxd_model import instances
from tests.lxd_model.things import DEFAULT

if TYPE_CHECKING:
    from tests.lxd_model.records import Records
    from tests.lxd_model.things import Bucket, Instance, Network, Pool, Profile, Volume


@lru_cache(maxsize=4096)
def url(*parts: str, project: str = DEFAULT, target: str = "") -> str:
    """The path of an object, in LXD's format."""
    path = "/".join(("/1.0", *(quote(part, safe="") for part in parts)))
    query = [f"project={quote_plus(project)}"] if project != DEFAULT else []
    query += [f"target={quote_plus(target)}"] if target not in ("", "none") else []
    return path + (f"?{'&'.join(query)}" if query else "")


def instance(found: Instance) -> str:
    """The path of an instance."""
    return url("instances", found.name, project=found.project)


def _profile(found: Profile) -> str:
    return url("profiles", found.name, project=found.project)


def _stored(found: Volume | Bucket, kind: tuple[str, ...]) -> str:
    parts = ("storage-pools", found.pool, *kind, found.name)
    return url(*parts, project=found.project, target=found.location)


def of_pool(records: Records, pool: Pool) -> list[str]:
    """Instances, profiles, volumes and buckets."""
    name = pool.name
    found = [instance(i) for i in records.instances.values() if i.pool == name]
    found += _profiles_with(records, "pool", name)
    volumes = records.volumes.values()
    found += [_stored(v, ("volumes", "custom")) for v in volumes if v.pool == name]
    found += [_stored(b, ("buckets",)) for b in records.buckets.values() if b.pool == name]
    return found


def of_network(records: Records, network: Network) -> list[str]:
    """Networks that exist on it, instances and profiles."""
    found = [
        url("networks", n.name, project=n.project)
        for n in records.networks.values()
        if n.status == "Created"
        and network.name in (n.config.get("network"), n.config.get("parent"))
    ]
    found += [
        instance(i)
        for i in records.instances.values()
        if network.name in instances.on_network(records, i)
    ]
    return found + _profiles_with(records, "network", network.name)


def _profiles_with(records: Records, key: str, value: str) -> list[str]:
    return [
        _profile(p)
        for p in records.profiles.values()
        if p.devices and any(device.get(key) == value for device in p.devices.values())
    ]


def of_profile(records: Records, profile: Profile) -> list[str]:
    """Instances."""
    return [instance(i) for i in instances.users_of_profile(records, profile)]


def of_project(records: Records, name: str) -> list[str]:
    """Everything in a project."""
    found = [_profile(p) for p in records.profiles.values() if p.project == name]
    found += [instance(i) for i in records.instances.values() if i.project == name]
    found += [url("images", i.fingerprint) for i in records.images.values() if i.project == name]
    volumes = records.volumes.values()
    found += [_stored(v, ("volumes", "custom")) for v in volumes if v.project == name]
    nets = records.networks.values()
    found += [url("networks", n.name, project=name) for n in nets if n.project == name]
    return found
