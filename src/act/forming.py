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
from lxd import join_tokens
from lxd.errors import LxdError, LxdUnreachable
from plan.forming import identity
from plan.networks import networks
from plan.storage import pools
from ports.world import World
from records import join_lock, loss_record, member_marks
from state.cluster import Network, Pool
from state.notes import IDENTITY
from state.peers import Token
from state.view import RESET, Events
from steps.forming import (
    AdoptIdentity,
    AwaitJoin,
    CancelToken,
    EnableCluster,
    ForgetForming,
    Join,
    MakeToken,
    NoteIdentity,
    PassTurn,
    ResetLxd,
)

logger = logging.getLogger(__name__)
_Thing = TypeVar("_Thing", Pool, Network)


def adopt_identity(step: AdoptIdentity, unit: str, world: World, events: Events) -> Events:
    """The cluster of an older charm has its identity."""
    notes = world.lxd.notes.read()
    if IDENTITY in notes:
        return events
    moved = {**notes, **loss_record.migrated(notes.get(loss_record.OLDER, ""))}
    moved |= {f"{join_lock.LOG}1": notes[join_lock.OLDER]} if join_lock.OLDER in notes else {}
    for older in (loss_record.OLDER, join_lock.OLDER):
        moved.pop(older, None)
    world.lxd.notes.write(moved)
    # This must be last: an older charm's remaining notes count until the identity exists.
    world.lxd.notes.create(IDENTITY, step.identity)
    world.lxd.notes.forget_legacy()
    return events


def note_identity(step: NoteIdentity, unit: str, world: World, events: Events) -> Events:
    """The disk names the cluster of this machine's LXD."""
    world.machine.note_identity(step.identity)
    return events


def enable_cluster(step: EnableCluster, unit: str, world: World, events: Events) -> Events:
    """This server is a cluster of one with an identity."""
    now = world.clock()
    world.machine.note_forming("bootstrap", now, ())
    fingerprint = world.lxd.server.get().fingerprint
    # If two units try, or after an interrupted try, the first one counts.
    world.lxd.notes.create(IDENTITY, identity.new_identity(fingerprint, now))
    world.lxd.cluster.bootstrap(step.name)
    return events


def join(step: Join, unit: str, world: World, events: Events) -> Events:
    """This server is a member, or as freshly installed."""
    key = world.machine.key()
    if key is None:
        raise token_sealing.SealError("this unit's key is gone")
    token = _for_our_cluster(token_sealing.unseal(step.sealed, key, purpose(unit)), step.cluster)
    # Check this before any change here: the token's certificate may have changed since.
    way_in = world.lxd.cluster.way_in(token, step.trusted)
    try:
        if not world.lxd.cluster.await_forming(deadlines.JOIN):
            devices = tuple(filter(None, (keys.get("source") for keys in step.pools.values())))
            world.machine.note_forming("join", world.clock(), devices)
            kinds = (("storage-pool", step.pools), ("network", step.networks))
            member_config = [
                {"entity": entity, "name": name, "key": key, "value": value}
                for entity, things in kinds
                for name, keys in things.items()
                for key, value in keys.items()
            ]
            world.lxd.cluster.join(step.name, step.address, token, member_config, way_in)
    except (LxdError, LxdUnreachable) as error:
        # If only the answer was lost, the join continues and may have succeeded.
        if world.lxd.cluster.joined(deadlines.JOIN):
            return events
        _reset(world, str(error))
        return replace(events, join_failure=str(error))
    return events


def _for_our_cluster(message: str, cluster: str) -> str:
    """The join token in a sealed message, which names the cluster that its issuer read in LXD."""
    try:
        found = json.loads(message)
        token, other = str(found["token"]), str(found["cluster"])
    except (ValueError, TypeError, KeyError) as error:
        raise LxdError("the sealed join token cannot be read") from error
    if not cluster or other != cluster:
        raise LxdError("the join token is for another cluster")
    return token


def reset_lxd(step: ResetLxd, unit: str, world: World, events: Events) -> Events:
    """LXD is as freshly installed."""
    _reset(world, step.why)
    return replace(events, join_failure=step.why)


def _reset(world: World, why: str) -> None:
    """LXD as freshly installed. LXD is left alone if it holds anything: then it was a member."""
    if world.machine.has_data():
        raise LxdError(f"not reset, it has instances or volumes: {why}")
    logger.warning("LXD is reset: %s. It logged last:\n%s", why, world.machine.lxd_log())
    forming = world.machine.forming()
    devices = forming.devices if forming else ()
    if forming is None or forming.what != RESET:
        world.machine.note_failure(why)
    # If the hook is killed from here on, the daemon is stopped and half of its folder is left.
    world.machine.note_forming(RESET, world.clock(), devices)
    world.machine.kill_lxd()
    # It never was a member and has no instances: a plain stop loses nothing.
    world.snap.stop()
    world.machine.release(devices)
    world.machine.empty_lxd()
    for device in devices:
        _give_back(device, world)
    world.snap.start()
    world.machine.note_identity("")
    world.machine.forget_forming()


def pass_turn(step: PassTurn, unit: str, world: World, events: Events) -> Events:
    """The turn to join is on record."""
    if world.lxd.notes.append(step.log, step.number, step.entry):
        return replace(events, passed=step.unit)
    logger.info("another member was quicker: %s%d", step.log, step.number)
    return events


def _give_back(device: str, world: World) -> None:
    """Release a device that was empty when the join began: nobody needs what is on it now."""
    try:
        world.machine.wipe(device)
    except (OSError, subprocess.SubprocessError) as error:
        # LXD must start again in any case; the device's own status shows its problem.
        logger.warning("%s is not wiped: %s", device, error)


def make_token(step: MakeToken, unit: str, world: World, events: Events) -> Events:
    """A unit has a sealed join token."""
    # A token that could not be sealed would be a way in that nobody cancels.
    token_sealing.seal("", step.key, purpose(step.unit))
    notes = world.lxd.notes.read()
    cluster = notes.get(IDENTITY, "")
    # Whatever happens to the join, the database names the unit of this member.
    world.lxd.notes.write(member_marks.admitted(step.name, step.unit, step.attempt, notes))
    token = world.lxd.cluster.make_token(step.name)
    with token_revocation.sealing(step.name, token, world):
        message = json.dumps({"token": token, "cluster": cluster})
        sealed = token_sealing.seal(message, step.key, purpose(step.unit))
        made = Token(
            unit=step.unit,
            name=step.name,
            attempt=step.attempt,
            sealed=sealed,
            made=world.clock(),
            digest=join_tokens.digest(token),
            certificate=join_tokens.certificate(token),
            adopted=step.adopted,
            pools=pools.records(_made(world.lxd.pools.list(), step.soon)),
            networks=networks.records(_made(world.lxd.networks.list(), step.soon)),
        )
    return replace(events, made=made)


def _made(things: Iterable[_Thing], soon: frozenset[str]) -> tuple[_Thing, ...]:
    """The existing ones, and those that will exist soon."""
    return tuple(thing for thing in things if not thing.half_made or thing.name in soon)


def purpose(unit: str) -> str:
    """The purpose that a token for `unit` is sealed for, beside its key."""
    return f"lxd-cluster join token for {unit}"


def cancel_token(step: CancelToken, unit: str, world: World, events: Events) -> Events:
    """No unit can join as that member."""
    return replace(
        events, made=None, withdrawn=world.lxd.cluster.cancel_token(step.name, step.digest)
    )


def forget_forming(step: ForgetForming, unit: str, world: World, events: Events) -> Events:
    """The notes that this unit forms the cluster are gone."""
    world.machine.forget_forming()
    world.machine.forget_failures()
    return events


def await_join(step: AwaitJoin, unit: str, world: World, events: Events) -> Events:
    """The member exists, or its time is over."""
    # It has its own deadline: after that its unit has given the join up.
    world.lxd.members.await_member(step.name, deadlines.JOIN)
    return replace(events, awaited=True)
