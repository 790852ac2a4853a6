# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Instances and profiles: what an instance gets from its profiles, and what may be done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.lxd_model import pools, processes
from tests.lxd_model.records import Key, Records, Row, State
from tests.lxd_model.refusal import Refusal, bad, not_found
from tests.lxd_model.things import DEFAULT, Config, Devices, Instance, Profile, is_true

if TYPE_CHECKING:
    from tests.lxd_model.server import Server

LAST_STATE = "volatile.last_state.power"
_NEW = 5.0
"""Seconds in which a new instance does not talk yet: no profile changes in that time."""
_STAYS = "stop"
_MOVES = frozenset({"migrate", "live-migrate"})
_MOVING_NICS = frozenset({"bridge", "macvlan", "sriov", "ovn"})
"""Types of networks whose nics LXD migrates."""


def profile_project(records: Records, project: str) -> str:
    """The project that has the profiles of an instance's project. Raises Refusal."""
    found = records.projects.get(project)
    if found is None:
        raise Refusal("Project not found", 404)
    own = project == DEFAULT or is_true(found.config.get("features.profiles", ""))
    return project if own else DEFAULT


def profiles_of(records: Records, instance: Instance) -> list[Profile]:
    """The profiles of an instance, in their order."""
    project = profile_project(records, instance.project)
    return [records.profiles[project, n] for n in instance.profiles]


def all_devices(records: Records, instance: Instance) -> dict[str, Config]:
    """LXD's "expanded" devices: those of its profiles, then its own."""
    found: dict[str, Config] = {}
    for profile in profiles_of(records, instance):
        found.update(profile.devices)
    found.update(instance.devices)
    return found


def all_config(records: Records, instance: Instance) -> dict[str, str]:
    """The same for its keys."""
    found: dict[str, str] = {}
    for profile in profiles_of(records, instance):
        found.update(profile.config)
    found.update(instance.config)
    if instance.running or instance.wanted:
        found[LAST_STATE] = "RUNNING"
    if instance.running:
        # A nic has it from its start to its end (volatileSet in nic_bridged.go and the others).
        nics = _nics(all_devices(records, instance)) - instance.lacking
        found |= {f"volatile.{name}.host_name": f"veth{name}" for name in nics}
    return found


def _nics(devices: Devices) -> set[str]:
    return {name for name, device in devices.items() if device.get("type") == "nic"}


def starts_by_itself(records: Records, instance: Instance) -> bool:
    """Whether a daemon that starts also starts the instance (instanceShouldAutoStart)."""
    autostart = all_config(records, instance).get("boot.autostart", "")
    return is_true(autostart) or (not autostart and instance.wanted)


def find(records: Records, key: Key) -> Instance:
    """An instance by its project and name. Raises Refusal."""
    instance = records.instances.get(key)
    if instance is None:
        raise not_found("Instance")
    return instance


def on_network(records: Records, instance: Instance) -> frozenset[str]:
    """The networks of an instance."""
    devices = all_devices(records, instance).values()
    return frozenset(d["network"] for d in devices if d.get("network"))


def on_remote_pool(records: Records, instance: Instance) -> bool:
    """Whether its root disk is in a pool that all members reach."""
    roots = (d for d in all_devices(records, instance).values() if d.get("path") == "/")
    pool = records.pools.get(next((d.get("pool", "") for d in roots), ""))
    return pool is not None and pool.driver in pools.REMOTE


def moves(records: Records, instance: Instance) -> bool:
    """Whether an evacuation moves it: LXD's `CanMigrate`."""
    how = all_config(records, instance).get("cluster.evacuate", "auto")
    if how in _MOVES:
        return True
    if how == _STAYS:
        return False
    return all(_device_moves(records, d) for d in all_devices(records, instance).values())


def _device_moves(records: Records, device: Config) -> bool:
    kind = device.get("type")
    if kind in ("none", "tpm"):
        return True
    if kind == "disk":
        pool = records.pools.get(device.get("pool", ""))
        return device.get("path") == "/" or (pool is not None and pool.driver in pools.REMOTE)
    if kind == "nic":
        network = records.networks.get(device.get("network", ""))
        return network is not None and network.type in _MOVING_NICS
    return False


def stop(server: Server, instance: Instance) -> Instance | None:
    """Stops an instance. An ephemeral one is gone: None."""
    records, there = server.records, processes.location(server, instance)
    processes.end(there, instance)
    if instance.ephemeral:
        del records.instances[instance.key]
        there.disk.pop(str(instance), None)
        return None
    records.instances[instance.key] = stopped = replace(instance, running=False)
    return stopped


def start(server: Server, key: Key) -> None:
    """Starts an instance where it is. Raises Refusal on an evacuated member."""
    records = server.records
    instance = find(records, key)
    refuse_evacuated(records.rows.get(instance.location))
    if instance.running:
        raise bad("The instance is already running")
    began = server.cloud.now
    records.instances[key] = replace(
        instance, running=True, wanted=False, started=began, lacking=frozenset()
    )
    processes.begin(processes.location(server, instance), instance)


def refuse_evacuated(row: Row | None) -> None:
    """LXD starts nothing on an evacuated member. Raises Refusal."""
    if row is not None and row.state is State.EVACUATED:
        raise Refusal("Cluster member is evacuated", 403)


def carry(server: Server, key: Key, target: Row) -> None:
    """Moves an instance and the data on its disk to another member."""
    records, servers = server.records, server.cloud.servers
    instance = records.instances[key]
    source, there = records.rows.get(instance.location), servers[target.server]
    if source is not None:
        servers[source.server].disk.pop(str(instance), None)
    arrived = replace(instance, location=target.name)
    records.instances[key] = arrived
    there.disk[str(arrived)] = arrived
    if instance.running:
        if source is not None:
            processes.end(servers[source.server], instance)
        processes.begin(there, arrived)


def delete(server: Server, key: Key) -> None:
    """Deletes a stopped instance."""
    instance = find(server.records, key)
    if instance.running:
        raise bad("Instance is running")
    del server.records.instances[key]
    processes.location(server, instance).disk.pop(str(instance), None)


def set_profile(server: Server, profile: Profile) -> None:
    """Replaces a profile. A root disk that comes from it cannot move to another pool."""
    records = server.records
    before = records.profiles[profile.key]
    _check_devices(records, profile.devices)
    users = [i for i in records.instances.values() if before in profiles_of(records, i)]
    networks = {i.key: on_network(records, i) for i in users}
    devices = {i.key: all_devices(records, i) for i in users}
    pool = root_pool(profile.devices)
    if pool != root_pool(before.devices):
        relying = [i for i in users if not has_root(i.devices)]
        if any(i.pool not in ("", pool) for i in relying):
            raise Refusal("At least one instance relies on this profile's root disk device")
    records.profiles[profile.key] = profile
    for instance in users:
        gone = networks[instance.key] - on_network(records, instance)
        if gone and server.cloud.now - instance.launched > _NEW:
            server.cloud.cut_off.append(f"{instance} from {min(gone)}")
    _tell_members(server, users, devices)


def _tell_members(server: Server, users: list[Instance], before: Mapping[Key, Devices]) -> None:
    """Each member changes its instances of a profile that is saved already (`profilePut`).

    The others are told only after all instances here have changed. One that does not answer is
    left out. LXD names the instances of one member only: its notifier returns the first error.
    """
    failures = _change_here(server, server.place, users, before)
    if not failures:
        others = sorted({i.location for i in users} - {server.place})
        heard = [m for m in others if server.hears(server.records.rows[m])]
        results = [_change_here(server, member, users, before) for member in heard]
        failures = next(filter(None, results), list[str]())
    else:
        heard = []
    for instance in users:
        if instance.location not in (server.place, *heard):
            _leave(server.records, instance, before[instance.key])
    if failures:
        listed = "\n".join(failures)
        raise Refusal(
            f"The following instances failed to update (profile change still saved):\n{listed}\n"
        )


def _change_here(
    server: Server, member: str, users: list[Instance], before: Mapping[Key, Devices]
) -> list[str]:
    """Changes the instances of a member. Returns LXD's lines about those that do not change."""
    failures: list[str] = []
    for instance in users:
        now, then = all_devices(server.records, instance), before[instance.key]
        if instance.location == member and (why := _unchanged(instance, then, now)):
            failures.append(f" - Project: {instance.project}, Instance: {instance.name}: {why}")
            _leave(server.records, instance, then)
    return failures


def _leave(records: Records, instance: Instance, before: Devices) -> None:
    """A running instance goes on without the nics that its profile has got."""
    new = _nics(all_devices(records, instance)) - _nics(before)
    if instance.running and new:
        lacking = instance.lacking | new
        records.instances[instance.key] = replace(instance, lacking=lacking)


def _unchanged(instance: Instance, before: Devices, now: Devices) -> str:
    """Why LXD does not change an instance with its profile, empty if it does."""
    if name := _duplicate_nic(now):
        return f'Duplicate NIC name detected "{name}"'
    if instance.running and instance.fixed and before != now:
        return 'Failed to start device "eth0": No unused PCIe ports available for hotplugging'
    return ""


def _duplicate_nic(devices: Devices) -> str:
    """A name that two nics have, empty without one."""
    nics = [device.get("name", "") for device in devices.values() if device.get("type") == "nic"]
    return next((name for name in nics if name and nics.count(name) > 1), "")


def has_root(devices: Devices) -> bool:
    """Whether a root disk is among these devices."""
    return any(d.get("path") == "/" for d in devices.values())


def root_pool(devices: Devices) -> str:
    """The pool of the root disk among these devices, empty without one."""
    return next((d.get("pool", "") for d in devices.values() if d.get("path") == "/"), "")


def _check_devices(records: Records, devices: Devices) -> None:
    for device in devices.values():
        pool, network = device.get("pool", ""), device.get("network", "")
        if pool and pool not in records.pools:
            raise Refusal(f'Device validation failed: The "{pool}" storage pool doesn\'t exist')
        if device.get("type") == "nic" and network and network not in records.networks:
            raise Refusal(
                f'Device validation failed: Failed loading network "{network}": Network not found'
            )


def set_devices(
    server: Server, key: Key, devices: Devices, config: Config, description: str = ""
) -> None:
    """Sets an instance's own devices and keys."""
    records = server.records
    instance = find(records, key)
    _check_devices(records, devices)
    before = on_network(records, instance)
    if has_root(devices) and root_pool(devices) != instance.pool:
        raise bad("The storage pool of the root disk can only be changed through move")
    own = {key: value for key, value in config.items() if value}
    power = own.pop(LAST_STATE, "")
    changed = replace(instance, devices=dict(devices), config=own, description=description)
    if power and not instance.running:
        changed = replace(changed, wanted=power == "RUNNING")
    records.instances[key] = changed
    gone = before - on_network(records, changed)
    if gone and server.cloud.now - instance.launched > _NEW:
        server.cloud.cut_off.append(f"{instance} from {min(gone)}")


def users_of_profile(records: Records, profile: Profile) -> list[Instance]:
    """The instances with a profile."""
    project, name = profile.key
    return [
        i
        for i in records.instances.values()
        if name in i.profiles and profile_project(records, i.project) == project
    ]
