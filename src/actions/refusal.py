"""The actions that change something: what each refuses, and what it does."""

from __future__ import annotations

import re
from collections.abc import Iterable

import leading
import leaving
import lost as losses
import nets
import pools
import quorum
import report
from hook_input import Juju
from lxd import urls
from observe import observe
from peers import AppData, UnitData
from plan import make_plan
from run import run
from silent import WITHOUT_DATABASE, Silence, Silent
from status import names
from steps import Plan
from view import Events, Lxd, View
from world import World

GONE = "yes-the-cluster-is-gone"
_NO_WORD = re.compile(r"[^A-Za-z0-9._-]+")
_NODE = re.compile(r"/dev/[\w/:.@%+=-]+", re.ASCII)
"""One device's path: no glob, which may name another one."""
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_YAML_WORDS = frozenset(["y", "yes", "n", "no", "on", "off", "true", "false", "null"])
"""What Juju's client takes for something else than text."""


class ActionRefused(Exception):  # noqa: N818 - it is the name of what happened
    """The action was not carried out, and why."""


def confirmation(verb: str, what: str) -> str:
    """What an operator types to say that it is really meant, such as `wipe-0123`.

    Juju's client rewrites what looks like a number (0123, 1e5) and parts words at some characters.
    """
    return f"{verb}-{_NO_WORD.sub('-', what).strip('-')}"


def cluster_status(view: View) -> dict[str, object]:
    """Tables of the cluster's members, pools and networks.

    The fingerprint is that of the certificate which a remote client is asked to accept.
    """
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, Lxd) or not lxd.server.clustered or peers is None:
        raise ActionRefused(_not_a_member(view, "cluster-status"))
    table = report.members_table(lxd, peers, view.unit)
    told: dict[str, object] = {
        "members": len(lxd.members),
        "fingerprint": lxd.server.fingerprint,
        "table": table,
    }
    if decided := peers.app.storage:
        known = lxd.pools or ()
        wanted = [pool.name for pool in pools.wanted(view, decided, known)]
        told["pools"] = report.pools_table(known, wanted, decided.pool)
    if lxd.networks is not None:
        asked = [net.name for net in nets.wanted(view, lxd.networks)]
        told["networks"] = report.networks_table(lxd.networks, asked, lxd.nic or {})
    return told


def _not_a_member(view: View, action: str) -> str:
    """Why an action that needs a member is refused, and where to run it."""
    others = view.peers.others.items() if view.peers else ()
    members = [unit for unit, data in others if data.cluster]
    member = min(members, key=leading.number, default="")
    where = f"; juju run {member} {action}" if member else ""
    return f"this unit is not a member that answers ({make_plan(view).status}){where}"


def _there(names_: Iterable[str], action: str) -> str:
    """What there is instead of what was named, as it is typed."""
    known = [f"{action} name={_quoted(name)}" for name in sorted(names_)]
    return f"type {' or '.join(known)}" if known else "there is nothing to name"


def _quoted(name: str) -> str:
    """A name as Juju's client takes it for text, and not for a number or a date."""
    plain = _PLAIN.fullmatch(name) and name.lower() not in _YAML_WORDS
    return name if plain else f"\"'{name}'\""


def forget_lost(view: View, world: World, name: str) -> str:
    """Clears the record of what went with a dead member, or of one thing of it."""
    if not isinstance(view.lxd, Lxd) or not view.lxd.server.clustered:
        raise ActionRefused(_not_a_member(view, f"forget-lost name={_quoted(name)}"))
    notes = view.lxd.notes
    record = losses.forgotten(notes, name)
    if not record:
        known = _there(losses.read(notes), "forget-lost")
        raise ActionRefused(f"{name} is not recorded as lost: {known}")
    world.lxd.notes.write(record)
    return f"{name} is acknowledged"


def retry_join(view: View, world: World) -> str:
    """Lets a unit whose joins failed try again."""
    if view.failures is None:
        raise ActionRefused(f"no join of this unit failed ({make_plan(view).status})")
    world.machine.forget_failures()
    return "joins are tried again"


def form_again(view: View, confirm: str) -> AppData:
    """What the leader has to write so that units without a cluster form a new one.

    Juju cannot tell a cluster that ended in order from one whose machine was taken away with all
    that was on it. So it is the operator who says that nothing of it is left.
    """
    peers = view.peers
    if not view.leader or peers is None:
        app = view.unit.partition("/")[0]
        raise ActionRefused(f"only the leader can: juju run {app}/leader form-again")
    if not peers.app.cluster or any(d.cluster for d in (peers.own, *peers.others.values())):
        raise ActionRefused("a unit is a member of the cluster, or there was none yet")
    if isinstance(view.lxd, Silent):
        raise ActionRefused(
            "LXD here does not answer, and may be a member: juju ssh "
            f"{view.unit} sudo snap restart --reload lxd"
        )
    if unsure := peers.unsure:
        raise ActionRefused(
            f"{names(unsure)} was joining when its LXD fell silent, and may be the last member: "
            f"bring its LXD back, or give it up: juju remove-unit --force {unsure[0]}"
        )
    if view.units is not None and view.units.leaving:
        raise ActionRefused(f"{names(view.units.leaving)} has not left yet, and may be a member")
    if confirm != GONE:
        raise ActionRefused(f"what the old cluster held is given up: repeat with confirm={GONE}")
    return leading.begun_again(peers)


def take_back(view: View, confirm: str) -> AppData:
    """What the leader has to write so that the application has the cluster that is here already.

    An earlier deployment of this charm made it, and left it on machines that stayed. Nothing tells
    a cluster of that kind from one of another application that lives: the operator does.
    """
    lxd, peers = view.lxd, view.peers
    if not view.leader or peers is None:
        app = view.unit.partition("/")[0]
        raise ActionRefused(f"only the leader can: juju run {app}/leader take-back")
    if not isinstance(lxd, Lxd) or not lxd.server.clustered or not lxd.identity:
        raise ActionRefused("LXD on the leader is in no cluster that this charm made")
    if peers.app.cluster or any(d.cluster for d in (peers.own, *peers.others.values())):
        raise ActionRefused("the application has a cluster: empty this LXD instead, see the docs")
    wanted = confirmation("take-back", lxd.identity[:8])
    if confirm != wanted:
        members = names(m.name for m in lxd.members)
        raise ActionRefused(f"it has the members {members}: repeat with confirm={wanted}")
    return AppData(bootstrap=view.unit, cluster=lxd.identity, queue=peers.app.queue)


def let_in(juju: Juju, world: World) -> Plan:
    """A unit that leaves as the only member makes a token for the next unit.

    Returns what it has to publish. Juju sends what an action wrote, also of a unit in error.
    """
    view = observe(juju, world, Events())
    leaves = view.units is not None and view.unit in view.units.leaving
    lxd = view.lxd
    if not leaves or not isinstance(lxd, Lxd) or not leaving.expected(view, lxd):
        raise ActionRefused("only the last member of a cluster has to, when it is to leave")
    plan = run(juju, world)
    if plan.own is None or plan.own.token is None:
        raise ActionRefused(f"no unit can join yet: {plan.status.message}")
    return plan


def wipe_device(world: World, device: str, confirm: str) -> str:
    """Wipes a block device that nothing uses, if the operator names what is on it."""
    if not _NODE.fullmatch(device) or ".." in device:
        raise ActionRefused(f"{device} is no path below /dev/, such as /dev/sdb")
    found = next(iter(world.machine.devices((device,))), None)
    if found is None:
        raise ActionRefused(f"{device} is no block device here: lsblk on this machine lists them")
    if found.use:
        raise ActionRefused(f"{device} {found.use}: nothing was wiped")
    if not found.holds:
        return f"{device} is empty already"
    known = [confirmation("wipe", identity) for identity in found.ids or (found.path,)]
    if confirm not in known:
        parts = "".join(f"; {part}" for part in found.partitions)
        raise ActionRefused(f"{device} holds {found.holds}{parts}: repeat with confirm={known[0]}")
    world.machine.wipe(device)
    return f"{device} held {found.holds} and is empty now"


def remove_pool(view: View, world: World, name: str) -> str:
    """Deletes a pool that nothing wants any more and that holds nothing but images."""
    lxd, peers = view.lxd, view.peers
    if not isinstance(lxd, Lxd) or not lxd.server.clustered or peers is None:
        raise ActionRefused(_not_a_member(view, f"remove-pool name={_quoted(name)}"))
    known = lxd.pools or ()
    pool = next((p for p in known if p.name == name), None)
    if pool is None:
        there = _there((p.name for p in known), "remove-pool")
        raise ActionRefused(f"there is no pool {name}: {there}")
    decided = peers.app.storage
    if decided is None or any(p.name == name for p in pools.wanted(view, decided, known)):
        raise ActionRefused(f"{name} is asked for: change storage-backend or storage-pools first")
    if down := [m.name for m in lxd.members if not m.up]:
        raise ActionRefused(f"all members must be up: {names(down)} is not: start its machine")
    if users := pool.users:
        listed = ", ".join(str(urls.read(user)) for user in users)
        raise ActionRefused(
            f"{name} is in use, and nothing was removed: {listed}; move or delete that first"
        )
    world.lxd.pools.delete(name)
    return f"the pool {name} is gone from all members"


def backup_database(world: World) -> str:
    """Copies LXD's database; returns the path of the copy. Raises ActionRefused, OSError."""
    try:
        return world.database.backup(world.clock())
    except FileNotFoundError as error:
        raise ActionRefused("LXD has no database on this machine yet: see juju status") from error


class OthersAsked(ActionRefused):
    """Other units have to answer first. `own` is what this one must publish, to ask them."""

    def __init__(self, reason: str, own: UnitData, lost: frozenset[str]) -> None:
        super().__init__(reason)
        self.own = own.model_copy(update={"lost": tuple(sorted(lost))})


def recover_quorum(view: View, world: World, lost: str, confirm: str) -> str:
    """Makes this member the only voter of its database; returns the path of the copy before.

    `lost` names voters that never come back, by unit, member or address, apart by commas. Raises
    ActionRefused, OSError, SubprocessError.
    """
    wanted = confirmation("recover", view.unit)
    if confirm != wanted:
        raise ActionRefused(f"this gives up all other voters: repeat with confirm={wanted}")
    peers = view.peers
    if not isinstance(view.lxd, Silent) or view.lxd.kind is Silence.REFUSED:
        raise ActionRefused("LXD answers: its database has its quorum")
    if view.lxd.kind not in WITHOUT_DATABASE or peers is None or not peers.own.cluster:
        raise ActionRefused(f"no quorum is missing here: {make_plan(view).status}")
    if view.database is None:
        raise ActionRefused(
            "who has the database cannot be read: juju ssh "
            f"{view.unit} sudo lxd cluster show says why"
        )
    named = frozenset(lost.replace(",", " ").split())
    if view.units is None and not named:
        raise ActionRefused("Juju does not say which units it has given up: add lost=UNIT,UNIT")
    found = quorum.recovery(view, peers, view.database, named)
    if found.problem:
        raise OthersAsked(found.problem, peers.own, found.lost)
    if alive := world.database.listening(found.lost):
        raise ActionRefused(
            f"{names(alive)} is said to be lost and takes connections: switch that machine off, or "
            "bring it back"
        )
    copy = world.database.backup(world.clock())
    world.database.recover()
    return copy
