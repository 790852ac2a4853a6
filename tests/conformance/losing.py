# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members that die, are cut off or lose their database, and their recovery."""

from __future__ import annotations

from tests.conformance.answers import Transcript, count, leader, roles, statuses
from tests.conformance.deeds import (
    SOON,
    form,
    join,
    located,
    recovered,
    token,
)

_NOTE = "alone"


def a_death(told: Transcript) -> None:
    """A member dies and comes back, dies again and is removed, and comes back after that."""
    side = told.side
    form(told, "a", "b", "c", "d")
    side.launch("d", "c4", "auto")
    side.power_off("d")
    told.ask("members at once", lambda: statuses(side, "a"))
    side.wait(SOON)
    told.ask("members later", lambda: statuses(side, "b"))
    side.power_on("d")
    side.wait(SOON)
    told.ask("members when it is back", lambda: statuses(side, "d"))
    side.power_off("d")
    told.ask("d is removed", lambda: side.lxd("a").members.remove(side.hostname("d")))
    told.ask("d is removed twice", lambda: side.lxd("a").members.remove(side.hostname("d")))
    told.ask("members without it", lambda: statuses(side, "a"))
    told.ask("instances without it", lambda: located(told, "a"))
    side.power_on("d")
    side.wait(SOON)
    told.ask("d answers", side.lxd("d").server.answers_at_all)
    told.ask("d's database", lambda: side.lxd("d").server.get().clustered)
    told.ask("members at d", lambda: statuses(side, "d"))
    told.ask("members with it back", lambda: statuses(side, "a"))
    side.wipe("d")
    told.ask("d joins anew", lambda: join(told, "d", token(told, "b", "d")))
    told.ask("members at last", lambda: statuses(side, "d"))


def a_daemon_down(told: Transcript) -> None:
    """A daemon that is down or frozen, and the roles that others take."""
    side = told.side
    form(told, "a", "b", "c", "d")
    side.kill_daemon("b")
    told.ask("b answers", side.lxd("b").server.answers_at_all)
    told.ask("b's members", lambda: statuses(side, "b"))
    side.wait(SOON)
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("roles", lambda: roles(side, "a"))
    told.ask("a token with one down", lambda: bool(token(told, "a", "b")[:0]))
    side.start_daemon("b")
    side.wait(SOON)
    told.ask("members when it is back", lambda: statuses(side, "b"))
    told.ask("roles when it is back", lambda: roles(side, "b"))
    side.freeze("c")
    told.ask("c answers", side.lxd("c").server.answers_at_all)
    told.ask("c's members", lambda: statuses(side, "c"))
    side.wait(SOON)
    told.ask("members with c frozen", lambda: statuses(side, "a"))
    side.thaw("c")
    side.wait(SOON)
    told.ask("members when it goes on", lambda: statuses(side, "c"))


def quorum(told: Transcript) -> None:
    """Two of three are off: the database does not answer until one is back."""
    side = told.side
    form(told, "a", "b", "c")
    side.kill_daemon("b")
    side.power_off("c")
    side.wait(SOON)
    told.ask("a answers", side.lxd("a").server.answers_at_all)
    told.ask("a's database", lambda: side.lxd("a").server.get().clustered)
    told.ask("a's members", lambda: statuses(side, "a"))
    told.ask("c is removed", lambda: side.lxd("a").members.remove(side.hostname("c")))
    side.kill_daemon("a")
    side.start_daemon("a")
    told.ask("a answers, started again", side.lxd("a").server.answers_at_all)
    told.ask("a's database, started again", lambda: side.lxd("a").server.get().clustered)
    side.start_daemon("b")
    side.wait(SOON)
    told.ask("members when b is back", lambda: statuses(side, "a"))
    side.power_on("c")
    side.wait(SOON)
    told.ask("members when c is back", lambda: statuses(side, "c"))


def recovery(told: Transcript) -> None:
    """Two of three are lost for good: the survivor continues alone, and they are removed."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("a", "c1", "auto")
    side.power_off("b")
    side.power_off("c")
    side.recover("a")
    told.ask("a's database", lambda: side.lxd("a").server.get().clustered)
    told.ask("instances", lambda: len(side.lxd("a").instances.list()))
    side.wait(SOON)
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("roles", lambda: roles(side, "a"))
    told.ask("b is removed", lambda: side.lxd("a").members.remove(side.hostname("b")))
    told.ask("c is removed", lambda: side.lxd("a").members.remove(side.hostname("c")))
    told.ask("d joins", lambda: join(told, "d", token(told, "a", "d")))
    told.ask("members at last", lambda: statuses(side, "d"))
    side.power_on("b")
    side.wait(SOON)
    told.ask("b answers", side.lxd("b").server.answers_at_all)
    told.ask("b's database", lambda: side.lxd("b").server.get().clustered)
    told.ask("members at b", lambda: statuses(side, "b"))
    told.ask("members with b on", lambda: statuses(side, "a"))


def recovery_and_return(told: Transcript) -> None:
    """The two lost members come back although the survivor continues alone.

    They are a majority by their own knowledge: either they follow the survivor, or they continue
    without it.
    """
    side = told.side
    form(told, "a", "b", "c")
    side.power_off("b")
    side.power_off("c")
    side.recover("a")
    side.wait(SOON)
    side.lxd("a").notes.write({_NOTE: "a"})
    side.together(lambda: side.power_on("b"), lambda: side.power_on("c"))
    side.wait(SOON)
    everybody = "a ONLINE, b ONLINE, c ONLINE"
    told.chance("members at a", lambda: statuses(side, "a"), everybody, "silent")
    told.ask("members at b", lambda: statuses(side, "b"))
    told.chance("what a did alone", lambda: side.lxd("b").notes.read().get(_NOTE), "a", "None")


def recovery_among_the_living(told: Transcript) -> None:
    """Two of four are lost; a third, living one follows the one that recovers."""
    side = told.side
    form(told, "a", "b", "c", "d")
    side.power_off("b")
    side.power_off("c")
    side.wait(SOON)
    told.ask("d's members", lambda: count(side, "d"))
    side.recover("a")
    side.wait(SOON)
    told.ask("members at a", lambda: statuses(side, "a"))
    told.ask("members at d", lambda: statuses(side, "d"))
    told.ask("roles", lambda: roles(side, "a"))
    side.kill_daemon("d")
    side.start_daemon("d")
    told.ask("members at d, started again", lambda: statuses(side, "d"))
    told.ask("b is removed", lambda: side.lxd("d").members.remove(side.hostname("b")))
    told.ask("c is removed", lambda: side.lxd("d").members.remove(side.hostname("c")))
    told.ask("roles of two", lambda: roles(side, "a"))
    side.power_on("c")
    side.wipe("c")
    told.ask("c joins", lambda: join(told, "c", token(told, "d", "c")))
    told.ask("members at last", lambda: statuses(side, "c"))
    told.ask("roles of three", lambda: roles(side, "c"))


def recovering_a_spare(told: Transcript) -> None:
    """The only voter is lost, and the other has no copy of the database to continue with."""
    side = told.side
    form(told, "a", "b", "c")
    head = leader(side, "a")
    goes, stays = (m for m in ("a", "b", "c") if m != head)
    side.launch(stays, "c1", "auto")
    side.lxd(goes).members.leave(side.hostname(goes))
    side.wait(SOON)
    told.ask("roles", lambda: roles(side, stays))
    side.power_off(head)
    told.ask("it recovers", lambda: recovered(told, stays))
    told.ask("its database", lambda: side.lxd(stays).server.get().clustered)
    told.ask("its members", lambda: count(side, stays))
    told.ask("instances", lambda: len(side.lxd(stays).instances.list()))


def partition(told: Transcript) -> None:
    """A member that is cut off does not answer, and is offline for the others; then it is back."""
    side = told.side
    form(told, "a", "b", "c")
    side.isolate("a")
    side.wait(SOON)
    told.ask("members at b", lambda: statuses(side, "b"))
    told.ask("a answers", side.lxd("a").server.answers_at_all)
    told.ask("members at a", lambda: statuses(side, "a"))
    side.heal("a")
    side.wait(SOON)
    told.ask("members healed", lambda: statuses(side, "a"))
