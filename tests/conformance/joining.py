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
from tests.conformance.side import MACHINES
from tests.conformance.steps import (
    SOON,
    await_restart,
    bootstrap,
    form,
    join,
    token,
)

_NOTE = "note"
_LOG = "turn-"


def forming(transcript: Transcript) -> None:
    """Four join one after the other."""
    side = transcript.side
    transcript.ask("alone", lambda: side.lxd("a").server.get().clustered)
    bootstrap(transcript, "a")
    transcript.ask("clustered", lambda: side.lxd("a").server.get().clustered)
    for machine in MACHINES[1:]:
        transcript.ask(
            f"{machine} joins", lambda m=machine: join(transcript, m, token(transcript, "a", m))
        )
        transcript.ask(f"members at {machine}", lambda m=machine: statuses(side, m))
        transcript.ask(f"roles at {machine}", lambda m=machine: roles(side, m))
    transcript.ask("bootstrap again", lambda: side.lxd("a").cluster.bootstrap(side.hostname("a")))
    transcript.ask(
        "one fingerprint", lambda: len({side.lxd(m).server.get().fingerprint for m in MACHINES})
    )


def tokens(transcript: Transcript) -> None:
    """A token works once, for one name, and invalidates an older one."""
    side = transcript.side
    bootstrap(transcript, "a")
    first = token(transcript, "a", "b")
    second = token(transcript, "a", "b")
    transcript.ask("b joins with a token that is void", lambda: join(transcript, "b", first))
    transcript.ask("b is clustered", lambda: side.lxd("b").server.get().clustered)
    transcript.ask("b joins with the newer one", lambda: join(transcript, "b", second))
    transcript.ask("c joins with a used token", lambda: join(transcript, "c", second))
    other = token(transcript, "b", "d")
    transcript.ask("c joins with a token for d", lambda: join(transcript, "c", other))
    transcript.ask("d joins with its token after that", lambda: join(transcript, "d", other))
    transcript.ask("members", lambda: statuses(side, "a"))
    cancelled = token(transcript, "a", "c")
    own = join_tokens.digest(cancelled)
    lxd, name = side.lxd("a"), side.hostname("c")
    transcript.ask("the token is cancelled", lambda: lxd.cluster.cancel_token(name, own))
    token(transcript, "a", "c")
    transcript.ask(
        "a newer one is, by the old one's issuer", lambda: lxd.cluster.cancel_token(name, own)
    )
    side.wipe("c")
    transcript.ask("c joins with a cancelled token", lambda: join(transcript, "c", cancelled))
    transcript.ask("a token for a member's name", lambda: bool(token(transcript, "a", "b")))
    transcript.ask("b, a member, joins", lambda: join(transcript, "b", cancelled))


def token_of_the_dead(transcript: Transcript) -> None:
    """A token is an operation of the daemon that made it, and is gone with that daemon."""
    side = transcript.side
    form(transcript, "a", "b")
    secret = token(transcript, "b", "c")
    side.kill_daemon("b")
    transcript.ask("c joins while its issuer is down", lambda: join(transcript, "c", secret))
    side.start_daemon("b")
    side.wait(SOON)
    transcript.ask("c joins when its issuer is back", lambda: join(transcript, "c", secret))
    transcript.ask(
        "c joins with a new one", lambda: join(transcript, "c", token(transcript, "b", "c"))
    )


def notes(transcript: Transcript) -> None:
    """A second note of the same name, or a second entry of the same number, is refused.

    This also holds on a member that has just joined, and does not know the cluster's keys yet.
    """
    side = transcript.side
    form(transcript, "a", "b")

    def create(machine: str, value: str) -> Callable[[], bool]:
        return lambda: side.lxd(machine).notes.create(_NOTE, value)

    def append(machine: str, number: int, value: str) -> Callable[[], bool]:
        return lambda: side.lxd(machine).notes.append(_LOG, number, value)

    transcript.ask("created", create("a", "one"))
    transcript.ask("created again", create("b", "two"))
    transcript.ask("its value", lambda: side.lxd("b").notes.read().get(_NOTE))
    transcript.ask("written", lambda: side.lxd("b").notes.write({_NOTE: "two"}))
    transcript.ask("its value then", lambda: side.lxd("a").notes.read().get(_NOTE))
    transcript.ask("an entry of a log", append("a", 1, "one"))
    transcript.ask("the same entry by another", append("b", 1, "two"))
    transcript.ask("the next one", append("b", 2, "two"))
    join(transcript, "c", token(transcript, "a", "c"))
    transcript.ask("created by one that has just joined", create("c", "three"))
    transcript.ask("an entry that is there, by it", append("c", 2, "three"))
    transcript.ask("the next one, by it", append("c", 3, "three"))
    transcript.ask("the log", lambda: entries_of(_LOG, side.lxd("a").notes.read()))
    transcript.ask("removed", lambda: side.lxd("a").notes.write({_NOTE: ""}))
    transcript.ask("removed twice", lambda: side.lxd("c").notes.write({_NOTE: ""}))
    transcript.ask("its value without it", lambda: side.lxd("b").notes.read().get(_NOTE, ""))
    transcript.ask("created anew", create("b", "four"))


def not_pristine(transcript: Transcript) -> None:
    """A server loses its content when it joins."""
    side = transcript.side
    bootstrap(transcript, "a")
    lxd = side.lxd("b")
    lxd.pools.create("old", "dir", {}, {})
    transcript.ask("pools before", lambda: sorted(p.name for p in lxd.pools.list()))
    transcript.ask("b joins", lambda: join(transcript, "b", token(transcript, "a", "b")))
    transcript.ask("pools after", lambda: sorted(p.name for p in side.lxd("b").pools.list()))


def two_at_once(transcript: Transcript) -> None:
    """Two joins at once: their result is random; the cure of a server that hangs is not."""
    side = transcript.side
    form(transcript, "a")
    secrets = {m: token(transcript, "a", m) for m in ("b", "c")}

    def attempt(machine: str) -> Callable[[], None]:
        def call() -> None:
            with suppress(LxdError, LxdUnreachable):
                join(transcript, machine, secrets[machine])

        return call

    side.together(attempt("b"), attempt("c"))
    transcript.ask("a has its database", lambda: side.lxd("a").server.get().clustered)
    for machine in ("b", "c"):
        if f"{machine} ONLINE" not in statuses(side, "a"):
            side.wipe(machine)
            join(transcript, machine, token(transcript, "a", machine))
    transcript.ask("members once those that hang were wiped", lambda: statuses(side, "a"))


def half_a_join(transcript: Transcript) -> None:
    """A daemon ends at any point of its join: after a reset and a removal it may join again."""
    side = transcript.side
    form(transcript, "a")
    secret = token(transcript, "a", "b")

    def attempt() -> None:
        with suppress(LxdError, LxdUnreachable):
            join(transcript, "b", secret)

    def kill() -> None:
        side.wait(0.3)
        side.kill_daemon("b")

    side.together(attempt, kill)
    transcript.ask("a has its database", lambda: count(side, "a") > 0)
    side.wipe("b")
    with suppress(LxdError):
        side.lxd("a").members.remove(side.hostname("b"))
    transcript.ask("b joins again", lambda: join(transcript, "b", token(transcript, "a", "b")))
    transcript.ask("members at last", lambda: statuses(side, "b"))


def joining_with_one_down(transcript: Transcript) -> None:
    """Joins, tokens and settings while a member is down."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.kill_daemon("c")
    transcript.ask("a note at once", lambda: side.lxd("a").notes.write({_NOTE: "1"}))
    transcript.ask("d joins at once", lambda: join(transcript, "d", token(transcript, "a", "d")))
    side.wait(SOON)
    transcript.ask("members", lambda: statuses(side, "a"))
    transcript.ask("a key", lambda: side.lxd("a").server.set_config({"user.key": "1"}))
    transcript.ask("a note later", lambda: side.lxd("a").notes.write({_NOTE: "2"}))
    transcript.ask("the profile", lambda: side.lxd("a").profiles.set_default(empty_profile()))
    transcript.ask(
        "d's zone", lambda: side.lxd("a").members.set_failure_domain(side.hostname("d"), "z1")
    )
    transcript.ask(
        "c's zone", lambda: side.lxd("a").members.set_failure_domain(side.hostname("c"), "z2")
    )
    transcript.ask("d leaves", lambda: side.lxd("d").members.leave(side.hostname("d")))
    await_restart(transcript, "d")
    transcript.ask("d joins again", lambda: join(transcript, "d", token(transcript, "a", "d")))
    transcript.ask("the note at d", lambda: side.lxd("d").notes.read().get(_NOTE))
    side.start_daemon("c")
    side.wait(SOON)
    transcript.ask("members at last", lambda: statuses(side, "c"))


def empty_profile() -> dict[str, object]:
    """The default profile of a new LXD."""
    return {"config": {}, "description": "Default LXD profile", "devices": {}}


def names_taken(transcript: Transcript) -> None:
    """A member's name is taken until the member is gone."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.power_off("b")
    side.wait(SOON)
    transcript.ask("a token for the dead one's name", lambda: bool(token(transcript, "a", "b")))
    transcript.ask("it is removed", lambda: side.lxd("a").members.remove(side.hostname("b")))
    transcript.ask("a token for its name then", lambda: bool(token(transcript, "a", "b")))
    side.power_on("b")
    side.wipe("b")
    transcript.ask("it joins, new", lambda: join(transcript, "b", token(transcript, "c", "b")))
    transcript.ask("members", lambda: statuses(side, "b"))
