# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Parts of pools that LXD cannot use: what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lxd.pools import PoolPart, PoolsApi
from observe import pool_parts
from ports.ports import Ports
from tests.unit.lxd_servers import faulty
from tests.unit.model_units import formed
from tests.unit.scenarios import api, server
from values.status import STATUS_LIMIT

DISK, UUID = "/dev/nvme1n1", "7d1a0c4e-0000-4000-8000-000000000001"
PART = PoolPart(driver="btrfs", available=True, given=DISK, source=UUID, device=DISK, dataset="")
ON_ZFS = replace(PART, driver="zfs", source="tank/lxd", dataset="tank/lxd")
BY_HAND = replace(ON_ZFS, device="", given="tank/lxd")
WITHOUT_DATASET = replace(ON_ZFS, dataset="")
ON_LVM = replace(PART, driver="lvm", source="tank")
BY_PATH = replace(PART, driver="lvm", source=DISK)

_PARTS = [
    (PART, "", None),
    (PART, UUID, f"its disk is gone (was {DISK})"),
    (replace(PART, available=False), UUID, f"its disk is gone (was {DISK})"),
    (replace(PART, available=False), "", f"LXD cannot mount it (was {DISK})"),
    (replace(ON_LVM, available=False), "", f"LXD cannot mount it (was {DISK})"),
    (ON_LVM, "tank", None),
    (BY_PATH, DISK, f"{DISK} is gone"),
    (ON_ZFS, "", None),
    (ON_ZFS, "tank", f"its zpool was exported (was {DISK})"),
    (BY_HAND, "tank", "its zpool was exported"),
    (WITHOUT_DATASET, "", None),
    (replace(ON_ZFS, available=False), "tank", f"LXD cannot mount it (was {DISK})"),
]


@pytest.mark.parametrize(("part", "missing", "why"), _PARTS)
def test_what_is_missing_is_named(
    part: PoolPart, missing: str, why: str | None, monkeypatch: pytest.MonkeyPatch
):
    ports = ports_of_m0(missing)

    def given(self: PoolsApi, pool: str, member: str) -> PoolPart:
        return part

    monkeypatch.setattr(PoolsApi, "part", given)

    found, sources = pool_parts.look(["fast"], "m0", ports)

    assert found.get("fast") == why
    assert sources == {"fast": part.given}
    assert len(f"pool fast is not here: {why}; bring it back") <= STATUS_LIMIT


def ports_of_m0(missing: str) -> Ports:
    """The ports of a member whose machine lacks a device, a file system or a zpool."""
    app = formed(2)
    app.units["lxd/0"].machine.missing_storage = {missing}
    return app.units["lxd/0"].ports


def test_a_pool_that_does_not_answer_does_not_mean_that_lxd_does_not():
    app = formed(2)
    api(app).pools.create("fast", "dir", {}, {"m0": {}, "m1": {}})
    faulty(server(app, "m0"), "GET /1.0/storage-pools/NAME", "timeout")

    found, _ = pool_parts.look(["fast"], "m0", app.units["lxd/0"].ports)

    assert found == {"fast": "it does not answer"}


def test_a_pool_that_was_deleted_a_moment_ago_is_left_out():
    assert pool_parts.look(["deleted"], "m0", formed(2).units["lxd/0"].ports) == ({}, {})
