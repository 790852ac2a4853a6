# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The server configuration that follows from the options, and how the cluster differs from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from options.options import Options
from plan.storage import pools
from state.cluster import ClusterView
from steps.networks import PinNics, SetDefaultProfile
from steps.plan import Step
from steps.server import SetServerConfig
from steps.storage import PinRootDisks
from values import profile_devices


@dataclass(frozen=True)
class Setting:
    """One row of the table: a key of LXD's server configuration, and its value by the options.

    LXD omits the key from its configuration while it has the value `default`. With `of_member` it
    is a key that each server has for itself: its scope in LXD's documentation is local.
    """

    key: str
    value: Callable[[Options], str]
    default: str = ""
    of_member: bool = False


SETTINGS = (
    Setting("cluster.offline_threshold", lambda o: str(o.cluster_offline_threshold), "20"),
    Setting("cluster.images_minimal_replica", lambda o: str(o.images_replicas), "3"),
)
"""The keys that follow from one option each."""


def server_config(options: Options, actual: Mapping[str, str], *, of_member: bool) -> list[Step]:
    """Steps that set keys to the options' values: those of this member, or those that all share."""
    rows = [row for row in SETTINGS if row.of_member == of_member]
    missing = {
        row.key: row.value(options)
        for row in rows
        if actual.get(row.key, row.default) != row.value(options)
    }
    return [SetServerConfig(missing)] if missing else []


def default_profile(
    pool: str, nic: Mapping[str, str] | None, lxd: ClusterView
) -> list[SetDefaultProfile | PinNics | PinRootDisks]:
    """Makes the default profile use the pool and the nic; a nic of None keeps the current one.

    While the pool does not exist on all members, the profile stays as it is.
    """
    if lxd.pools is None or lxd.nic is None:
        return []
    made = pools.made(pool, lxd.pools)
    if made is None:
        return []
    same_nic = nic is None or _same(nic, lxd.nic)
    if pools.holds_root(made, lxd) and same_nic:
        return []
    change = SetDefaultProfile(pool, None if same_nic else nic)
    staying = [] if same_nic else _pinning(lxd.nic)
    return [*pools.pinning(pool, lxd.pools), *staying, change]


def _pinning(nic: Mapping[str, str]) -> list[PinNics]:
    """Keeps instances on the old network before the default profile changes to another one."""
    return [PinNics(profile_devices.place(nic))] if nic else []


def _same(wanted: Mapping[str, str], has: Mapping[str, str]) -> bool:
    """Whether a nic is on the wanted network. Its other keys are an operator's."""
    return dict(wanted) == profile_devices.place(has)
