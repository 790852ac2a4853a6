# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action forget-lost: clears the record of what was lost with a dead member."""

from __future__ import annotations

from actions.refusal import ActionRefused, alternatives, not_a_member, quoted
from ports.ports import Ports
from records import loss_record
from state.cluster import ClusterView
from state.view import View


def forget_lost(view: View, ports: Ports, name: str) -> str:
    """Clears the record of what was lost with a dead member, or of one object of it."""
    if not isinstance(view.lxd, ClusterView) or not view.lxd.server.clustered:
        raise ActionRefused(not_a_member(view, f"forget-lost name={quoted(name)}"))
    notes = view.lxd.notes
    record = loss_record.forgotten(notes, name)
    if not record:
        choices = alternatives(loss_record.read(notes), "forget-lost")
        raise ActionRefused(f"{name} is not recorded as lost: {choices}")
    ports.lxd.notes.write(record)
    return f"{name} is acknowledged"
