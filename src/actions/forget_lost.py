# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action forget-lost: clears the record of what was lost, or stopped, with a member."""

from __future__ import annotations

from collections.abc import Mapping

from actions.refusal import ActionRefused, alternatives, not_a_member, quoted
from ports.ports import Ports
from records import loss_record, not_running
from state.cluster import ClusterView
from state.lxd_objects import AUTOSTART_BEFORE
from state.view import View
from values.status import names


def forget_lost(view: View, ports: Ports, name: str) -> str:
    """Clears the record of what was on a member that died or left, or of one object on it."""
    if not isinstance(view.lxd, ClusterView) or not view.lxd.server.clustered:
        raise ActionRefused(not_a_member(view, f"forget-lost name={quoted(name)}"))
    notes = view.lxd.notes
    # The status shows first what is lost: an operator who acknowledges that has not seen the rest.
    record = loss_record.forgotten(notes, name) or not_running.forgotten(notes, name)
    if not record:
        members = loss_record.read(notes).keys() | not_running.read(notes).keys()
        choices = alternatives(members, "forget-lost")
        raise ActionRefused(f"{name} is not recorded as lost: {choices}")
    kept = _kept_stopped(notes, record, ports)
    ports.lxd.notes.write(record)
    if not kept:
        return f"{name} is acknowledged"
    return (
        f"{name} is acknowledged; boot.autostart of {names(kept)} stays off, its value is in "
        f"{AUTOSTART_BEFORE}: set it back when you start it"
    )


def _kept_stopped(notes: Mapping[str, str], record: Mapping[str, str], ports: Ports) -> list[str]:
    """The instances that are no longer named, and whose `boot.autostart` the charm turned off."""
    before = not_running.of_dead(notes)
    named = before - not_running.of_dead({**notes, **record})
    if not named:
        return []
    return sorted(str(i) for i in ports.lxd.instances.list() if i.kept_stopped and str(i) in named)
