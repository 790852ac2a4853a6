# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members that die, are cut off or lose their database, and their recovery."""

from __future__ import annotations

from tests.conformance.answers import Transcript, count, leader, roles, statuses
from tests.conformance.steps import (
    SOON,
    form,
    join,
    located,
    recovered,
    token,
)

_NOTE = "alone"


def a_death(transcript: Transcript) -> None:
    """A member dies and comes back, dies again and is removed, and comes back after that."""
    side = transcript.side
    form(transcript, "a", "b", "c", "d")
    side.launch("d", "c4", "auto")
    side.power_off("d")
    transcript.ask("members at once", lambda: statuses(side, "a"))
    side.wait(SOON)
    transcript.ask("members later", lambda: statuses(side, "b"))
    side.power_on("d")
    side.wait(SOON)
    transcript.ask("members when it is back", lambda: statuses(side, "d"))
    side.power_off("d")
    transcript.ask("d is removed", lambda: side.lxd("a").members.remove(side.hostname("d")))
    transcript.ask("d is removed twice", lambda: side.lxd("a").members.remove(side.hostname("d")))
    transcript.ask("members without it", lambda: statuses(side, "a"))
    transcript.ask("instances without it", lambda: located(transcript, "a"))
    side.power_on("d")
    side.wait(SOON)
    transcript.ask("d answers", side.lxd("d").server.answers_at_all)
    transcript.ask("d's database", lambda: side.lxd("d").server.get().clustered)
    transcript.ask("members at d", lambda: statuses(side, "d"))
    transcript.ask("members with it back", lambda: statuses(side, "a"))
    side.wipe("d")
    transcript.ask("d joins anew", lambda: join(transcript, "d", token(transcript, "b", "d")))
    transcript.ask("members at last", lambda: statuses(side, "d"))


def a_daemon_down(transcript: Transcript) -> None:
    """A daemon that is down or frozen, and the roles that others take."""
    side = transcript.side
    form(transcript, "a", "b", "c", "d")
    side.kill_daemon("b")
    transcript.ask("b answers", side.lxd("b").server.answers_at_all)
    transcript.ask("b's members", lambda: statuses(side, "b"))
    side.wait(SOON)
    transcript.ask("members", lambda: statuses(side, "a"))
    transcript.ask("roles", lambda: roles(side, "a"))
    transcript.ask("a token with one down", lambda: bool(token(transcript, "a", "b")[:0]))
    side.start_daemon("b")
    side.wait(SOON)
    transcript.ask("members when it is back", lambda: statuses(side, "b"))
    transcript.ask("roles when it is back", lambda: roles(side, "b"))
    side.freeze("c")
    transcript.ask("c answers", side.lxd("c").server.answers_at_all)
    transcript.ask("c's members", lambda: statuses(side, "c"))
    side.wait(SOON)
    transcript.ask("members with c frozen", lambda: statuses(side, "a"))
    side.thaw("c")
    side.wait(SOON)
    transcript.ask("members when it goes on", lambda: statuses(side, "c"))


def quorum(transcript: Transcript) -> None:
    """Two of three are off: the database does not answer until one is back."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.kill_daemon("b")
    side.power_off("c")
    side.wait(SOON)
    transcript.ask("a answers", side.lxd("a").server.answers_at_all)
    transcript.ask("a's database", lambda: side.lxd("a").server.get().clustered)
    transcript.ask("a's members", lambda: statuses(side, "a"))
    transcript.ask("c is removed", lambda: side.lxd("a").members.remove(side.hostname("c")))
    side.kill_daemon("a")
    side.start_daemon("a")
    transcript.ask("a answers, started again", side.lxd("a").server.answers_at_all)
    transcript.ask("a's database, started again", lambda: side.lxd("a").server.get().clustered)
    side.start_daemon("b")
    side.wait(SOON)
    transcript.ask("members when b is back", lambda: statuses(side, "a"))
    side.power_on("c")
    side.wait(SOON)
    transcript.ask("members when c is back", lambda: statuses(side, "c"))


def recovery(transcript: Transcript) -> None:
    """Two of three are lost for good: the survivor continues alone, and they are removed."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.launch("a", "c1", "auto")
    side.power_off("b")
    side.power_off("c")
    side.recover("a")
    transcript.ask("a's database", lambda: side.lxd("a").server.get().clustered)
    transcript.ask("instances", lambda: len(side.lxd("a").instances.list()))
    side.wait(SOON)
    transcript.ask("members", lambda: statuses(side, "a"))
    transcript.ask("roles", lambda: roles(side, "a"))
    transcript.ask("b is removed", lambda: side.lxd("a").members.remove(side.hostname("b")))
    transcript.ask("c is removed", lambda: side.lxd("a").members.remove(side.hostname("c")))
    transcript.ask("d joins", lambda: join(transcript, "d", token(transcript, "a", "d")))
    transcript.ask("members at last", lambda: statuses(side, "d"))
    side.power_on("b")
    side.wait(SOON)
    transcript.ask("b answers", side.lxd("b").server.answers_at_all)
    transcript.ask("b's database", lambda: side.lxd("b").server.get().clustered)
    transcript.ask("members at b", lambda: statuses(side, "b"))
    transcript.ask("members with b on", lambda: statuses(side, "a"))


def recovery_and_return(transcript: Transcript) -> None:
    """The two lost members come back although the survivor continues alone.

    They are a majority by their own knowledge: either they follow the survivor, or they continue
    without it.
    """
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.power_off("b")
    side.power_off("c")
    side.recover("a")
    side.wait(SOON)
    side.lxd("a").notes.write({_NOTE: "a"})
    side.together(lambda: side.power_on("b"), lambda: side.power_on("c"))
    side.wait(SOON)
    everybody = "a ONLINE, b ONLINE, c ONLINE"
    transcript.chance("members at a", lambda: statuses(side, "a"), everybody, "silent")
    transcript.ask("members at b", lambda: statuses(side, "b"))
    transcript.chance(
        "what a did alone", lambda: side.lxd("b").notes.read().get(_NOTE), "a", "None"
    )


def recovery_among_the_living(transcript: Transcript) -> None:
    """Two of four are lost; a third, living one follows the one that recovers."""
    side = transcript.side
    form(transcript, "a", "b", "c", "d")
    side.power_off("b")
    side.power_off("c")
    side.wait(SOON)
    transcript.ask("d's members", lambda: count(side, "d"))
    side.recover("a")
    side.wait(SOON)
    transcript.ask("members at a", lambda: statuses(side, "a"))
    transcript.ask("members at d", lambda: statuses(side, "d"))
    transcript.ask("roles", lambda: roles(side, "a"))
    side.kill_daemon("d")
    side.start_daemon("d")
    transcript.ask("members at d, started again", lambda: statuses(side, "d"))
    transcript.ask("b is removed", lambda: side.lxd("d").members.remove(side.hostname("b")))
    transcript.ask("c is removed", lambda: side.lxd("d").members.remove(side.hostname("c")))
    transcript.ask("roles of two", lambda: roles(side, "a"))
    side.power_on("c")
    side.wipe("c")
    transcript.ask("c joins", lambda: join(transcript, "c", token(transcript, "d", "c")))
    transcript.ask("members at last", lambda: statuses(side, "c"))
    transcript.ask("roles of three", lambda: roles(side, "c"))


def recovering_a_spare(transcript: Transcript) -> None:
    """The only voter is lost, and the other has no copy of the database to continue with."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    head = leader(side, "a")
    goes, stays = (m for m in ("a", "b", "c") if m != head)
    side.launch(stays, "c1", "auto")
    side.lxd(goes).members.leave(side.hostname(goes))
    side.wait(SOON)
    transcript.ask("roles", lambda: roles(side, stays))
    side.power_off(head)
    transcript.ask("it recovers", lambda: recovered(transcript, stays))
    transcript.ask("its database", lambda: side.lxd(stays).server.get().clustered)
    transcript.ask("its members", lambda: count(side, stays))
    transcript.ask("instances", lambda: len(side.lxd(stays).instances.list()))


def partition(transcript: Transcript) -> None:
    """A member that is cut off does not answer, and is offline for the others; then it is back."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.isolate("a")
    side.wait(SOON)
    transcript.ask("members at b", lambda: statuses(side, "b"))
    transcript.ask("a answers", side.lxd("a").server.answers_at_all)
    transcript.ask("members at a", lambda: statuses(side, "a"))
    side.heal("a")
    side.wait(SOON)
    transcript.ask("members healed", lambda: statuses(side, "a"))
