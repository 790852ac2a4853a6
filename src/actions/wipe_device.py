# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action wipe-device: wipes an unused block device."""

from __future__ import annotations

import re

from actions.refusal import ActionRefused, confirmation
from observe import devices
from plan.storage import shared_disks
from ports.ports import Ports
from state.facts import Device
from state.view import Peers

_NODE = re.compile(r"/dev/[\w/:.@%+=-]+", re.ASCII)
"""The path of one device: not a glob, which may name another one later."""


def wipe_device(peers: Peers | None, ports: Ports, device: str, confirm: str) -> str:
    """Wipes an unused block device, if the operator names its content.

    `peers` is None if Juju does not answer.
    """
    disk = shared_disks.as_used(_disk(device, ports), peers)
    if disk.use:
        raise ActionRefused(f"{device} {disk.use}: nothing was wiped")
    if not disk.holds:
        return f"{device} is empty already"
    if use := devices.use_by_lxd(disk, ports):
        raise ActionRefused(f"{device} {use}: nothing was wiped")
    _check_confirmation(disk, device, confirm)
    ports.machine.wipe(device)
    return f"{device} held {disk.holds} and is empty now"


def _disk(device: str, ports: Ports) -> Device:
    """The block device at this path. Raises ActionRefused."""
    if not _NODE.fullmatch(device) or ".." in device:
        raise ActionRefused(f"{device} is not a path below /dev/, such as /dev/sdb")
    disk = next(iter(ports.machine.devices((device,))), None)
    if disk is None:
        raise ActionRefused(
            f"{device} is not a block device here: lsblk on this machine lists them"
        )
    return disk


def _check_confirmation(disk: Device, device: str, confirm: str) -> None:
    """Raises ActionRefused unless the confirmation names the disk or its content."""
    confirmations = [confirmation("wipe", identity) for identity in disk.ids or (disk.path,)]
    if confirm not in confirmations:
        parts = "".join(f"; {part}" for part in disk.partitions)
        raise ActionRefused(
            f"{device} holds {disk.holds}{parts}: repeat with confirm={confirmations[0]}"
        )
