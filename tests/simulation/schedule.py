# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The schedule of a seed: the number of units and all events, as data.

Everything is decided before anything runs, so that a failing history can run again with some of it
left out.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from typing import Any

from lab.model.rules import Rules

GENERATIONS = ("5.0", "5.21", "6.9")
RULES: tuple[Rules, ...] = ("3.6", "4.0")

ACTOR = "*"
"""The name of the unit that executes the step that an event waits for."""


@dataclass(frozen=True)
class Happening:
    """An event at a moment. Its kind gives `n`, `word` and `seconds` their meaning."""

    at: float
    """Seconds since the deployment, or since the step that it waits for."""
    kind: str
    unit: int = 0
    """Selects one of the units that exist then."""
    n: int = 0
    word: str = ""
    seconds: float = 0.0
    on: str = ""
    """The kind of step that it waits for: it happens while some unit executes that step."""
    nth: int = 0
    """The number of that step among such steps of all units."""
    name: str = ""
    """Selects the unit of that name; `ACTOR` means the unit that executes the step."""

    def __str__(self) -> str:
        rest = {k: v for k, v in asdict(self).items() if k not in ("at", "kind") and v}
        words = " ".join(f"{k}={v:.4g}" if k == "seconds" else f"{k}={v}" for k, v in rest.items())
        return f"{self.kind} {words}".strip()


@dataclass(frozen=True)
class Schedule:
    """The world of one seed."""

    seed: int
    units: int
    seconds: float
    """How long there are faults and commands. Then the operator brings everything to its end."""
    slowness: float
    """Seconds that a step takes in addition to the model's, on average."""
    zones: int
    keep_machines: bool
    """Machines of units that were removed by force keep running with their LXD."""
    lost_departures: bool
    late_departures: bool
    """The others hear of a leaver when it is gone, if ever: see `lab.model.faults.Faults`."""
    departures_never_told: bool
    removes_application: bool
    """At the end the operator removes the application."""
    storage_backend: str
    through_ops: bool
    generation: str
    """The generation of snapd's LXD: 5.0, 5.21 or 6.9."""
    juju: Rules
    """The version of Juju's rules."""
    happenings: tuple[Happening, ...]
    unheard_leavers: bool = False
    """On 4.0, too, the others do not hear what a leaving unit writes."""


def _call(random: Random, _: float) -> dict[str, Any]:
    return {"n": random.randrange(12), "word": random.choice(["refuse", "timeout", "lost", "lost"])}


def _kill(random: Random, _: float) -> dict[str, Any]:
    return {"n": random.choice([0, 1, 2, 3, 5, 8, 12, 20, 30])}


def _commit(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["before", "lost", "after"])}


def _while(low: float, high: float) -> Any:
    def draw(random: Random, _: float) -> dict[str, Any]:
        return {"seconds": low * (high / low) ** random.random()}

    return draw


def _pair(random: Random, _: float) -> dict[str, Any]:
    return {"n": random.randrange(6), "seconds": 5 * 60 ** random.random()}


def _nothing(_: Random, __: float) -> dict[str, Any]:
    return {}


def _skew(random: Random, _: float) -> dict[str, Any]:
    return {"seconds": random.choice([-3600.0, -60.0, 60.0, 900.0, 3600.0, 86400.0])}


def _rename(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["new", "new", "taken"]), "n": random.randrange(6)}


FAULTS: dict[str, tuple[int, Any]] = {
    "kill-hook": (24, _kill),
    "kill-commit": (12, _commit),
    "call": (22, _call),
    "many-calls": (4, _while(5, 120)),
    "kill-daemon": (6, _while(0.5, 60)),
    "freeze-daemon": (5, _while(2, 300)),
    "reboot": (5, _while(10, 120)),
    "power-off": (5, _while(20, 900)),
    "destroy": (3, _while(5, 600)),
    "cut-pair": (4, _pair),
    "isolate": (4, _while(5, 400)),
    "cut-controller": (5, _while(5, 400)),
    "lead": (9, _nothing),
    "slow": (5, _while(5, 120)),
    "clock": (1, _skew),
    "rename": (2, _rename),
    "address": (2, _while(5, 600)),
    "quiet-leader": (0, _nothing),
}
"""By kind: how often, and how to choose its values. Those with 0 are chosen elsewhere."""

_GOOD = ("offline-threshold=30", "replicas=2", "nat=false", "mode=none", "mode=bridge")
_BAD = ("storage-backend=zsf", "threshold=3", "ipv4=banana", "storage-size=1")
_STORAGE = (
    *("backend=auto", "backend=btrfs", "backend=dir", "backend=btrfs", "backend=dir"),
    *("pool=other", "pool=local", "fast", "quick", "quick", "devices"),
)
_BAD_STORAGE = ("pools=[", "device=none")
_NETWORKS = (
    *(
        "macvlan",
        "macvlan",
        "mode=bridge",
        "lan",
        "lan",
        "parent=eth0",
        "name=br7",
        "name=lxdbr0",
        "subnet",
    ),
    *("fast", "images", "no images"),
)
_BAD_NETWORKS = ("parent=none", "networks=[")


def _good(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(_GOOD)}


def _bad(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(_BAD), "seconds": 10 * 60 ** random.random()}


def _action(random: Random, _: float) -> dict[str, Any]:
    actions = ["plan", "cluster-status", "backup-database", "retry-join"]
    return {"word": random.choice(actions)}


def _launch(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["auto", "auto", "auto", "stop", "migrate"])}


def _on_remove(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["evacuate", "evacuate", "refuse", "abandon"])}


COMMANDS: dict[str, tuple[int, Any]] = {
    "add-unit": (18, _nothing),
    "remove-unit": (18, _nothing),
    "force-remove": (5, _while(0.1, 300)),
    "config": (8, _good),
    "bad-config": (4, _bad),
    "on-remove": (4, _on_remove),
    "resolved": (6, _nothing),
    "action": (8, _action),
    "launch": (30, _launch),
    "volume": (6, _nothing),
    "delete-instance": (3, _nothing),
    "evacuate": (2, _nothing),
    "remove-dead-member": (2, _nothing),
}


def _storage(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(_STORAGE)}


def _bad_storage(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(_BAD_STORAGE), "seconds": 10 * 60 ** random.random()}


def _network(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(_NETWORKS)}


def _bad_network(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(_BAD_NETWORKS), "seconds": 10 * 60 ** random.random()}


STORAGE: dict[str, tuple[int, Any]] = {
    "config": (12, _storage),
    "bad-config": (2, _bad_storage),
    "delete-pool": (2, _nothing),
    "launch": (6, _launch),
}
"""Commands for seeds where the operator changes storage."""
NETWORKS: dict[str, tuple[int, Any]] = {
    "config": (12, _network),
    "bad-config": (2, _bad_network),
    "launch": (8, _launch),
}
"""The same for networks."""


def _thing(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["gpu", "proxy", "ephemeral", "bucket", "image", "image"])}


HANDS: dict[str, tuple[int, Any]] = {
    "thing": (20, _thing),
    "rename-member": (4, _nothing),
    "update-certificate": (4, _nothing),
    "healing": (2, _nothing),
    "snap-restart": (2, _nothing),
    "evacuate-off": (3, _while(20, 900)),
    "join-by-hand": (3, _while(60, 600)),
    "bootstrap-by-hand": (3, _nothing),
    "recover-quorum": (3, _nothing),
}
"""What operators do without the charm, in some seeds."""


def _launch_in_ceph(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["", "", "true", "false"])}


SHARED: dict[str, tuple[int, Any]] = {"launch-in-ceph": (1, _launch_in_ceph)}
"""What operators do in seeds with a Ceph."""
DYING: dict[str, tuple[int, Any]] = {
    "isolate": (6, _while(20, 900)),
    "power-off": (3, _while(20, 900)),
    "destroy": (2, _while(5, 600)),
    "kill-daemon": (2, _while(5, 300)),
    "force-remove": (6, _while(0.1, 300)),
    "remove-unit": (4, _nothing),
    "add-unit": (4, _nothing),
    "kill-hook": (6, _kill),
    "reboot": (4, _while(10, 120)),
}
"""The faults at that time."""
LEAVING: dict[str, tuple[int, Any]] = {
    "add-unit": (4, _nothing),
    "remove-unit": (8, _nothing),
    "on-remove": (4, _on_remove),
    "force-remove": (2, _while(0.1, 300)),
    "destroy": (1, _while(5, 600)),
    "isolate": (3, _while(5, 400)),
}
"""The faults at that time."""


def _attached(random: Random, _: float) -> dict[str, Any]:
    return {"word": random.choice(["next", "next", "next", "last", "rebuilt", "older"])}


EXCHANGES: dict[str, tuple[int, Any]] = {"attach": (4, _attached), "refresh": (1, _while(1, 300))}
"""How operators give the members another LXD, in some seeds."""
EXCHANGING: dict[str, tuple[int, Any]] = {
    "kill-hook": (8, _kill),
    "kill-daemon": (4, _while(0.5, 60)),
    "reboot": (4, _while(10, 120)),
    "power-off": (4, _while(20, 900)),
    "destroy": (1, _while(5, 600)),
    "isolate": (3, _while(5, 400)),
    "lead": (4, _nothing),
    "call": (6, _call),
    "add-unit": (6, _nothing),
    "remove-unit": (6, _nothing),
    "force-remove": (2, _while(0.1, 300)),
    "attach": (2, _attached),
}
"""The faults at that time."""


STEPS: dict[str, int] = {
    "Join": 10,
    "MakeToken": 5,
    "EnableCluster": 3,
    "CancelToken": 2,
    "ResetLxd": 2,
    "InstallSnap": 1,
    "MoveInstance": 4,
    "AwaitEvacuation": 1,
    "LeaveCluster": 5,
    "AwaitLeave": 2,
    "RemoveMember": 3,
    "AbandonMember": 1,
    "CreateNetwork": 2,
    "SetServerConfig": 2,
}
"""The steps in which events happen, and how often each is chosen."""
STORAGE_STEPS = {"CreatePool": 12, "PinRootDisks": 3, "SetDefaultProfile": 4, "Join": 6}
"""The same in seeds with storage."""
NETWORK_STEPS = {"CreateNetwork": 12, "PinNics": 4, "SetDefaultProfile": 6, "Join": 6}
"""The same in seeds with networks."""


SHARED_STEPS = {
    "MoveOffDead": 8,
    "KeepStopped": 4,
    "MoveInstance": 4,
    "RemoveMember": 4,
    "RestoreAutostart": 2,
    "WriteNotes": 2,
}
"""The same in seeds with a Ceph."""
EXCHANGE_STEPS = {
    "InstallSnapFile": 10,
    "BackupDatabase": 6,
    "InstallSnap": 2,
    "Join": 3,
    "LeaveCluster": 3,
    "RemoveMember": 1,
}
"""The same in seeds where the members get another LXD."""
HANDS_STEPS = {"Join": 4, "MoveInstance": 3, "LeaveCluster": 3, "SetJoinLock": 2}
"""The same in seeds where the operator acts without the charm."""
