# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for networks and the default profile."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial

from act import join_guard
from act.handlers import Handlers
from host import overlay_dhcp
from lxd import profiles
from lxd.errors import LxdError, LxdUnreachable
from plan.networks import overlay_dhcp as plan_overlay_dhcp
from plan.networks.contributions import PARENTS, UNFINISHED
from ports.ports import Ports
from records import without_nic
from relations import ovn
from state.cluster import Network
from state.view import RunHistory
from steps.networks import (
    CreateNetwork,
    EndOverlayDhcp,
    PinNics,
    RemoveLeftBridge,
    RunOverlayDhcp,
    SetDefaultProfile,
    SetOwnParent,
    UpdateNetwork,
    WriteOvn,
)
from values import profile_devices

logger = logging.getLogger(__name__)
_INVALID = re.compile(r'Device validation failed for "([^"]+)": Invalid device option "([^"]+)"')
"""LXD's refusal of a key that a device cannot have, such as a nic of another type."""


def create_network(step: CreateNetwork, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The network exists on all members, or everything is as before the try.

    Raises LxdUnreachable if LXD may still make it: the next run finishes it then.
    """
    ready = partial(join_guard.require_no_join, step.members, ports)
    ready()
    if _finish(step, ports):
        return history
    try:
        ports.lxd.networks.create(step.name, step.type, step.config, step.members, ready)
    except LxdError:
        # The first error has more information; the next run finds what is left then.
        with suppress(LxdError, LxdUnreachable):
            _delete_half_made(step.name, ports)
        raise
    except LxdUnreachable:
        with suppress(LxdError, LxdUnreachable):
            if (found := _network(step.name, ports)) is not None and found.defined:
                ports.lxd.networks.delete(step.name)
        raise
    return history


def _finish(step: CreateNetwork, ports: Ports) -> bool:
    """Finishes what an earlier run began. Returns whether all members have it; else it is deleted.

    An interrupted run may have made it on some members, which would block the next try. But LXD may
    still be making it for a client that is gone. A request to delete the network meanwhile leaves a
    bridge on a member, which blocks each further try (measured on 5.0.2). The same request to the
    same member waits for the end. If the options have changed since, the next plan changes it.
    """
    ports.lxd.networks.await_changes(step.name)
    found = _network(step.name, ports)
    if found is None or not found.half_made:
        return found is not None
    if found.errored and _finish_on_others(found, ports):
        return True
    ports.lxd.networks.delete(step.name)
    return False


def _finish_on_others(network: Network, ports: Ports) -> bool:
    """Makes it on the other members. Returns whether all have it, by this request or another."""
    try:
        ports.lxd.networks.finish(network.name, network.type)
    except LxdError as error:
        logger.info("could not finish the network %s: %s", network.name, error)
    found = _network(network.name, ports)
    return found is not None and not found.half_made


def _network(name: str, ports: Ports) -> Network | None:
    return next((n for n in ports.lxd.networks.list() if n.name == name), None)


def _delete_half_made(name: str, ports: Ports) -> None:
    ports.lxd.networks.await_changes(name)
    network = _network(name, ports)
    if network is not None and network.half_made:
        ports.lxd.networks.delete(name)


def remove_left_bridge(
    step: RemoveLeftBridge, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """The bridge is gone, unless LXD has begun to make its network since the plan."""
    if not ports.lxd.networks.manages(step.name):
        ports.machine.remove_bridge(step.name, step.beside)
    return history


def update_network(step: UpdateNetwork, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """These keys are set on all members. Members' own keys are set first.

    Meanwhile the list of names says that the change is unfinished. If the step is interrupted, the
    next hook continues it, also if the operator has set the old list again.
    """
    if step.members:
        ports.lxd.networks.update(step.name, {PARENTS: UNFINISHED}, {})
    ports.lxd.networks.update(step.name, step.values, step.members)
    return history


def set_own_parent(step: SetOwnParent, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The network has this interface on the member."""
    ports.lxd.networks.set_own(step.name, step.member, {"parent": step.parent})
    return history


def write_ovn(step: WriteOvn, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The files for OVN's database are where LXD looks for them."""
    ports.machine.write_ovn(ovn.files(step.ovn))
    return history


def run_overlay(step: RunOverlayDhcp, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This member's part of an overlay network runs."""
    overlay = step.overlay
    files = overlay_dhcp.files(overlay)
    services = [path.name for path in files if path.parent == overlay_dhcp.UNITS]
    ports.machine.install(overlay_dhcp.PACKAGES)
    ports.machine.run_overlay(overlay.network, files, services, plan_overlay_dhcp.record(overlay))
    return replace(history, served=history.served | {overlay.network})


def end_overlay(step: EndOverlayDhcp, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This member's part of that network no longer runs."""
    ports.machine.end_overlay(step.network)
    return history


def pin_nics(step: PinNics, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """Instances have their own `eth0`, not the default profile's."""
    _keep_nics(step.nic, ports)
    return history


def _keep_nics(nic: Mapping[str, str], ports: Ports) -> None:
    """Instances that have this nic from the default profile get their own nic."""
    ports.lxd.networks.pin_nics(nic)


def set_default_profile(
    step: SetDefaultProfile, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """The default profile uses this pool and has this nic. An operator's additions stay."""
    profile = ports.lxd.profiles.default()
    before: dict[str, dict[str, str]] = profile["devices"]
    devices = profile_devices.with_root(before, step.pool)
    if step.nic is not None:
        devices = profile_devices.with_nic(devices, step.nic)
    if devices == before:
        return history
    nic_before = before.get(profile_devices.NIC)
    if nic_before and step.nic is not None:
        # Somebody may have launched an instance since the others got their own devices.
        _keep_nics(profile_devices.place(nic_before), ports)
    elif step.nic:
        ports.lxd.networks.pin_without_nic()
        # LXD may save the profile, and its answer may be lost.
        _note_lacking(dict.fromkeys(ports.lxd.profiles.running(), ""), ports)
    try:
        ports.lxd.profiles.set_default({**profile, "devices": devices})
    except LxdError as error:
        if not _noted(str(error), ports):
            raise LxdError(_with_cure(str(error))) from error
        return history
    if step.nic and not nic_before:
        _note_lacking(ports.lxd.profiles.left_without_nic(()), ports)
    return history


def _noted(error: str, ports: Ports) -> bool:
    """Whether LXD has saved the profile, and a note has the instances that lack its nic."""
    named = profiles.not_changed(error)
    if not named:
        return False
    logger.warning("the default profile: %s", error)
    lacking = ports.lxd.profiles.left_without_nic(named)
    _note_lacking(lacking, ports)
    return bool(lacking)


def _note_lacking(instances: Mapping[str, str], ports: Ports) -> None:
    """The note has these instances, each with its last start, and no others."""
    if without_nic.read(ports.lxd.notes.read()) != instances:
        ports.lxd.notes.write(without_nic.written(instances))


def _with_cure(error: str) -> str:
    """LXD's error, with a command if an operator's key does not fit the new network."""
    match = _INVALID.search(error)
    if match is None:
        return error
    return f"{error}: lxc profile device unset default {match[1]} {match[2]}"


HANDLERS: Handlers = {
    WriteOvn: write_ovn,
    CreateNetwork: create_network,
    RemoveLeftBridge: remove_left_bridge,
    UpdateNetwork: update_network,
    SetOwnParent: set_own_parent,
    PinNics: pin_nics,
    RunOverlayDhcp: run_overlay,
    EndOverlayDhcp: end_overlay,
    SetDefaultProfile: set_default_profile,
}
