"""The action forget-lost: clears the record of what was lost with a dead member."""

from __future__ import annotations

from actions.refusal import ActionRefused, alternatives, not_a_member, quoted
from ports.world import World
from records import loss_record as losses
from state.cluster import Lxd
from state.view import View


def forget_lost(view: View, world: World, name: str) -> str:
    """Clears the record of what was lost with a dead member, or of one object of it."""
    if not isinstance(view.lxd, Lxd) or not view.lxd.server.clustered:
        raise ActionRefused(not_a_member(view, f"forget-lost name={quoted(name)}"))
    notes = view.lxd.notes
    record = losses.forgotten(notes, name)
    if not record:
        known = alternatives(losses.read(notes), "forget-lost")
        raise ActionRefused(f"{name} is not recorded as lost: {known}")
    world.lxd.notes.write(record)
    return f"{name} is acknowledged"
