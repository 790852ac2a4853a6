# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members leave, are evacuated, and are removed while they live."""

from __future__ import annotations

from tests.conformance.answers import Transcript, count, leader, roles, statuses
from tests.conformance.deeds import (
    SOON,
    evacuate,
    form,
    join,
    located,
    started_anew,
    token,
)
from tests.conformance.side import MACHINES


def leaving(told: Transcript) -> None:
    """Members leave, the leader each time. Whether the last two both vote is random."""
    side = told.side
    form(told, "a", "b", "c", "d")
    staying: list[str] = [*MACHINES]
    for _ in range(2):
        head = leader(side, staying[0])
        staying.remove(head)
        told.ask("the leader leaves", lambda m=head: side.lxd(m).members.leave(side.hostname(m)))
        started_anew(told, head)
        told.ask("it is clustered", lambda m=head: side.lxd(m).server.get().clustered)
        told.ask("its pools", lambda m=head: sorted(p.name for p in side.lxd(m).pools.list()))
        told.ask("its keys", lambda m=head: sorted(side.lxd(m).server.get().config))
        told.ask("its members", lambda m=head: count(side, m))
        side.wait(SOON)
        told.ask("members that stay", lambda: count(side, staying[0]))
        fair = ("3 voter",) if len(staying) == 3 else ("2 voter", "1 spare, 1 voter")
        told.chance("their roles", lambda: roles(side, staying[0]), *fair)


def leaving_and_back(told: Transcript) -> None:
    """Members that are not the leader leave; the first leader stays."""
    side = told.side
    form(told, "a", "b", "c", "d")
    for machine in ("b", "c", "d"):
        told.ask("one leaves", lambda m=machine: side.lxd(m).members.leave(side.hostname(m)))
        started_anew(told, machine)
        told.ask("it is clustered", lambda m=machine: side.lxd(m).server.get().clustered)
        side.wait(SOON)
        told.ask("members that stay", lambda: statuses(side, "a"))
        told.ask("their roles", lambda: roles(side, "a"))
    told.ask("d joins again", lambda: join(told, "d", token(told, "a", "d")))
    told.ask("roles of two", lambda: roles(side, "d"))
    told.ask("b joins again", lambda: join(told, "b", token(told, "d", "b")))
    told.ask("members again", lambda: statuses(side, "b"))
    told.ask("roles of three", lambda: roles(side, "b"))


def two_to_one(told: Transcript) -> None:
    """The leader of two leaves: this is fatal if the other has no role in the database."""
    side = told.side
    form(told, "a", "b")
    told.ask("roles of two", lambda: roles(side, "b"))
    told.ask("the leader leaves", lambda: side.lxd("a").members.leave(side.hostname("a")))
    started_anew(told, "a")
    told.ask("members", lambda: statuses(side, "b"))
    told.ask("roles", lambda: roles(side, "b"))
    # The one that left stays away: at its old address it sometimes hangs. See
    # docs/how-to/grow-and-change.md.
    told.ask("c joins", lambda: join(told, "c", token(told, "b", "c")))
    side.wait(SOON)
    told.ask("d joins", lambda: join(told, "d", token(told, "c", "d")))
    told.ask("roles of three", lambda: roles(side, "c"))
    head = leader(side, "c")
    goes, stays = (m for m in ("b", "c", "d") if m != head)
    told.ask(
        "one that does not lead leaves", lambda: side.lxd(goes).members.leave(side.hostname(goes))
    )
    side.wait(SOON)
    # After a leader has left, it is random whether LXD gives the last two new roles.
    told.chance("roles of two then", lambda: roles(side, stays), "2 voter", "1 spare, 1 voter")
    leaves = ("None", "refused")
    told.chance(
        "the leader leaves", lambda: side.lxd(head).members.leave(side.hostname(head)), *leaves
    )
    side.wait(SOON)
    alone = (f"{stays} ONLINE", "silent")
    told.chance("members after that", lambda: statuses(side, stays), *alone)


def leaving_with_data(told: Transcript) -> None:
    """A member that has an instance or a volume may not leave."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("b", "c1", "auto")
    told.ask("b leaves with an instance", lambda: side.lxd("b").members.leave(side.hostname("b")))
    told.ask("instances", lambda: located(told, "a"))
    told.ask("b is evacuated", lambda: evacuate(told, "a", "b"))
    told.ask("it is off", lambda: located(told, "a").count("on b"))
    told.ask("members", lambda: statuses(side, "a"))
    side.add_volume("b", "v1")
    told.ask("b leaves with a volume", lambda: side.lxd("b").members.leave(side.hostname("b")))
    told.ask("volumes", lambda: [v.name for v in side.lxd("a").volumes.list()])
    told.ask("members after that", lambda: statuses(side, "a"))


def leaving_with_one_down(told: Transcript) -> None:
    """A member leaves while another is down: with a majority, then without."""
    side = told.side
    form(told, "a", "b", "c", "d")
    side.kill_daemon("d")
    told.ask("b leaves", lambda: side.lxd("b").members.leave(side.hostname("b")))
    told.ask("members", lambda: statuses(side, "a"))
    side.wait(SOON)
    told.ask("roles", lambda: roles(side, "a"))
    told.ask("a leaves", lambda: side.lxd("a").members.leave(side.hostname("a")))
    side.wait(SOON)
    told.ask("c's database", lambda: side.lxd("c").server.get().clustered)
    told.ask("members at c", lambda: statuses(side, "c"))
    side.start_daemon("d")
    side.wait(SOON)
    told.ask("members when d is back", lambda: statuses(side, "d"))


def evacuation(told: Transcript) -> None:
    """What an evacuation moves, what it leaves, and its answer if it cannot."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("b", "c1", "auto")
    side.launch("b", "c2", "stop")
    told.ask("b is evacuated", lambda: evacuate(told, "b", "b"))
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("c2 stays", lambda: located(told, "a").count("on b"))
    told.ask("b is evacuated twice", lambda: evacuate(told, "a", "b"))
    told.ask("b leaves with c2", lambda: side.lxd("b").members.leave(side.hostname("b")))
    told.ask("c is evacuated", lambda: evacuate(told, "a", "c"))
    told.ask("all are on a but c2", lambda: located(told, "a").count("on a"))
    told.ask("a, the last, is evacuated", lambda: evacuate(told, "a", "a"))
    told.ask("members after that", lambda: statuses(side, "a"))
    told.ask("instances after that", lambda: located(told, "a"))
    told.ask("a member that is not there", lambda: evacuate(told, "a", "d"))


def moving(told: Transcript) -> None:
    """Moving what an evacuation has left."""
    side = told.side
    form(told, "a", "b", "c")
    for name in ("c1", "c2", "c3"):
        side.launch("b", name, "stop")

    def move(name: str, target: str) -> None:
        side.lxd("a").instances.move("default", name, side.hostname(target), live=False)

    told.ask("b is evacuated", lambda: evacuate(told, "b", "b"))
    told.ask("c1 moves to a", lambda: move("c1", "a"))
    told.ask("c1 moves to c", lambda: move("c1", "c"))
    told.ask("what is not there moves", lambda: move("c9", "a"))
    told.ask("c2 moves where nobody is", lambda: move("c2", "d"))
    told.ask("c is evacuated", lambda: evacuate(told, "c", "c"))
    told.ask("c2 moves to c", lambda: move("c2", "c"))
    side.kill_daemon("c")
    told.ask("c3 moves to one that is down", lambda: move("c3", "c"))
    told.ask("c3 moves to a", lambda: move("c3", "a"))
    told.ask("c3 is on a", lambda: "c3 on a" in located(told, "a"))


def evacuating_the_dead(told: Transcript) -> None:
    """A member that is down cannot be evacuated, and nothing moves to a member that is down."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("b", "c1", "auto")
    side.launch("c", "c3", "auto")
    side.power_off("c")
    told.ask("c is evacuated at once", lambda: evacuate(told, "a", "c"))
    side.wait(SOON)
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("c is evacuated", lambda: evacuate(told, "a", "c"))
    told.ask("instances", lambda: located(told, "a"))
    told.ask("b is evacuated", lambda: evacuate(told, "a", "b"))
    told.ask("instances after that", lambda: located(told, "a"))


def removing_the_living(told: Transcript) -> None:
    """Living members are removed by force: LXD does not tell one, the leader empties itself."""
    side = told.side
    form(told, "a", "b", "c")
    told.ask("c is removed", lambda: side.lxd("a").members.remove(side.hostname("c")))
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("c's database", lambda: side.lxd("c").server.get().clustered)
    told.ask("members at c", lambda: statuses(side, "c"))
    side.wait(SOON)
    told.ask("c answers later", side.lxd("c").server.answers_at_all)
    told.ask("c's database later", lambda: side.lxd("c").server.get().clustered)
    told.ask("members at c later", lambda: statuses(side, "c"))
    told.ask("members later", lambda: statuses(side, "a"))
    side.wipe("c")
    join(told, "c", token(told, "a", "c"))
    head = leader(side, "a")
    asked = next(m for m in ("a", "b", "c") if m != head)
    told.ask("the leader is removed", lambda: side.lxd(asked).members.remove(side.hostname(head)))
    started_anew(told, head)
    told.ask("it is clustered", lambda: side.lxd(head).server.get().clustered)
    told.ask("members without it", lambda: count(side, asked))
