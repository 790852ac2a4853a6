"""More mutants: mistakes that lose something, and mistakes about what LXD's answers mean."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

from tests.simulation.mutant import Mutant
from tests.simulation.stories import NEWEST_COPY_SURVIVES

# isort: split
import act
import departures
import emptying
import holding
import identity
import leaving
import listeners
import migratable
import observe_silence
import quorum
from identity import Owner
from lxd.client import Client
from lxd.http import Request
from lxd.notes import NotesApi
from options import ABANDON
from peers import UnitData
from silent import Silence, Silent
from steps import Step
from view import Lxd, Member, Peers, View
from world import World

_due = emptying.due
_of_error = observe_silence.of_error


def _by_fingerprint(view: View, lxd: Lxd, peers: Peers) -> Owner:
    told = {d.fingerprint for d in (peers.own, *peers.others.values())} - {""}
    founds = not told and peers.app.bootstrap == view.unit
    return Owner.OURS if founds or lxd.server.fingerprint in told else Owner.ANOTHER


def _is_ours(view: View, lxd: Lxd, peers: Peers) -> str:
    del view, lxd, peers
    return ""


def _all_without_unit(view: View, lxd: Lxd, peers: Peers, own: UnitData) -> frozenset[str]:
    return frozenset(m.name for m in departures.without_unit(view, lxd, peers, own))


def _ends_with_all(lxd: Lxd) -> tuple[str, ...]:
    del lxd
    return ()


def _holds_nothing(lxd: Lxd) -> list[Any]:
    del lxd
    return []


def _moves_all(instance: Any, lxd: Lxd) -> str:
    del instance, lxd
    return ""


def _tries_nothing(view: View, lxd: Lxd, member: Member) -> tuple[Step, ...]:
    return () if view.options.on_remove == ABANDON else _due(view, lxd, member)


def _fixes_nothing(lxd: Lxd, member: Member) -> list[Any]:
    del lxd, member
    return []


def _no_quorum_is_left(*_: Any) -> str:
    return ""


def _any_copy_will_do(*_: Any) -> str:
    return ""


def _restarts(world: World) -> None:
    before = world.lxd.server.process()
    world.snap.stop()
    world.snap.start()
    world.lxd.server.await_restart(before, 30.0)


def _ends_in_time(client: Client, operation: str, seconds: float) -> bool:
    """A wait that is over too early is taken for the operation's failure."""
    wait = Request("GET", f"/1.0/operations/{operation}/wait", {"timeout": str(int(seconds))})
    response = client.port.send(wait, seconds + 5.0)
    if response.error:
        raise observe_silence.LxdError(response.error)
    return True


def _waits_for_none(client: Client, operation: str, seconds: float) -> None:
    del client, operation, seconds


def _has_vote(member: Member) -> bool:
    return "database" in member.roles


def _evacuated_is_up(member: Member) -> bool:
    return member.online or member.evacuated


def _writes_over(notes: NotesApi, log: str, number: int, value: str) -> bool:
    notes.write({f"{log}{number}": value})
    return True


def _refusal_is_silence(error: Any, juju: Any, world: World) -> Silent:
    found = _of_error(error, juju, world)
    return Silent(found.reason, Silence.NO_DATABASE) if found.kind is Silence.REFUSED else found


def _trusts_config(*_: Any) -> dict[str, str]:
    return {}


MISTAKES = (
    Mutant("the fingerprint is the identity", identity, "owner", _by_fingerprint),
    Mutant("a leaver goes from any cluster", leaving.identity, "foreign", _is_ours),
    Mutant("any member without a unit is ours", departures, "doomed", _all_without_unit),
    Mutant("the last unit leaves what it holds", holding, "last_of", _ends_with_all),
    Mutant("the application goes from all it has", holding, "everything", _holds_nothing),
    Mutant("what has a device is moved all the same", migratable, "obstacle", _moves_all),
    Mutant("abandon gives up what could move", emptying, "due", _tries_nothing),
    Mutant("volumes and buckets hold nobody", holding, "fixed", _fixes_nothing),
    Mutant("a quorum is recovered that is there", quorum, "_voters_left", _no_quorum_is_left),
    Mutant(
        "any copy of the database is recovered",
        quorum,
        "_not_newest",
        _any_copy_will_do,
        NEWEST_COPY_SURVIVES,
    ),
    Mutant("the snap is stopped, not reloaded", act, "reload_lxd", _restarts),
    Mutant("a wait that ends is a failure", Client, "ended", _ends_in_time),
    Mutant("operations are not awaited", Client, "wait", _waits_for_none),
    Mutant("a leader has no vote", Member, "voter", property(_has_vote)),
    Mutant("who is evacuated is up", Member, "up", property(_evacuated_is_up)),
    Mutant("two write one turn", NotesApi, "append", _writes_over),
    Mutant("a refusal is taken for silence", observe_silence, "of_error", _refusal_is_silence),
    Mutant("nobody looks who listens", listeners, "deaf", _trusts_config),
)
"""Each stands for a kind of mistake that was made once."""
