# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Forming a cluster, and what prevents a join."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from lxd import join_tokens
from lxd.errors import LxdError, LxdUnreachable
from state.notes import entries_of
from tests.conformance.answers import Transcript, count, roles, statuses
from tests.conformance.deeds import (
    SOON,
    form,
    found,
    join,
    started_anew,
    token,
)
from tests.conformance.side import MACHINES

_NOTE = "note"
_LOG = "turn-"


def forming(told: Transcript) -> None:
    """Four join one after the other."""
    side = told.side
    told.ask("alone", lambda: side.lxd("a").server.get().clustered)
    found(told, "a")
    told.ask("clustered", lambda: side.lxd("a").server.get().clustered)
    for machine in MACHINES[1:]:
        told.ask(f"{machine} joins", lambda m=machine: join(told, m, token(told, "a", m)))
        told.ask(f"members at {machine}", lambda m=machine: statuses(side, m))
        told.ask(f"roles at {machine}", lambda m=machine: roles(side, m))
    told.ask("bootstrap again", lambda: side.lxd("a").cluster.bootstrap(side.hostname("a")))
    told.ask(
        "one fingerprint", lambda: len({side.lxd(m).server.get().fingerprint for m in MACHINES})
    )


def tokens(told: Transcript) -> None:
    """A token works once, for one name, and invalidates an older one."""
    side = told.side
    found(told, "a")
    first = token(told, "a", "b")
    second = token(told, "a", "b")
    told.ask("b joins with a token that is void", lambda: join(told, "b", first))
    told.ask("b is clustered", lambda: side.lxd("b").server.get().clustered)
    told.ask("b joins with the newer one", lambda: join(told, "b", second))
    told.ask("c joins with a used token", lambda: join(told, "c", second))
    other = token(told, "b", "d")
    told.ask("c joins with a token for d", lambda: join(told, "c", other))
    told.ask("d joins with its token after that", lambda: join(told, "d", other))
    told.ask("members", lambda: statuses(side, "a"))
    cancelled = token(told, "a", "c")
    own = join_tokens.digest(cancelled)
    lxd, name = side.lxd("a"), side.hostname("c")
    told.ask("the token is cancelled", lambda: lxd.cluster.cancel_token(name, own))
    token(told, "a", "c")
    told.ask("a newer one is, by the old one's issuer", lambda: lxd.cluster.cancel_token(name, own))
    side.wipe("c")
    told.ask("c joins with a cancelled token", lambda: join(told, "c", cancelled))
    told.ask("a token for a member's name", lambda: bool(token(told, "a", "b")))
    told.ask("b, a member, joins", lambda: join(told, "b", cancelled))


def token_of_the_dead(told: Transcript) -> None:
    """A token is an operation of the daemon that made it, and is gone with that daemon."""
    side = told.side
    form(told, "a", "b")
    secret = token(told, "b", "c")
    side.kill_daemon("b")
    told.ask("c joins while its issuer is down", lambda: join(told, "c", secret))
    side.start_daemon("b")
    side.wait(SOON)
    told.ask("c joins when its issuer is back", lambda: join(told, "c", secret))
    told.ask("c joins with a new one", lambda: join(told, "c", token(told, "b", "c")))


def notes(told: Transcript) -> None:
    """A second note of the same name, or a second entry of the same number, is refused.

    This also holds on a member that has just joined, and does not know the cluster's keys yet.
    """
    side = told.side
    form(told, "a", "b")

    def create(machine: str, value: str) -> Callable[[], bool]:
        return lambda: side.lxd(machine).notes.create(_NOTE, value)

    def append(machine: str, number: int, value: str) -> Callable[[], bool]:
        return lambda: side.lxd(machine).notes.append(_LOG, number, value)

    told.ask("created", create("a", "one"))
    told.ask("created again", create("b", "two"))
    told.ask("its value", lambda: side.lxd("b").notes.read().get(_NOTE))
    told.ask("written", lambda: side.lxd("b").notes.write({_NOTE: "two"}))
    told.ask("its value then", lambda: side.lxd("a").notes.read().get(_NOTE))
    told.ask("an entry of a log", append("a", 1, "one"))
    told.ask("the same entry by another", append("b", 1, "two"))
    told.ask("the next one", append("b", 2, "two"))
    join(told, "c", token(told, "a", "c"))
    told.ask("created by one that has just joined", create("c", "three"))
    told.ask("an entry that is there, by it", append("c", 2, "three"))
    told.ask("the next one, by it", append("c", 3, "three"))
    told.ask("the log", lambda: entries_of(_LOG, side.lxd("a").notes.read()))
    told.ask("removed", lambda: side.lxd("a").notes.write({_NOTE: ""}))
    told.ask("removed twice", lambda: side.lxd("c").notes.write({_NOTE: ""}))
    told.ask("its value without it", lambda: side.lxd("b").notes.read().get(_NOTE, ""))
    told.ask("created anew", create("b", "four"))


def not_pristine(told: Transcript) -> None:
    """A server loses its content when it joins."""
    side = told.side
    found(told, "a")
    lxd = side.lxd("b")
    lxd.pools.create("old", "dir", {}, {})
    told.ask("pools before", lambda: sorted(p.name for p in lxd.pools.list()))
    told.ask("b joins", lambda: join(told, "b", token(told, "a", "b")))
    told.ask("pools after", lambda: sorted(p.name for p in side.lxd("b").pools.list()))


def two_at_once(told: Transcript) -> None:
    """Two joins at once: their result is random; the cure of a server that hangs is not."""
    side = told.side
    form(told, "a")
    secrets = {m: token(told, "a", m) for m in ("b", "c")}

    def attempt(machine: str) -> Callable[[], None]:
        def call() -> None:
            with suppress(LxdError, LxdUnreachable):
                join(told, machine, secrets[machine])

        return call

    side.together(attempt("b"), attempt("c"))
    told.ask("a has its database", lambda: side.lxd("a").server.get().clustered)
    for machine in ("b", "c"):
        if f"{machine} ONLINE" not in statuses(side, "a"):
            side.wipe(machine)
            join(told, machine, token(told, "a", machine))
    told.ask("members once those that hang were wiped", lambda: statuses(side, "a"))


def half_a_join(told: Transcript) -> None:
    """A daemon ends at any point of its join: after a reset and a removal it may join again."""
    side = told.side
    form(told, "a")
    secret = token(told, "a", "b")

    def attempt() -> None:
        with suppress(LxdError, LxdUnreachable):
            join(told, "b", secret)

    def kill() -> None:
        side.wait(0.3)
        side.kill_daemon("b")

    side.together(attempt, kill)
    told.ask("a has its database", lambda: count(side, "a") > 0)
    side.wipe("b")
    with suppress(LxdError):
        side.lxd("a").members.remove(side.hostname("b"))
    told.ask("b joins again", lambda: join(told, "b", token(told, "a", "b")))
    told.ask("members at last", lambda: statuses(side, "b"))


def joining_with_one_down(told: Transcript) -> None:
    """Joins, tokens and settings while a member is down."""
    side = told.side
    form(told, "a", "b", "c")
    side.kill_daemon("c")
    told.ask("a note at once", lambda: side.lxd("a").notes.write({_NOTE: "1"}))
    told.ask("d joins at once", lambda: join(told, "d", token(told, "a", "d")))
    side.wait(SOON)
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("a key", lambda: side.lxd("a").server.set_config({"user.key": "1"}))
    told.ask("a note later", lambda: side.lxd("a").notes.write({_NOTE: "2"}))
    told.ask("the profile", lambda: side.lxd("a").profiles.set_default(empty_profile()))
    told.ask("d's zone", lambda: side.lxd("a").members.set_failure_domain(side.hostname("d"), "z1"))
    told.ask("c's zone", lambda: side.lxd("a").members.set_failure_domain(side.hostname("c"), "z2"))
    told.ask("d leaves", lambda: side.lxd("d").members.leave(side.hostname("d")))
    started_anew(told, "d")
    told.ask("d joins again", lambda: join(told, "d", token(told, "a", "d")))
    told.ask("the note at d", lambda: side.lxd("d").notes.read().get(_NOTE))
    side.start_daemon("c")
    side.wait(SOON)
    told.ask("members at last", lambda: statuses(side, "c"))


def empty_profile() -> dict[str, object]:
    """The default profile of a new LXD."""
    return {"config": {}, "description": "Default LXD profile", "devices": {}}


def names_taken(told: Transcript) -> None:
    """A member's name is taken until the member is gone."""
    side = told.side
    form(told, "a", "b", "c")
    side.power_off("b")
    side.wait(SOON)
    told.ask("a token for the dead one's name", lambda: bool(token(told, "a", "b")))
    told.ask("it is removed", lambda: side.lxd("a").members.remove(side.hostname("b")))
    told.ask("a token for its name then", lambda: bool(token(told, "a", "b")))
    side.power_on("b")
    side.wipe("b")
    told.ask("it joins, new", lambda: join(told, "b", token(told, "c", "b")))
    told.ask("members", lambda: statuses(side, "b"))
