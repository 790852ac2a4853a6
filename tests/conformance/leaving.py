# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Members leave, are evacuated, and are removed while they live."""

from __future__ import annotations

from tests.conformance.answers import Transcript, count, leader, roles, statuses
from tests.conformance.side import MACHINES
from tests.conformance.steps import (
    SOON,
    await_restart,
    evacuate,
    form,
    join,
    located,
    token,
)


def leaving(transcript: Transcript) -> None:
    """Members leave, the leader each time. Whether the last two both vote is random."""
    side = transcript.side
    form(transcript, "a", "b", "c", "d")
    staying: list[str] = [*MACHINES]
    for _ in range(2):
        head = leader(side, staying[0])
        staying.remove(head)
        transcript.ask(
            "the leader leaves", lambda m=head: side.lxd(m).members.leave(side.hostname(m))
        )
        await_restart(transcript, head)
        transcript.ask("it is clustered", lambda m=head: side.lxd(m).server.get().clustered)
        transcript.ask("its pools", lambda m=head: sorted(p.name for p in side.lxd(m).pools.list()))
        transcript.ask("its keys", lambda m=head: sorted(side.lxd(m).server.get().config))
        transcript.ask("its members", lambda m=head: count(side, m))
        side.wait(SOON)
        transcript.ask("members that stay", lambda: count(side, staying[0]))
        fair = ("3 voter",) if len(staying) == 3 else ("2 voter", "1 spare, 1 voter")
        transcript.chance("their roles", lambda: roles(side, staying[0]), *fair)


def leaving_and_back(transcript: Transcript) -> None:
    """Members that are not the leader leave; the first leader stays."""
    side = transcript.side
    form(transcript, "a", "b", "c", "d")
    for machine in ("b", "c", "d"):
        transcript.ask("one leaves", lambda m=machine: side.lxd(m).members.leave(side.hostname(m)))
        await_restart(transcript, machine)
        transcript.ask("it is clustered", lambda m=machine: side.lxd(m).server.get().clustered)
        side.wait(SOON)
        transcript.ask("members that stay", lambda: statuses(side, "a"))
        transcript.ask("their roles", lambda: roles(side, "a"))
    transcript.ask("d joins again", lambda: join(transcript, "d", token(transcript, "a", "d")))
    transcript.ask("roles of two", lambda: roles(side, "d"))
    transcript.ask("b joins again", lambda: join(transcript, "b", token(transcript, "d", "b")))
    transcript.ask("members again", lambda: statuses(side, "b"))
    transcript.ask("roles of three", lambda: roles(side, "b"))


def two_to_one(transcript: Transcript) -> None:
    """The leader of two leaves: this is fatal if the other has no role in the database."""
    side = transcript.side
    form(transcript, "a", "b")
    transcript.ask("roles of two", lambda: roles(side, "b"))
    transcript.ask("the leader leaves", lambda: side.lxd("a").members.leave(side.hostname("a")))
    await_restart(transcript, "a")
    transcript.ask("members", lambda: statuses(side, "b"))
    transcript.ask("roles", lambda: roles(side, "b"))
    # The one that left stays away: at its old address it sometimes hangs. See
    # docs/how-to/grow-and-change.md.
    transcript.ask("c joins", lambda: join(transcript, "c", token(transcript, "b", "c")))
    side.wait(SOON)
    transcript.ask("d joins", lambda: join(transcript, "d", token(transcript, "c", "d")))
    transcript.ask("roles of three", lambda: roles(side, "c"))
    head = leader(side, "c")
    goes, stays = (m for m in ("b", "c", "d") if m != head)
    transcript.ask(
        "one that does not lead leaves", lambda: side.lxd(goes).members.leave(side.hostname(goes))
    )
    side.wait(SOON)
    # After a leader has left, it is random whether LXD gives the last two new roles.
    transcript.chance(
        "roles of two then", lambda: roles(side, stays), "2 voter", "1 spare, 1 voter"
    )
    leaves = ("None", "refused")
    transcript.chance(
        "the leader leaves", lambda: side.lxd(head).members.leave(side.hostname(head)), *leaves
    )
    side.wait(SOON)
    alone = (f"{stays} ONLINE", "silent")
    transcript.chance("members after that", lambda: statuses(side, stays), *alone)


def leaving_with_data(transcript: Transcript) -> None:
    """A member that has an instance or a volume may not leave."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.launch("b", "c1", "auto")
    transcript.ask(
        "b leaves with an instance", lambda: side.lxd("b").members.leave(side.hostname("b"))
    )
    transcript.ask("instances", lambda: located(transcript, "a"))
    transcript.ask("b is evacuated", lambda: evacuate(transcript, "a", "b"))
    transcript.ask("it is off", lambda: located(transcript, "a").count("on b"))
    transcript.ask("members", lambda: statuses(side, "a"))
    side.add_volume("b", "v1")
    transcript.ask(
        "b leaves with a volume", lambda: side.lxd("b").members.leave(side.hostname("b"))
    )
    transcript.ask("volumes", lambda: [v.name for v in side.lxd("a").volumes.list()])
    transcript.ask("members after that", lambda: statuses(side, "a"))


def leaving_with_one_down(transcript: Transcript) -> None:
    """A member leaves while another is down: with a majority, then without."""
    side = transcript.side
    form(transcript, "a", "b", "c", "d")
    side.kill_daemon("d")
    transcript.ask("b leaves", lambda: side.lxd("b").members.leave(side.hostname("b")))
    transcript.ask("members", lambda: statuses(side, "a"))
    side.wait(SOON)
    transcript.ask("roles", lambda: roles(side, "a"))
    transcript.ask("a leaves", lambda: side.lxd("a").members.leave(side.hostname("a")))
    side.wait(SOON)
    transcript.ask("c's database", lambda: side.lxd("c").server.get().clustered)
    transcript.ask("members at c", lambda: statuses(side, "c"))
    side.start_daemon("d")
    side.wait(SOON)
    transcript.ask("members when d is back", lambda: statuses(side, "d"))


def evacuation(transcript: Transcript) -> None:
    """What an evacuation moves, what it leaves, and its answer if it cannot."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.launch("b", "c1", "auto")
    side.launch("b", "c2", "stop")
    transcript.ask("b is evacuated", lambda: evacuate(transcript, "b", "b"))
    transcript.ask("members", lambda: statuses(side, "a"))
    transcript.ask("c2 stays", lambda: located(transcript, "a").count("on b"))
    transcript.ask("b is evacuated twice", lambda: evacuate(transcript, "a", "b"))
    transcript.ask("b leaves with c2", lambda: side.lxd("b").members.leave(side.hostname("b")))
    transcript.ask("c is evacuated", lambda: evacuate(transcript, "a", "c"))
    transcript.ask("all are on a but c2", lambda: located(transcript, "a").count("on a"))
    transcript.ask("a, the last, is evacuated", lambda: evacuate(transcript, "a", "a"))
    transcript.ask("members after that", lambda: statuses(side, "a"))
    transcript.ask("instances after that", lambda: located(transcript, "a"))
    transcript.ask("a member that is not there", lambda: evacuate(transcript, "a", "d"))


def moving(transcript: Transcript) -> None:
    """Moving what an evacuation has left."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    for name in ("c1", "c2", "c3"):
        side.launch("b", name, "stop")

    def move(name: str, target: str) -> None:
        side.lxd("a").instances.move("default", name, side.hostname(target), live=False)

    transcript.ask("b is evacuated", lambda: evacuate(transcript, "b", "b"))
    transcript.ask("c1 moves to a", lambda: move("c1", "a"))
    transcript.ask("c1 moves to c", lambda: move("c1", "c"))
    transcript.ask("what is not there moves", lambda: move("c9", "a"))
    transcript.ask("c2 moves where nobody is", lambda: move("c2", "d"))
    transcript.ask("c is evacuated", lambda: evacuate(transcript, "c", "c"))
    transcript.ask("c2 moves to c", lambda: move("c2", "c"))
    side.kill_daemon("c")
    transcript.ask("c3 moves to one that is down", lambda: move("c3", "c"))
    transcript.ask("c3 moves to a", lambda: move("c3", "a"))
    transcript.ask("c3 is on a", lambda: "c3 on a" in located(transcript, "a"))


def evacuating_the_dead(transcript: Transcript) -> None:
    """A member that is down cannot be evacuated, and nothing moves to a member that is down."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    side.launch("b", "c1", "auto")
    side.launch("c", "c3", "auto")
    side.power_off("c")
    transcript.ask("c is evacuated at once", lambda: evacuate(transcript, "a", "c"))
    side.wait(SOON)
    transcript.ask("members", lambda: statuses(side, "a"))
    transcript.ask("c is evacuated", lambda: evacuate(transcript, "a", "c"))
    transcript.ask("instances", lambda: located(transcript, "a"))
    transcript.ask("b is evacuated", lambda: evacuate(transcript, "a", "b"))
    transcript.ask("instances after that", lambda: located(transcript, "a"))


def removing_the_living(transcript: Transcript) -> None:
    """Living members are removed by force: LXD does not tell one, the leader empties itself."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    transcript.ask("c is removed", lambda: side.lxd("a").members.remove(side.hostname("c")))
    transcript.ask("members", lambda: statuses(side, "a"))
    transcript.ask("c's database", lambda: side.lxd("c").server.get().clustered)
    transcript.ask("members at c", lambda: statuses(side, "c"))
    side.wait(SOON)
    transcript.ask("c answers later", side.lxd("c").server.answers_at_all)
    transcript.ask("c's database later", lambda: side.lxd("c").server.get().clustered)
    transcript.ask("members at c later", lambda: statuses(side, "c"))
    transcript.ask("members later", lambda: statuses(side, "a"))
    side.wipe("c")
    join(transcript, "c", token(transcript, "a", "c"))
    head = leader(side, "a")
    asked = next(m for m in ("a", "b", "c") if m != head)
    transcript.ask(
        "the leader is removed", lambda: side.lxd(asked).members.remove(side.hostname(head))
    )
    await_restart(transcript, head)
    transcript.ask("it is clustered", lambda: side.lxd(head).server.get().clustered)
    transcript.ask("members without it", lambda: count(side, asked))
