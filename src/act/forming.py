# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The steps for forming the cluster: identity, bootstrap, join tokens, joins."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import deadlines
from act import token_revocation, token_sealing
from act.handlers import Handlers
from lxd import certificate_errors, join_tokens
from lxd.errors import LxdError, LxdUnreachable
from plan.forming import identity
from plan.networks import on_interfaces
from plan.storage import pools
from ports.ports import Ports
from records import join_lock, loss_record, member_marks
from records.member_units import Record
from state.cluster import Network, Pool
from state.notes import IDENTITY
from state.peers import Token
from state.view import RESET, RunHistory
from steps.forming import (
    AdoptIdentity,
    AwaitJoin,
    CancelToken,
    EnableCluster,
    ForgetForming,
    Join,
    MakeKey,
    MakeToken,
    NoteIdentity,
    ResetLxd,
    SetJoinLock,
)
from values.wanted_pool import is_device

logger = logging.getLogger(__name__)
_LxdObject = TypeVar("_LxdObject", Pool, Network)


def make_key(step: MakeKey, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This unit has a key to seal join tokens to."""
    private = token_sealing.new_key()
    ports.machine.keep_key(private, token_sealing.public_half(private))
    return history


def adopt_identity(step: AdoptIdentity, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """A cluster of an older charm gets its identity."""
    notes = ports.lxd.notes.read()
    if IDENTITY in notes:
        return history
    moved = {**notes, **loss_record.migrated(notes.get(loss_record.OLDER, ""))}
    moved |= {f"{join_lock.LOG}1": notes[join_lock.OLDER]} if join_lock.OLDER in notes else {}
    for older in (loss_record.OLDER, join_lock.OLDER):
        moved.pop(older, None)
    ports.lxd.notes.write(moved)
    # This must be last: an older charm's remaining notes count until the identity exists.
    ports.lxd.notes.create(IDENTITY, step.identity)
    ports.lxd.notes.forget_legacy()
    return history


def note_identity(step: NoteIdentity, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The disk has the identity of the cluster that this machine's LXD is in."""
    ports.machine.note_identity(step.identity)
    return history


def enable_cluster(step: EnableCluster, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This server is a cluster of one with an identity."""
    now = ports.clock()
    ports.machine.note_forming("bootstrap", now, ())
    fingerprint = ports.lxd.server.get().fingerprint
    # The first identity counts, if two units write one, or after an interrupted try.
    ports.lxd.notes.create(IDENTITY, identity.new_identity(fingerprint, now))
    ports.lxd.cluster.bootstrap(step.name)
    return history


def join(step: Join, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """This server is a member, or its LXD is as freshly installed.

    If the bootstrap unit was removed by force, its cluster is gone, and the leader names another
    bootstrap unit. The hook of this unit may have begun before that.
    """
    if step.issuer and ports.is_gone(step.issuer):
        raise LxdUnreachable(f"{step.issuer}, which admitted this unit, is gone")
    key = ports.machine.key()
    if key is None:
        raise token_sealing.SealError("this unit's key is gone")
    token = _for_our_cluster(token_sealing.unseal(step.sealed, key, purpose(unit)), step.cluster)
    # Check this before any change here: the token's certificate may have changed since.
    join_target = ports.lxd.cluster.join_target(token, step.trusted)
    try:
        if not ports.lxd.cluster.await_forming(deadlines.JOIN):
            sources = (keys.get("source", "") for keys in step.pools.values())
            devices = tuple(source for source in sources if is_device(source))
            # From here on, an identity on the disk means that this join has succeeded.
            ports.machine.note_identity("")
            ports.machine.note_forming("join", ports.clock(), devices)
            ports.lxd.cluster.join(
                step.name, step.address, token, _member_config(step), join_target
            )
    except (LxdError, LxdUnreachable) as error:
        # If only the answer was lost, the join continues and may have succeeded.
        if ports.lxd.cluster.joined(deadlines.JOIN):
            return history
        _reset(ports, str(error), step.next_attempt)
        return replace(history, join_failure=str(error))
    return history


def _member_config(step: Join) -> list[dict[str, str]]:
    """What the new member gives to pools and networks, in LXD's form."""
    kinds = (("storage-pool", step.pools), ("network", step.networks))
    return [
        {"entity": entity, "name": name, "key": key, "value": value}
        for entity, configs in kinds
        for name, keys in configs.items()
        for key, value in keys.items()
    ]


def _for_our_cluster(message: str, cluster: str) -> str:
    """The join token in a sealed message, which names the cluster that its issuer read in LXD."""
    try:
        sealed = json.loads(message)
        token, its_cluster = str(sealed["token"]), str(sealed["cluster"])
    except (ValueError, TypeError, KeyError) as error:
        raise LxdError("the sealed join token cannot be read") from error
    if not cluster or its_cluster != cluster:
        raise LxdError("the join token is for another cluster")
    return token


def reset_lxd(step: ResetLxd, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD is as freshly installed."""
    _reset(ports, step.why, step.next_attempt)
    return replace(history, join_failure=step.why)


def _reset(ports: Ports, why: str, next_attempt: int) -> None:
    """Makes LXD as freshly installed, unless it holds data: then it was a member.

    Raises LxdError if it holds data.
    """
    if ports.machine.has_data():
        raise LxdError(f"LXD is not reset, because it has data: {why}")
    logger.warning("LXD is reset: %s. It logged last:\n%s", why, ports.machine.lxd_log())
    forming = ports.machine.forming()
    devices = forming.devices if forming else ()
    if forming is None or forming.what != RESET:
        ports.machine.note_failure(why, next_attempt)
    # If the hook is killed from here on, the daemon is stopped and half of its folder is left.
    ports.machine.note_forming(RESET, ports.clock(), devices)
    ports.machine.kill_lxd()
    # It never was a member and has no instances: a plain stop loses nothing.
    ports.snap.stop()
    ports.machine.release(devices)
    ports.machine.empty_lxd()
    if certificate_errors.needs_new_certificate(why):
        # The cluster trusts no certificate under this machine's name.
        ports.machine.delete_certificate()
    for device in devices:
        _give_back(device, ports)
    ports.snap.start()
    ports.machine.note_identity("")
    ports.machine.forget_forming()


def set_join_lock(step: SetJoinLock, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """LXD's database names the unit that has the join lock."""
    if ports.lxd.notes.append(step.log, step.number, step.entry):
        return replace(history, granted=step.unit)
    logger.info("another member wrote this note first: %s%d", step.log, step.number)
    return history


def _give_back(device: str, ports: Ports) -> None:
    """Wipes a device that was empty when the join began: only the failed join wrote to it."""
    try:
        ports.machine.wipe(device)
    except (OSError, subprocess.SubprocessError) as error:
        # LXD must start again in any case; the device's own status shows its problem.
        logger.warning("%s is not wiped: %s", device, error)


def make_token(step: MakeToken, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """A unit has a sealed join token."""
    # A token that could not be sealed would stay valid, and no unit would cancel it.
    token_sealing.seal("", step.key, purpose(step.unit))
    notes = ports.lxd.notes.read()
    cluster = notes.get(IDENTITY, "")
    # The database names the unit of this member, also if the join fails.
    record = Record(step.unit, step.attempt, step.address)
    ports.lxd.notes.write(member_marks.admitted(step.name, record, notes))
    token = ports.lxd.cluster.make_token(step.name)
    with token_revocation.sealing(step.name, token, ports):
        message = json.dumps({"token": token, "cluster": cluster})
        sealed = token_sealing.seal(message, step.key, purpose(step.unit))
        existing = _made_soon(ports.lxd.networks.list(), step.soon)
        made = Token(
            unit=step.unit,
            name=step.name,
            attempt=step.attempt,
            sealed=sealed,
            made=ports.clock(),
            digest=join_tokens.digest(token),
            certificate=join_tokens.certificate(token),
            adopted=step.adopted,
            pools=pools.records(_made_soon(ports.lxd.pools.list(), step.soon)),
            networks=on_interfaces.records(_with_parents(existing, ports)),
        )
    return replace(history, made=made)


def _made_soon(objects: Iterable[_LxdObject], soon: frozenset[str]) -> tuple[_LxdObject, ...]:
    """Those that are made on all members, and half made ones that will be made soon."""
    return tuple(o for o in objects if not o.half_made or o.name in soon)


def _with_parents(existing: Iterable[Network], ports: Ports) -> tuple[Network, ...]:
    """The networks. Those that an operator made get the members' interfaces."""
    up = [member.name for member in ports.lxd.members.list() if member.up]
    parents = ports.lxd.networks.parents
    return tuple(
        replace(n, parents=parents(n.name, up, key)) if (key := on_interfaces.unlisted(n)) else n
        for n in existing
    )


def purpose(unit: str) -> str:
    """The purpose that a token for `unit` is sealed for, beside its key."""
    return f"lxd-cluster join token for {unit}"


def cancel_token(step: CancelToken, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """No unit can join as that member."""
    return replace(
        history, made=None, withdrawn=ports.lxd.cluster.cancel_token(step.name, step.digest)
    )


def forget_forming(step: ForgetForming, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The notes that this unit forms the cluster are gone."""
    ports.machine.forget_forming()
    ports.machine.forget_failures()
    return history


def await_join(step: AwaitJoin, unit: str, ports: Ports, history: RunHistory) -> RunHistory:
    """The member exists, or its deadline has passed."""
    # A join has its own deadline: after that the unit has given it up.
    ports.lxd.members.await_member(step.name, deadlines.JOIN)
    return replace(history, awaited=True)


HANDLERS: Handlers = {
    MakeKey: make_key,
    AdoptIdentity: adopt_identity,
    NoteIdentity: note_identity,
    EnableCluster: enable_cluster,
    Join: join,
    ResetLxd: reset_lxd,
    SetJoinLock: set_join_lock,
    MakeToken: make_token,
    CancelToken: cancel_token,
    ForgetForming: forget_forming,
    AwaitJoin: await_join,
}
