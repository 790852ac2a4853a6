# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for the server: its configuration, the notes, its daemon."""

from __future__ import annotations

from dataclasses import replace

import deadlines
from act.handlers import Handlers
from lxd.join_tokens import fingerprint_of
from plan.server import proxies
from ports.ports import Ports
from records import renames
from state.notes import WROTE
from state.view import RunHistory
from steps.server import (
    FollowRenames,
    NoteUnits,
    NoteUnresponsive,
    RestartLxd,
    SetFailureDomain,
    SetProxies,
    SetRole,
    SetServerConfig,
    WriteNotes,
)


def _set_server_config(
    step: SetServerConfig, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.lxd.server.set_config(step.values)
    return history


def _set_proxies(step: SetProxies, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The notes are right even if the step is interrupted: they first have both values."""
    # LXD answers from memory. A new member has no values there until something changes.
    ports.lxd.server.set_config({})
    config, notes = ports.lxd.server.get().config, ports.lxd.notes.read()
    values = {
        key: value
        for key, value in step.values.items()
        if proxies.may_change(key, config.get(key, ""), notes, step.model)
    }
    after = {key: proxies.digest(key, value) for key, value in values.items()}
    both = {k: f"{proxies.digest(k, config.get(k, ''))} {after[k]}".strip() for k in values}
    ports.lxd.notes.write({WROTE + key: value for key, value in both.items()})
    ports.lxd.server.set_config(values)
    ports.lxd.notes.write({WROTE + key: value for key, value in after.items()})
    return history


def _write_notes(step: WriteNotes, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.lxd.notes.write(step.values)
    return history


def _follow_renames(
    step: FollowRenames, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    """Other units may have followed renames since the plan was made, so the charm looks again."""
    notes = ports.lxd.notes.read()
    due = renames.certain(renames.pending(notes, ports.lxd.members.list(), step.units))
    own = fingerprint_of(ports.machine.certificate())
    others = {r.old: r.new for r in due if r.new != step.own}
    left = ports.lxd.trust.rename_certificates(own, step.own, others)
    ports.lxd.notes.write(renames.followed(notes, [r for r in due if r.old not in left]))
    return replace(history, followed=history.followed | step.pairs)


def _note_units(step: NoteUnits, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.machine.note_units(step.units)
    return history


def _note_unresponsive(
    step: NoteUnresponsive, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.machine.note_unresponsive(step.since)
    if step.since is None and ports.database.recovering():
        # An interrupted hook ended before the daemon had stopped.
        ports.database.end_recovery()
    return history


def _set_failure_domain(
    step: SetFailureDomain, unit: str, ports: Ports, history: RunHistory
) -> RunHistory:
    ports.lxd.members.set_failure_domain(step.name, step.domain)
    return history


def _restart_lxd(step: RestartLxd, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    reload_lxd(ports)
    return replace(history, restarted=True)


def reload_lxd(ports: Ports) -> None:
    """LXD's daemon is a new process, and answers. Instances keep running.

    snapd finishes before the old daemon has ended, so the new process id shows which one answers.
    """
    before = ports.lxd.server.process()
    ports.snap.reload()
    ports.lxd.server.await_restart(before, deadlines.START)


def _set_role(step: SetRole, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    ports.lxd.members.set_role(step.role, step.members)
    return history


HANDLERS: Handlers = {
    SetServerConfig: _set_server_config,
    SetProxies: _set_proxies,
    WriteNotes: _write_notes,
    FollowRenames: _follow_renames,
    NoteUnits: _note_units,
    NoteUnresponsive: _note_unresponsive,
    SetFailureDomain: _set_failure_domain,
    RestartLxd: _restart_lxd,
    SetRole: _set_role,
}
