"""Scripted histories of clusters. Each asks the same of the model and of real machines."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import suppress

from lxd_reading import LxdError, LxdUnreachable
from tests.conformance.answers import Transcript, count, leader, roles, statuses
from tests.conformance.side import MACHINES, POOL

History = Callable[[Transcript], None]
SOON = 24.0
"""Seconds for what shall happen by itself: a heartbeat, an election, a new role."""
JOIN = 40.0


def found(told: Transcript, machine: str) -> None:
    """Makes a cluster of one, with a pool, that calls a silent member offline after 11 s."""
    lxd, endpoint = told.side.lxd(machine), told.side.endpoint(machine)
    lxd.set_server_config({"core.https_address": endpoint, "cluster.https_address": endpoint})
    lxd.create_pool(POOL, "dir", {})
    lxd.enable_cluster(told.side.hostname(machine))
    lxd.set_server_config({"cluster.offline_threshold": "11"})


def token(told: Transcript, maker: str, joiner: str) -> str:
    """A join token for a machine."""
    return told.side.lxd(maker).make_join_token(told.side.hostname(joiner))


def join(told: Transcript, machine: str, secret: str) -> None:
    """A machine joins with a token."""
    side = told.side
    lxd = side.lxd(machine)
    lxd.set_server_config({"core.https_address": side.endpoint(machine)})
    answers = [{"entity": "storage-pool", "name": POOL, "key": "source", "value": ""}]
    lxd.join_cluster(side.hostname(machine), side.endpoint(machine), secret, answers, JOIN)


def form(told: Transcript, *machines: str) -> None:
    """One cluster of these machines."""
    first, *rest = machines
    found(told, first)
    for machine in rest:
        join(told, machine, token(told, first, machine))


def forming(told: Transcript) -> None:
    """Four join one after the other."""
    side = told.side
    told.ask("alone", lambda: side.lxd("a").server().clustered)
    found(told, "a")
    told.ask("clustered", lambda: side.lxd("a").server().clustered)
    for machine in MACHINES[1:]:
        told.ask(f"{machine} joins", lambda m=machine: join(told, m, token(told, "a", m)))
        told.ask(f"members at {machine}", lambda m=machine: statuses(side, m))
        told.ask(f"roles at {machine}", lambda m=machine: roles(side, m))
    told.ask("bootstrap again", lambda: side.lxd("a").enable_cluster(side.hostname("a")))
    told.ask("one fingerprint", lambda: len({side.lxd(m).server().fingerprint for m in MACHINES}))


def tokens(told: Transcript) -> None:
    """A token is good once, for one name, and voids an older one."""
    side = told.side
    found(told, "a")
    first = token(told, "a", "b")
    second = token(told, "a", "b")
    told.ask("b joins with a token that is void", lambda: join(told, "b", first))
    told.ask("b is clustered", lambda: side.lxd("b").server().clustered)
    told.ask("b joins with the newer one", lambda: join(told, "b", second))
    told.ask("c joins with a used token", lambda: join(told, "c", second))
    other = token(told, "b", "d")
    told.ask("c joins with a token for d", lambda: join(told, "c", other))
    told.ask("d joins with its token after that", lambda: join(told, "d", other))
    told.ask("members", lambda: statuses(side, "a"))
    cancelled = token(told, "a", "c")
    told.ask("the token is cancelled", lambda: side.lxd("a").cancel_join_token(side.hostname("c")))
    side.wipe("c")
    told.ask("c joins with a cancelled token", lambda: join(told, "c", cancelled))
    told.ask("a token for a member's name", lambda: bool(token(told, "a", "b")))
    told.ask("b, a member, joins", lambda: join(told, "b", cancelled))


def not_pristine(told: Transcript) -> None:
    """What a server had is lost when it joins."""
    side = told.side
    found(told, "a")
    lxd = side.lxd("b")
    lxd.create_pool("old", "dir", {})
    told.ask("pools before", lambda: sorted(p.name for p in lxd.pools()))
    told.ask("b joins", lambda: join(told, "b", token(told, "a", "b")))
    told.ask("pools after", lambda: sorted(p.name for p in side.lxd("b").pools()))


def two_at_once(told: Transcript) -> None:
    """Two joins at once: what LXD makes of it is chance; what cures a server that hangs is not."""
    side = told.side
    form(told, "a")
    secrets = {m: token(told, "a", m) for m in ("b", "c")}

    def attempt(machine: str) -> Callable[[], None]:
        def call() -> None:
            with suppress(LxdError, LxdUnreachable):
                join(told, machine, secrets[machine])

        return call

    side.together(attempt("b"), attempt("c"))
    told.ask("a has its database", lambda: side.lxd("a").server().clustered)
    for machine in ("b", "c"):
        if f"{machine} ONLINE" not in statuses(side, "a"):
            side.wipe(machine)
            join(told, machine, token(told, "a", machine))
    told.ask("members once those that hang were wiped", lambda: statuses(side, "a"))


def half_a_join(told: Transcript) -> None:
    """A join whose daemon ends on the way, who knows where: wiped and removed it may join again."""
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
        side.lxd("a").remove_member(side.hostname("b"))
    told.ask("b joins again", lambda: join(told, "b", token(told, "a", "b")))
    told.ask("members at last", lambda: statuses(side, "b"))


def leaving(told: Transcript) -> None:
    """Members leave one after the other, the leader each time, and the last cannot."""
    side = told.side
    form(told, "a", "b", "c", "d")
    staying: list[str] = [*MACHINES]
    for _ in range(3):
        head = leader(side, staying[0])
        staying.remove(head)
        told.ask("the leader leaves", lambda m=head: side.lxd(m).leave(side.hostname(m)))
        started_anew(told, head)
        told.ask("it is clustered", lambda m=head: side.lxd(m).server().clustered)
        told.ask("its pools", lambda m=head: sorted(p.name for p in side.lxd(m).pools()))
        told.ask("its keys", lambda m=head: sorted(side.lxd(m).server().config))
        told.ask("its members", lambda m=head: count(side, m))
        side.wait(SOON)
        told.ask("members that stay", lambda: count(side, staying[0]))
        told.ask("their roles", lambda: roles(side, staying[0]))
    last = staying[0]
    told.ask("the last leaves", lambda: side.lxd(last).leave(side.hostname(last)))
    told.ask("the last is removed", lambda: side.lxd(last).remove_member(side.hostname(last)))
    told.ask("the last is clustered", lambda: side.lxd(last).server().clustered)


def leaving_and_back(told: Transcript) -> None:
    """Members that do not lead leave; the one that led from the beginning stays."""
    side = told.side
    form(told, "a", "b", "c", "d")
    for machine in ("b", "c", "d"):
        told.ask("one leaves", lambda m=machine: side.lxd(m).leave(side.hostname(m)))
        started_anew(told, machine)
        told.ask("it is clustered", lambda m=machine: side.lxd(m).server().clustered)
        side.wait(SOON)
        told.ask("members that stay", lambda: statuses(side, "a"))
        told.ask("their roles", lambda: roles(side, "a"))
    told.ask("d joins again", lambda: join(told, "d", token(told, "a", "d")))
    told.ask("roles of two", lambda: roles(side, "d"))
    told.ask("b joins again", lambda: join(told, "b", token(told, "d", "b")))
    told.ask("members again", lambda: statuses(side, "b"))
    told.ask("roles of three", lambda: roles(side, "b"))


def two_to_one(told: Transcript) -> None:
    """The leader of two leaves: fatal where the other has no role in the database."""
    side = told.side
    form(told, "a", "b")
    told.ask("roles of two", lambda: roles(side, "b"))
    told.ask("the leader leaves", lambda: side.lxd("a").leave(side.hostname("a")))
    started_anew(told, "a")
    told.ask("members", lambda: statuses(side, "b"))
    told.ask("roles", lambda: roles(side, "b"))
    told.ask("a joins again", lambda: join(told, "a", token(told, "b", "a")))
    told.ask("c joins", lambda: join(told, "c", token(told, "a", "c")))
    told.ask("roles of three", lambda: roles(side, "c"))
    head = leader(side, "c")
    goes, stays = (m for m in ("a", "b", "c") if m != head)
    told.ask("one that does not lead leaves", lambda: side.lxd(goes).leave(side.hostname(goes)))
    side.wait(SOON)
    told.ask("roles of two then", lambda: roles(side, stays))
    told.ask("the leader leaves then", lambda: side.lxd(head).leave(side.hostname(head)))
    side.wait(SOON)
    told.ask("members after that", lambda: statuses(side, stays))


def started_anew(told: Transcript, machine: str) -> None:
    """LXD starts its daemon again once it has left."""
    told.side.wait(3)
    told.side.lxd(machine).await_start(30)


def leaving_with_data(told: Transcript) -> None:
    """A member that has an instance or a volume may not leave."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("b", "c1", "auto")
    told.ask("b leaves with an instance", lambda: side.lxd("b").leave(side.hostname("b")))
    told.ask("instances", lambda: located(told, "a"))
    told.ask("b is evacuated", lambda: evacuate(told, "a", "b"))
    told.ask("it is off", lambda: located(told, "a").count("on b"))
    told.ask("members", lambda: statuses(side, "a"))
    side.add_volume("b", "v1")
    told.ask("b leaves with a volume", lambda: side.lxd("b").leave(side.hostname("b")))
    told.ask("volumes", lambda: [v.name for v in side.lxd("a").volumes()])
    told.ask("members after that", lambda: statuses(side, "a"))


def leaving_with_one_down(told: Transcript) -> None:
    """A member leaves while another is down: with a majority, then without."""
    side = told.side
    form(told, "a", "b", "c", "d")
    side.kill_daemon("d")
    told.ask("b leaves", lambda: side.lxd("b").leave(side.hostname("b")))
    told.ask("members", lambda: statuses(side, "a"))
    side.wait(SOON)
    told.ask("roles", lambda: roles(side, "a"))
    told.ask("a leaves", lambda: side.lxd("a").leave(side.hostname("a")))
    side.wait(SOON)
    told.ask("c's database", lambda: side.lxd("c").server().clustered)
    told.ask("members at c", lambda: statuses(side, "c"))
    side.start_daemon("d")
    side.wait(SOON)
    told.ask("members when d is back", lambda: statuses(side, "d"))


def located(told: Transcript, machine: str) -> str:
    """Every instance, where it is and how it may be evacuated."""
    side = told.side
    letters = {side.hostname(m): m for m in MACHINES}
    found = sorted(side.lxd(machine).instances(), key=lambda i: i.name)
    return ", ".join(f"{i} on {letters.get(i.location)} ({i.evacuate})" for i in found)


def evacuate(told: Transcript, asked: str, machine: str) -> None:
    """An evacuation to its end."""
    for _ in told.side.lxd(asked).evacuate(told.side.hostname(machine), 60):
        pass


def evacuation(told: Transcript) -> None:
    """What evacuation moves, what it leaves, and what it answers when it cannot."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("b", "c1", "auto")
    side.launch("b", "c2", "stop")
    told.ask("b is evacuated", lambda: evacuate(told, "b", "b"))
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("c2 stays", lambda: located(told, "a").count("on b"))
    told.ask("b is evacuated twice", lambda: evacuate(told, "a", "b"))
    told.ask("b leaves with c2", lambda: side.lxd("b").leave(side.hostname("b")))
    told.ask("c is evacuated", lambda: evacuate(told, "a", "c"))
    told.ask("all are on a but c2", lambda: located(told, "a").count("on a"))
    told.ask("a, the last, is evacuated", lambda: evacuate(told, "a", "a"))
    told.ask("members after that", lambda: statuses(side, "a"))
    told.ask("instances after that", lambda: located(told, "a"))
    told.ask("a member that is not there", lambda: evacuate(told, "a", "d"))


def moving(told: Transcript) -> None:
    """Moving what an evacuation left behind."""
    side = told.side
    form(told, "a", "b", "c")
    for name in ("c1", "c2", "c3"):
        side.launch("b", name, "stop")

    def move(name: str, target: str) -> None:
        side.lxd("a").move_instance("default", name, side.hostname(target))

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
    """A member that is down cannot be evacuated, and nothing is moved to one that is down."""
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
    told.ask("d is removed", lambda: side.lxd("a").remove_member(side.hostname("d")))
    told.ask("d is removed twice", lambda: side.lxd("a").remove_member(side.hostname("d")))
    told.ask("members without it", lambda: statuses(side, "a"))
    told.ask("instances without it", lambda: located(told, "a"))
    side.power_on("d")
    side.wait(SOON)
    told.ask("d answers", lambda: side.lxd("d").alive())
    told.ask("d's database", lambda: side.lxd("d").server().clustered)
    told.ask("members at d", lambda: statuses(side, "d"))
    told.ask("members with it back", lambda: statuses(side, "a"))
    side.wipe("d")
    told.ask("d joins anew", lambda: join(told, "d", token(told, "b", "d")))
    told.ask("members at last", lambda: statuses(side, "d"))


def removing_the_living(told: Transcript) -> None:
    """Members that live are removed by force: one is not told, the leader empties itself."""
    side = told.side
    form(told, "a", "b", "c")
    told.ask("c is removed", lambda: side.lxd("a").remove_member(side.hostname("c")))
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("c's database", lambda: side.lxd("c").server().clustered)
    told.ask("members at c", lambda: statuses(side, "c"))
    side.wait(SOON)
    told.ask("c answers later", lambda: side.lxd("c").alive())
    told.ask("c's database later", lambda: side.lxd("c").server().clustered)
    told.ask("members at c later", lambda: statuses(side, "c"))
    told.ask("members later", lambda: statuses(side, "a"))
    side.wipe("c")
    join(told, "c", token(told, "a", "c"))
    head = leader(side, "a")
    asked = next(m for m in ("a", "b", "c") if m != head)
    told.ask("the leader is removed", lambda: side.lxd(asked).remove_member(side.hostname(head)))
    started_anew(told, head)
    told.ask("it is clustered", lambda: side.lxd(head).server().clustered)
    told.ask("members without it", lambda: count(side, asked))


def a_daemon_down(told: Transcript) -> None:
    """A daemon that is down, or stands still; the roles that others take."""
    side = told.side
    form(told, "a", "b", "c", "d")
    side.kill_daemon("b")
    told.ask("b answers", lambda: side.lxd("b").alive())
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
    told.ask("c answers", lambda: side.lxd("c").alive())
    told.ask("c's members", lambda: statuses(side, "c"))
    side.wait(SOON)
    told.ask("members with c frozen", lambda: statuses(side, "a"))
    side.thaw("c")
    side.wait(SOON)
    told.ask("members when it goes on", lambda: statuses(side, "c"))


def joining_with_one_down(told: Transcript) -> None:
    """Joins, tokens and settings while a member is down."""
    side = told.side
    form(told, "a", "b", "c")
    side.kill_daemon("c")
    told.ask("a key at once", lambda: side.lxd("a").set_server_config({"user.one": "1"}))
    told.ask("d joins at once", lambda: join(told, "d", token(told, "a", "d")))
    side.wait(SOON)
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("a key later", lambda: side.lxd("a").set_server_config({"user.two": "2"}))
    told.ask("the profile", lambda: side.lxd("a").set_default_profile(empty_profile()))
    told.ask("d's zone", lambda: side.lxd("a").set_failure_domain(side.hostname("d"), "z1"))
    told.ask("c's zone", lambda: side.lxd("a").set_failure_domain(side.hostname("c"), "z2"))
    told.ask("d leaves", lambda: side.lxd("d").leave(side.hostname("d")))
    started_anew(told, "d")
    told.ask("d joins again", lambda: join(told, "d", token(told, "a", "d")))
    told.ask("keys", lambda: sorted(k for k in side.lxd("d").server().config if "user" in k))
    side.start_daemon("c")
    side.wait(SOON)
    told.ask("members at last", lambda: statuses(side, "c"))


def empty_profile() -> dict[str, object]:
    """The default profile as LXD brings it."""
    return {"config": {}, "description": "Default LXD profile", "devices": {}}


def quorum(told: Transcript) -> None:
    """Two of three are off: the database is silent until one is back."""
    side = told.side
    form(told, "a", "b", "c")
    side.kill_daemon("b")
    side.power_off("c")
    side.wait(SOON)
    told.ask("a answers", lambda: side.lxd("a").alive())
    told.ask("a's database", lambda: side.lxd("a").server().clustered)
    told.ask("a's members", lambda: statuses(side, "a"))
    told.ask("c is removed", lambda: side.lxd("a").remove_member(side.hostname("c")))
    side.kill_daemon("a")
    side.start_daemon("a")
    told.ask("a answers, started again", lambda: side.lxd("a").alive())
    told.ask("a's database, started again", lambda: side.lxd("a").server().clustered)
    side.start_daemon("b")
    side.wait(SOON)
    told.ask("members when b is back", lambda: statuses(side, "a"))
    side.power_on("c")
    side.wait(SOON)
    told.ask("members when c is back", lambda: statuses(side, "c"))


def recovery(told: Transcript) -> None:
    """Two of three are lost for good: the survivor goes on alone and they are removed."""
    side = told.side
    form(told, "a", "b", "c")
    side.launch("a", "c1", "auto")
    side.power_off("b")
    side.power_off("c")
    side.recover("a")
    told.ask("a's database", lambda: side.lxd("a").server().clustered)
    told.ask("instances", lambda: len(side.lxd("a").instances()))
    side.wait(SOON)
    told.ask("members", lambda: statuses(side, "a"))
    told.ask("roles", lambda: roles(side, "a"))
    told.ask("b is removed", lambda: side.lxd("a").remove_member(side.hostname("b")))
    told.ask("c is removed", lambda: side.lxd("a").remove_member(side.hostname("c")))
    told.ask("d joins", lambda: join(told, "d", token(told, "a", "d")))
    told.ask("members at last", lambda: statuses(side, "d"))
    side.power_on("b")
    side.wait(SOON)
    told.ask("b answers", lambda: side.lxd("b").alive())
    told.ask("b's database", lambda: side.lxd("b").server().clustered)
    told.ask("members at b", lambda: statuses(side, "b"))
    told.ask("members with b on", lambda: statuses(side, "a"))


def recovery_and_return(told: Transcript) -> None:
    """The two that were lost come back though the survivor goes on alone."""
    side = told.side
    form(told, "a", "b", "c")
    side.power_off("b")
    side.power_off("c")
    side.recover("a")
    side.wait(SOON)
    side.lxd("a").set_server_config({"user.alone": "a"})
    side.together(lambda: side.power_on("b"), lambda: side.power_on("c"))
    side.wait(SOON)
    told.ask("members at a", lambda: statuses(side, "a"))
    told.ask("members at b", lambda: statuses(side, "b"))
    told.ask("what a did alone, at a", lambda: side.lxd("a").server().config.get("user.alone"))
    told.ask("what a did alone, at b", lambda: side.lxd("b").server().config.get("user.alone"))
    told.ask("roles", lambda: roles(side, "a"))


def recovery_among_the_living(told: Transcript) -> None:
    """Two of four are lost; a third, that lives, follows the one that recovers."""
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
    told.ask("b is removed", lambda: side.lxd("d").remove_member(side.hostname("b")))
    told.ask("c is removed", lambda: side.lxd("d").remove_member(side.hostname("c")))
    told.ask("roles of two", lambda: roles(side, "a"))
    side.power_on("c")
    side.wipe("c")
    told.ask("c joins", lambda: join(told, "c", token(told, "d", "c")))
    told.ask("members at last", lambda: statuses(side, "c"))
    told.ask("roles of three", lambda: roles(side, "c"))


def recovering_a_spare(told: Transcript) -> None:
    """The only voter is lost, and the other has no copy of the database to go on with."""
    side = told.side
    form(told, "a", "b", "c")
    head = leader(side, "a")
    goes, stays = (m for m in ("a", "b", "c") if m != head)
    side.launch(stays, "c1", "auto")
    side.lxd(goes).leave(side.hostname(goes))
    side.wait(SOON)
    told.ask("roles", lambda: roles(side, stays))
    side.power_off(head)
    told.ask("it recovers", lambda: recovered(told, stays))
    told.ask("its database", lambda: side.lxd(stays).server().clustered)
    told.ask("its members", lambda: count(side, stays))
    told.ask("instances", lambda: len(side.lxd(stays).instances()))


def recovered(told: Transcript, machine: str) -> str:
    """Whether LXD's tool agreed to recover the database there."""
    try:
        told.side.recover(machine)
    except (AssertionError, subprocess.SubprocessError):
        return "no"
    return "yes"


def partition(told: Transcript) -> None:
    """A member that is cut off is silent, and offline to the others; healed, it is back."""
    side = told.side
    form(told, "a", "b", "c")
    side.isolate("a")
    side.wait(SOON)
    told.ask("members at b", lambda: statuses(side, "b"))
    told.ask("a answers", lambda: side.lxd("a").alive())
    told.ask("members at a", lambda: statuses(side, "a"))
    side.heal("a")
    side.wait(SOON)
    told.ask("members healed", lambda: statuses(side, "a"))


def networks(told: Transcript) -> None:
    """Networks are made in two phases, with every member up."""
    side = told.side
    form(told, "a", "b", "c")
    names = tuple(side.hostname(m) for m in ("a", "b", "c"))
    config = {"ipv4.address": "10.77.0.1/24", "ipv6.address": "none"}
    lxd = side.lxd("a")
    told.ask("a network", lambda: lxd.create_network("br-one", "bridge", config, names))
    told.ask("the same again", lambda: lxd.create_network("br-one", "bridge", config, names))
    told.ask("not on all", lambda: lxd.create_network("br-two", "bridge", config, names[:2]))
    told.ask("networks", lambda: made(told))
    told.ask("half of it deleted", lambda: lxd.delete_network("br-two"))
    side.kill_daemon("c")
    config = {"ipv4.address": "10.78.0.1/24", "ipv6.address": "none"}
    told.ask("with one down", lambda: lxd.create_network("br-six", "bridge", config, names))
    told.ask("networks with one down", lambda: made(told))
    told.ask("a change", lambda: lxd.update_network("br-one", {"ipv4.nat": "true"}))
    told.ask("deleted with one down", lambda: lxd.delete_network("br-six"))
    told.ask("networks after that", lambda: made(told))
    side.start_daemon("c")
    side.wait(SOON)
    told.ask("deleted", lambda: lxd.delete_network("br-six"))
    told.ask("deleted twice", lambda: lxd.delete_network("br-six"))
    told.ask("networks at last", lambda: made(told))


def made(told: Transcript) -> str:
    """The networks and how far they are."""
    listed = sorted(told.side.lxd("a").networks(), key=lambda n: n.name)
    return ", ".join(f"{n.name} {n.status.lower()}" for n in listed)


def names_taken(told: Transcript) -> None:
    """A member's name is its own until it is gone."""
    side = told.side
    form(told, "a", "b", "c")
    side.power_off("b")
    side.wait(SOON)
    told.ask("a token for the dead one's name", lambda: bool(token(told, "a", "b")))
    told.ask("it is removed", lambda: side.lxd("a").remove_member(side.hostname("b")))
    told.ask("a token for its name then", lambda: bool(token(told, "a", "b")))
    side.power_on("b")
    side.wipe("b")
    told.ask("it joins, new", lambda: join(told, "b", token(told, "c", "b")))
    told.ask("members", lambda: statuses(side, "b"))


HISTORIES: dict[str, History] = {
    "forming": forming,
    "tokens": tokens,
    "not-pristine": not_pristine,
    "two-at-once": two_at_once,
    "half-a-join": half_a_join,
    "leaving": leaving,
    "leaving-and-back": leaving_and_back,
    "two-to-one": two_to_one,
    "leaving-with-data": leaving_with_data,
    "leaving-with-one-down": leaving_with_one_down,
    "evacuation": evacuation,
    "moving": moving,
    "evacuating-the-dead": evacuating_the_dead,
    "a-death": a_death,
    "removing-the-living": removing_the_living,
    "a-daemon-down": a_daemon_down,
    "joining-with-one-down": joining_with_one_down,
    "quorum": quorum,
    "recovery": recovery,
    "recovery-and-return": recovery_and_return,
    "recovery-among-the-living": recovery_among_the_living,
    "recovering-a-spare": recovering_a_spare,
    "partition": partition,
    "networks": networks,
    "names-taken": names_taken,
}
"""Every history by its name."""
