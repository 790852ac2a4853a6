# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a leaving member can give to others: the instances that may move, and their targets.

LXD has a rule for what an evacuation moves (`canMigrate` in its source): the value of
`cluster.evacuate` decides. For `auto`, an instance moves if no device would stay with the machine.
The charm applies the same rule before it changes anything. LXD applies it only after it has stopped
the instance, and leaves it stopped.

LXD leaves an instance behind if its nic is on a bridge of the machine. The network mode `flat`
gives instances such nics. Its bridges are on every member, so the charm moves these instances.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import backends
from state.cluster import CLOSED, ClusterView, Member
from state.lxd_objects import Bucket, Image, Instance, Volume
from values import lxd_urls, lxd_versions
from values.status import StatusText, names

_STAYS = frozenset({"stop", "stateful-stop", "force-stop"})
"""Values of `cluster.evacuate` with which LXD leaves an instance where it is."""

_UNCHECKED = frozenset({"migrate", "live-migrate"})
"""Values with which LXD checks no device: the operator says that the instance can move."""

_JUJU_CONTAINER = re.compile(r"juju-[0-9a-f]{6}-(\d+-lxd-\d+(?:-lxd-\d+)*)")
"""Juju's names for the containers that it makes on a machine."""

_JUJU_IMAGE = "juju/"
"""The prefix of Juju's aliases for images: `juju/ubuntu@24.04/amd64` (its source)."""

_RUNS_ON = {"i686": "x86_64", "armv7l": "aarch64", "armv6l": "aarch64", "ppc": "ppc64"}
"""By architecture: another one whose machines also run it."""

_MOVABLE = frozenset({"tpm", "none"})
"""Types of devices that LXD makes again on any member."""


def of_juju(lxd_object: Instance | Volume | Bucket | Image) -> bool:
    """Whether Juju made it: an instance as one of its machines, or the image for those."""
    if isinstance(lxd_object, Image):
        return lxd_object.alias.startswith(_JUJU_IMAGE)
    return (
        isinstance(lxd_object, Instance) and _JUJU_CONTAINER.fullmatch(lxd_object.name) is not None
    )


def obstacle(instance: Instance, lxd: ClusterView) -> StatusText:
    """Why an instance must stay on its member, and what to do about it. Empty if it may move."""
    if jujus := _JUJU_CONTAINER.fullmatch(instance.name):
        return f"belongs to Juju: juju remove-machine {jujus[1].replace('-', '/')}"
    if instance.evacuate in _STAYS:
        return f"cluster.evacuate={instance.evacuate}: move or delete it"
    # Also if it would move live: LXD then stops the source, and would delete the record of both
    # (onStop).
    if instance.ephemeral:
        return "is ephemeral, LXD deletes it when it stops: copy it, then delete it"
    # LXD sets this key on a running instance, and stops and moves it, but does not start it again.
    if instance.running and instance.protected:
        return "LXD would not start it again: unset security.protection.start"
    if instance.undeletable and _is_copied_to_move(instance, lxd):
        return "LXD 5.0 would leave it here: unset security.protection.delete"
    return "" if instance.evacuate in _UNCHECKED else _obstacle_of_devices(instance, lxd)


def _obstacle_of_devices(instance: Instance, lxd: ClusterView) -> StatusText:
    """The first device that cannot move, and what to do about it. Empty if all may move."""
    for name, device in sorted(instance.devices.items()):
        if kind := _immovable(device, lxd):
            return f"{kind} {name} cannot move: detach it, or delete the instance"
    return ""


def _is_copied_to_move(instance: Instance, lxd: ClusterView) -> bool:
    """Whether LXD makes a whole copy with each try to move an instance, under another name."""
    return lxd_versions.copies_to_move(lxd.server.version) and not on_shared_pool(instance, lxd)


def on_shared_pool(instance: Instance, lxd: ClusterView) -> bool:
    """Whether an instance is in a pool that all members reach, such as a Ceph.

    Pools list their users, even on a member that is down: LXD shows no devices of such instances.
    """
    shared = (p for p in lxd.pools or () if not backends.is_local(p.driver))
    users = (lxd_urls.read(user) for pool in shared for user in pool.used_by)
    place = (("instances", instance.name), instance.project)
    return any((user.parts, user.project) == place for user in users)


def targets(instance: Instance, lxd: ClusterView, own: str) -> tuple[str, ...]:
    """The members that may take an instance from the member `own`, the best one first.

    The best one has the fewest instances, as for LXD's scheduler. Members that are about to go are
    excluded.
    """
    load = Counter(i.location for i in lxd.instances or ())
    members = [m for m in lxd.members if _is_available(m, lxd) and _stays(m, lxd, own)]
    able = _allowed_by_placement(
        instance, [m for m in members if _fits(instance, m, lxd)], lxd, own
    )
    return tuple(m.name for m in sorted(able, key=lambda m: (load[m.name], m.name)))


def may_choose(instance: Instance, lxd: ClusterView, own: str) -> bool:
    """Whether LXD may choose the member of the instance's cluster group: each one can take it.

    LXD chooses among the members of the group that are online and not closed (by source). It knows
    neither which machines are about to go, nor the bridges of machines.
    """
    chosen = {
        m.name
        for m in lxd.members
        if m.online and m.name != own and m.scheduler != CLOSED and instance.group in m.groups
    }
    return chosen <= set(targets(instance, lxd, own))


def absent_targets(instance: Instance, lxd: ClusterView, own: str) -> tuple[str, ...]:
    """The members that could take an instance but are down, evacuated, or do not answer."""
    unavailable = [m for m in lxd.members if not _is_available(m, lxd) and _stays(m, lxd, own)]
    able = _allowed_by_placement(
        instance, [m for m in unavailable if _fits(instance, m, lxd)], lxd, own
    )
    return tuple(m.name for m in able)


def no_target_now(instance: Instance, lxd: ClusterView, own: str) -> StatusText:
    """The message about an instance that no other member takes now, with what would help."""
    missing = absent_targets(instance, lxd, own)
    up = {m.name for m in lxd.members if m.up} - lxd.unreachable
    if evacuated := [name for name in missing if name in up]:
        return f"{evacuated[0]} could take it: lxc cluster restore {evacuated[0]}"
    if missing:
        return f"{names(missing)} could take it, but is not online"
    return no_target(instance)


def no_target(instance: Instance) -> StatusText:
    """The message about an instance that no other member could take."""
    if instance.placement:
        return f"no other member can take it in its placement group {instance.placement}"
    return "no other member can take it"


def _allowed_by_placement(
    instance: Instance, able: list[Member], lxd: ClusterView, own: str
) -> list[Member]:
    """The members that an instance's placement group allows, by LXD's rules.

    LXD itself applies them only if a request names no member (by source). Instances on the leaving
    member do not count.
    """
    policy = lxd.placements.get(f"{instance.project}/{instance.placement}", "")
    in_group = _in_placement_group(instance, lxd, own)
    if policy.startswith("spread"):
        return _spread(policy, able, in_group)
    if policy.startswith("compact") and in_group:
        return _compact(policy, able, in_group)
    return able


def _in_placement_group(instance: Instance, lxd: ClusterView, own: str) -> Counter[str]:
    """By member other than `own`: its number of instances in the same placement group."""
    group = (instance.project, instance.placement)
    return Counter(
        i.location
        for i in lxd.instances or ()
        if (i.project, i.placement) == group and i.location != own
    )


def _spread(policy: str, able: list[Member], in_group: Counter[str]) -> list[Member]:
    """The members with the fewest of the group; a strict policy allows only those with none."""
    most = 0 if policy.endswith("strict") else min((in_group[m.name] for m in able), default=0)
    return [m for m in able if in_group[m.name] <= most]


def _compact(policy: str, able: list[Member], in_group: Counter[str]) -> list[Member]:
    """The member with the most of the group; another one only if the policy is not strict."""
    first = max(in_group, key=lambda name: (in_group[name], name))
    with_most = [m for m in able if m.name == first]
    return with_most if policy.endswith("strict") else with_most or able


def _is_available(member: Member, lxd: ClusterView) -> bool:
    """Whether a member takes instances now.

    LXD calls a lost member online until the offline threshold.
    """
    return member.online and member.name not in lxd.unreachable


def _stays(member: Member, lxd: ClusterView, own: str) -> bool:
    return member.name not in {own} | lxd.orphaned | lxd.leaving


def _fits(instance: Instance, member: Member, lxd: ClusterView) -> bool:
    """Whether LXD would place the instance on the member, and its nics are connected there."""
    if member.architecture not in ("", instance.architecture, _RUNS_ON.get(instance.architecture)):
        return False
    if member.scheduler == CLOSED:
        return False
    if member.scheduler == "group" and instance.group not in member.groups:
        return False
    if instance.group and instance.group not in member.groups:
        return False
    allowed = lxd.allowed.get(instance.project)
    if allowed is not None and not allowed & member.groups:
        return False
    return _bridges(instance, lxd) <= lxd.bridges.get(member.name, frozenset())


def _bridges(instance: Instance, lxd: ClusterView) -> set[str]:
    """The machine's bridges of an instance, as far as its configuration lets LXD check them."""
    if instance.evacuate in _UNCHECKED:
        return set()
    nics = (d for d in instance.devices.values() if d.get("type") == "nic")
    return {bridge for nic in nics if (bridge := _bridge(nic, lxd))}


def _bridge(nic: Mapping[str, str], lxd: ClusterView) -> str:
    """The machine's bridge of a nic, with its VLAN. Empty for a bridge that LXD manages."""
    parent = nic.get("parent", "")
    if nic.get("network") or nic.get("nictype") != "bridged" or _managed(parent, lxd):
        return ""
    return on_bridge(parent, nic.get("vlan", ""))


def on_bridge(parent: str, vlan: str) -> str:
    """A bridge with its VLAN, in the format of `ClusterView.bridges`."""
    return f"{parent} {vlan}".strip()


def _managed(network: str, lxd: ClusterView) -> bool:
    return any(n.name == network for n in lxd.networks or ())


def _immovable(device: Mapping[str, str], lxd: ClusterView) -> str:
    """The kind of a device that stays with its machine, empty for one that does not."""
    kind = device.get("type", "")
    if kind == "nic":
        return _immovable_nic(device, lxd)
    if kind == "disk":
        return _immovable_disk(device, lxd)
    return "" if kind in _MOVABLE else kind


def _immovable_nic(nic: Mapping[str, str], lxd: ClusterView) -> str:
    network, kind = nic.get("network", ""), nic.get("nictype", "")
    if network:
        managed = next((n for n in lxd.networks or () if n.name == network), None)
        # An unlisted network is in another project: LXD has only OVN's there.
        return "nic of the interface" if managed is not None and managed.type == "physical" else ""
    if kind == "ovn":
        return ""
    if kind != "bridged":
        return f"{kind} nic"
    return _immovable_bridge(nic, lxd)


def _immovable_bridge(nic: Mapping[str, str], lxd: ClusterView) -> str:
    """The machine's bridge of a nic, empty if the members have the same one or LXD manages it."""
    bridge = _bridge(nic, lxd)
    is_known = any(bridge in bridges for bridges in lxd.bridges.values())
    tagged = nic.get("vlan.tagged", "")
    return (
        "" if not bridge or (is_known and not tagged) else f"nic on the machine's {nic['parent']}"
    )


def _immovable_disk(disk: Mapping[str, str], lxd: ClusterView) -> str:
    if disk.get("path") == "/":
        return ""
    pool = disk.get("pool", "")
    if not pool:
        return "disk"
    driver = next((p.driver for p in lxd.pools or () if p.name == pool), "")
    return "volume" if backends.is_local(driver) or not driver else ""
