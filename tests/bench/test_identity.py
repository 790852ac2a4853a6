# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The cluster stays the same after any change of its certificate and names by an operator."""

from __future__ import annotations

import pytest

from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, leave, until
from tests.bench.operator import change_certificate, rename, replace_certificate
from tests.bench.units import BenchApp


@pytest.mark.long
def test_the_certificate_changes_and_members_join_and_leave(trio: BenchApp):
    before = trio.app().cluster
    old = trio.own("lxd/0").fingerprint
    change_certificate(trio.units["lxd/1"])
    until(trio, lambda: _fingerprints(trio) != {old} and len(_fingerprints(trio)) == 1, 60)
    trio.add(3)
    until(trio, lambda: all_active(trio), 120)
    launch(trio, "c1", "m1")
    assert leave(trio, "lxd/1")["lxd/1"].holds == []
    assert all_run(trio, "c1")["c1"] in {"m0", "m2", "m3"}
    assert {trio.own(unit).cluster for unit in trio.units} == {before}


@pytest.mark.long
def test_a_member_is_renamed_and_members_join_and_leave(trio: BenchApp):
    rename(trio.units["lxd/0"], "m1", "rack1")
    until(trio, lambda: trio.own("lxd/1").name == "rack1", 60)
    assert all_active(trio)
    trio.add(3)
    until(trio, lambda: all_active(trio), 120)
    launch(trio, "c1", "rack1")
    assert leave(trio, "lxd/1")["lxd/1"].holds == []
    assert all_run(trio, "c1")["c1"] in {"m0", "m2", "m3"}
    assert [m.name for m in trio.units["lxd/0"].lxd.members.list()] == ["m0", "m2", "m3"]


@pytest.mark.long
def test_a_certificate_is_replaced_in_the_folders_of_all_members(trio: BenchApp):
    """LXD issue 16690: no request can change an expired one."""
    (old,) = _fingerprints(trio)
    replace_certificate(trio.units.values())
    until(trio, lambda: len(_fingerprints(trio) - {old}) == 1 and all_active(trio), 120)
    assert old not in _fingerprints(trio)


def _fingerprints(app: BenchApp) -> set[str]:
    return {app.own(unit).fingerprint for unit in app.units}
