# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage pools: made in two phases, on all members or on none."""

from __future__ import annotations

from tests.conformance.answers import Transcript
from tests.conformance.deeds import SOON, form
from tests.conformance.side import MACHINES, POOL

_SIZE = "user.lxd-cluster.size"


def pools(told: Transcript) -> None:
    """A pool needs every member: defined on each, made on all. With one down it is unfinished."""
    side = told.side
    form(told, "a", "b", "c")
    lxd = side.lxd("a")
    names = tuple(side.hostname(m) for m in MACHINES[:3])
    all_members = {name: dict[str, str]() for name in names}
    some = {name: dict[str, str]() for name in names[:2]}
    config = {_SIZE: "5GiB"}
    told.ask("a pool", lambda: lxd.pools.create("one", "dir", config, all_members))
    told.ask("the same again", lambda: lxd.pools.create("one", "dir", config, all_members))
    told.ask("not on all", lambda: lxd.pools.create("two", "dir", config, some))
    told.ask("pools", lambda: _made(told))
    told.ask("half of it deleted", lambda: lxd.pools.delete("two"))
    told.ask("a key", lambda: lxd.pools.update("one", {_SIZE: "6GiB"}))
    told.ask("deleted", lambda: lxd.pools.delete("one"))
    told.ask("deleted twice", lambda: lxd.pools.delete("one"))
    side.kill_daemon("c")
    told.ask("with one down", lambda: lxd.pools.create("six", "dir", config, all_members))
    told.ask("pools with one down", lambda: _made(told))
    told.ask("deleted with one down", lambda: lxd.pools.delete("six"))
    told.ask("pools after that", lambda: _made(told))
    side.start_daemon("c")
    side.wait(SOON)
    told.ask("deleted with all", lambda: lxd.pools.delete("six"))
    told.ask("pools at last", lambda: _made(told))


def another_default(told: Transcript) -> None:
    """The default profile changes to another pool once its instances name their own."""
    side = told.side
    form(told, "a", "b")
    lxd = side.lxd("a")
    members = {side.hostname(m): dict[str, str]() for m in MACHINES[:2]}

    def use(pool: str) -> None:
        profile = lxd.profiles.default()
        root = {"type": "disk", "path": "/", "pool": pool}
        lxd.profiles.set_default({**profile, "devices": {"root": root}})

    told.ask("the first pool", lambda: use(POOL))
    side.launch_by_profile("b", "c1")
    lxd.pools.create("other", "dir", {}, members)
    told.ask("the other pool", lambda: use("other"))
    told.ask("the instance stays", lambda: lxd.pools.pin_root_disks(POOL))
    told.ask("and again", lambda: lxd.pools.pin_root_disks(POOL))
    told.ask("the other pool then", lambda: use("other"))
    told.ask("who uses them", lambda: _used(told))
    told.ask("the first pool deleted", lambda: lxd.pools.delete(POOL))


def _made(told: Transcript) -> str:
    """The pools, their states and the charm's key."""
    listed = sorted(told.side.lxd("a").pools.list(), key=lambda p: p.name)
    return ", ".join(f"{p.name} {p.status.upper()} {p.config.get(_SIZE, '-')}" for p in listed)


def _used(told: Transcript) -> str:
    listed = sorted(told.side.lxd("a").pools.list(), key=lambda p: p.name)
    return ", ".join(f"{p.name} by {' '.join(sorted(p.used_by))}" for p in listed)
