# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Storage pools: made in two phases, on all members or on none."""

from __future__ import annotations

from tests.conformance.answers import Transcript
from tests.conformance.side import MACHINES, POOL
from tests.conformance.steps import SOON, form

_SIZE = "user.lxd-cluster.size"


def pools(transcript: Transcript) -> None:
    """A pool needs every member: defined on each, made on all. With one down it is unfinished."""
    side = transcript.side
    form(transcript, "a", "b", "c")
    lxd = side.lxd("a")
    names = tuple(side.hostname(m) for m in MACHINES[:3])
    all_members = {name: dict[str, str]() for name in names}
    some = {name: dict[str, str]() for name in names[:2]}
    config = {_SIZE: "5GiB"}
    transcript.ask("a pool", lambda: lxd.pools.create("one", "dir", config, all_members))
    transcript.ask("the same again", lambda: lxd.pools.create("one", "dir", config, all_members))
    transcript.ask("not on all", lambda: lxd.pools.create("two", "dir", config, some))
    transcript.ask("pools", lambda: _made(transcript))
    transcript.ask("half of it deleted", lambda: lxd.pools.delete("two"))
    transcript.ask("a key", lambda: lxd.pools.update("one", {_SIZE: "6GiB"}))
    transcript.ask("deleted", lambda: lxd.pools.delete("one"))
    transcript.ask("deleted twice", lambda: lxd.pools.delete("one"))
    side.kill_daemon("c")
    transcript.ask("with one down", lambda: lxd.pools.create("six", "dir", config, all_members))
    transcript.ask("pools with one down", lambda: _made(transcript))
    transcript.ask("deleted with one down", lambda: lxd.pools.delete("six"))
    transcript.ask("pools after that", lambda: _made(transcript))
    side.start_daemon("c")
    side.wait(SOON)
    transcript.ask("deleted with all", lambda: lxd.pools.delete("six"))
    transcript.ask("pools at last", lambda: _made(transcript))


def another_default(transcript: Transcript) -> None:
    """The default profile changes to another pool once its instances name their own."""
    side = transcript.side
    form(transcript, "a", "b")
    lxd = side.lxd("a")
    members = {side.hostname(m): dict[str, str]() for m in MACHINES[:2]}

    def use(pool: str) -> None:
        profile = lxd.profiles.default()
        root = {"type": "disk", "path": "/", "pool": pool}
        lxd.profiles.set_default({**profile, "devices": {"root": root}})

    transcript.ask("the first pool", lambda: use(POOL))
    side.launch_by_profile("b", "c1")
    lxd.pools.create("other", "dir", {}, members)
    transcript.ask("the other pool", lambda: use("other"))
    transcript.ask("the instance stays", lambda: lxd.pools.pin_root_disks(POOL))
    transcript.ask("and again", lambda: lxd.pools.pin_root_disks(POOL))
    transcript.ask("the other pool then", lambda: use("other"))
    transcript.ask("who uses them", lambda: _used(transcript))
    transcript.ask("the first pool deleted", lambda: lxd.pools.delete(POOL))


def _made(transcript: Transcript) -> str:
    """The pools, their states and the charm's key."""
    listed = sorted(transcript.side.lxd("a").pools.list(), key=lambda p: p.name)
    return ", ".join(f"{p.name} {p.status.upper()} {p.config.get(_SIZE, '-')}" for p in listed)


def _used(transcript: Transcript) -> str:
    listed = sorted(transcript.side.lxd("a").pools.list(), key=lambda p: p.name)
    return ", ".join(f"{p.name} by {' '.join(sorted(p.used_by))}" for p in listed)
