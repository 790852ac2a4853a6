# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The attached LXD snap. The charm requests it from Juju only when it may have changed.

For `resource-get` the controller opens the file, and Juju 3.6 reads all of it on the machine, a
hundred megabytes. After `juju attach-resource` each unit gets upgrade-charm. Until then the path is
valid, and the charm keeps it on the machine. A unit that was in error meanwhile may not get that
event (Juju issue 20173). So the charm also requests the file while a peer has another one,
installed or not.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import ops

from hooks.tool_failures import NoAnswer, message_of
from ports.ports import Ports
from state.view import Peers
from values.status import Status, blocked, waiting

RESOURCE = "lxd-snap"
_NONE = "not found"
"""Juju's message for a resource that was never attached: resource "lxd-snap" not found."""
_STORE = "charmhub"
"""Juju's message if Charmhub has the resource and did not give it."""


def forget(ports: Ports) -> None:
    """The next hook requests the file again: there may be another one."""
    ports.machine.note_attached(None)


def path(model: ops.Model, peers: Peers | None, ports: Ports) -> Path | None:
    """The attached file, None without one. Raises NoAnswer if Juju does not answer."""
    noted_path = None if _peers_have_another(peers) else ports.machine.attached()
    if noted_path == "" or (noted_path and Path(noted_path).exists()):
        return Path(noted_path) if noted_path else None
    return _renewed(model, peers, ports)


def renew(model: ops.Model, peers: Peers, ports: Ports) -> None:
    """Requests the file from Juju again. Without an answer the noted one stays."""
    with suppress(NoAnswer):
        _renewed(model, peers, ports)


def _renewed(model: ops.Model, peers: Peers | None, ports: Ports) -> Path | None:
    attached = _from_juju(model, peers)
    ports.machine.note_attached(str(attached or ""))
    return attached


def _peers_have_another(peers: Peers | None) -> bool:
    if peers is None:
        return False
    known = {"", peers.own.snap, peers.own.attached}
    return any({d.snap, d.attached} - known for d in peers.others.values())


def _from_juju(model: ops.Model, peers: Peers | None) -> Path | None:
    try:
        return model.resources.fetch(RESOURCE)
    except NameError:
        return None  # A charm of another revision, without this resource.
    except ops.ModelError as error:
        reason = message_of(error)
        if _NONE not in reason or _STORE in reason:
            raise NoAnswer(waiting(f"for the resource {RESOURCE}: {reason}")) from error
        if holder := _unit_with_file(model.unit.name, peers):
            raise NoAnswer(_missing_file(holder, model.app.name)) from error
        return None


def _unit_with_file(unit: str, peers: Peers | None) -> str:
    """A unit with LXD from an attached file, empty if there is none.

    Juju gives the same error for a file that was never attached, and for one that it has lost.
    """
    units = {unit: peers.own, **peers.others} if peers else {}
    return next((name for name in sorted(units) if units[name].snap), "")


def _missing_file(holder: str, app: str) -> Status:
    return blocked(f"{holder} has an attached LXD: juju attach-resource {app} {RESOURCE}=FILE")
