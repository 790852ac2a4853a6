# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A member's copy of the database is damaged, and the other members have theirs."""

from __future__ import annotations

import pytest

from deadlines import UNRESPONSIVE
from host import raft_log
from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, until
from tests.bench.units import BenchApp

BLOCKED = "blocked: LXD's copy of the database here is damaged; docs: How to recover"


@pytest.mark.long
def test_a_damaged_copy_is_named_and_made_again_from_the_others(trio: BenchApp):
    """The cure is that of docs/how-to/recover.md."""
    launch(trio, "c1", "m1")
    node = trio.units["lxd/1"].node
    copy = node.lxd_dir / "database" / "global"
    before = raft_log.last_entry(copy)
    node.kill_daemon()
    # What dqlite has not written itself, and does not mend: entries are missing before these.
    (copy / "0000000099999990-0000000099999999").write_bytes(bytes(4096))
    node.start_daemon()

    until(trio, lambda: str(trio.hook("lxd/1").status) == BLOCKED, UNRESPONSIVE + 60, ("lxd/1",))
    node.kill_daemon()
    copy.rename(copy.with_name("global.damaged"))
    node.start_daemon()
    until(trio, lambda: all_active(trio), 120)

    assert raft_log.last_entry(copy).index >= before.index
    assert all_run(trio, "c1") == {"c1": "m1"}
    trio.units["lxd/2"].node.kill_daemon()
    assert {m.name for m in trio.units["lxd/1"].lxd.members.list()} == {"m0", "m1", "m2"}
