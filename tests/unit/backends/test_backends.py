# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each backend's keys for LXD, and how the other packages tell the backends apart."""

from __future__ import annotations

import pytest

import backends
from host import capabilities
from options.options import Options, explain
from state.facts import Ceph
from tests.unit.findings import statuses
from tests.unit.model_units import formed
from tests.unit.scenarios import changed, the_cluster
from values.wanted_pool import WantedPool

Keys = dict[str, str]
USER = "lxd"
DEVICE = "/dev/sdb"
SIZED: Keys = {"size": "10GiB"}

KEYS: dict[str, tuple[Keys, Keys, Keys]] = {
    "btrfs": ({}, SIZED, {"source": "", **SIZED}),
    "ceph": (
        {
            "ceph.cluster_name": "lxd-cluster",
            "ceph.user.name": USER,
            "ceph.osd.pool_name": "lxd-fast",
        },
        {},
        {},
    ),
    "cephfs": (
        {"cephfs.cluster_name": "lxd-cluster", "cephfs.user.name": USER},
        {"source": "lxd-fast"},
        {},
    ),
    "dir": ({}, {}, {"source": ""}),
    "lvm": ({}, SIZED, {"source": "", **SIZED}),
    "zfs": ({}, SIZED, {"source": "", **SIZED}),
}
"""By backend: the keys that all members share, those of a part without a device, and those that a
joining member sends.
"""


TRAITS: dict[str, frozenset[str]] = {
    "btrfs": frozenset({"sized", "on_devices"}),
    "ceph": frozenset({"remote", "on_ceph", "mounts"}),
    "cephfs": frozenset({"remote", "on_ceph"}),
    "dir": frozenset(),
    "lvm": frozenset({"sized", "on_devices", "mounts"}),
    "zfs": frozenset({"sized", "on_devices", "mounts"}),
}
"""By backend: what is true of it. Data depend on it: the charm moves nothing out of a volume that
only LXD can mount, and copies nothing that all members reach.
"""


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
def test_what_is_true_of_a_backend(name: str):
    backend = backends.BACKENDS[name]
    traits = ("sized", "on_devices", "remote", "on_ceph", "mounts")

    assert {trait for trait in traits if getattr(backend, trait)} == TRAITS[name]


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
def test_the_keys_of_a_pool(name: str):
    pool = WantedPool("fast", name, size="10GiB", in_ceph="lxd-fast")
    backend = backends.BACKENDS[name]

    keys = (
        backend.shared(pool, USER, frozenset()),
        backend.part(pool, ""),
        backend.member_config(pool, ""),
    )

    assert keys == KEYS[name]


@pytest.mark.parametrize("name", [name for name, b in backends.BACKENDS.items() if b.on_devices])
def test_a_part_on_a_device_has_the_device_as_its_source(name: str):
    pool = WantedPool("fast", name, size="10GiB")

    assert backends.BACKENDS[name].part(pool, DEVICE) == {"source": DEVICE}


def _all(drivers: frozenset[str]) -> frozenset[str]:
    """The kernel can mount all of them."""
    return drivers


@pytest.mark.parametrize("name", sorted(backends.BACKENDS))
def test_all_members_have_a_pool_also_one_that_joins(name: str, monkeypatch: pytest.MonkeyPatch):
    driver = backends.BACKENDS[name].driver
    monkeypatch.setattr(capabilities, "usable", _all)
    app = formed(2)
    app.related["ceph"] = Ceph(USER, "AQDsecretkeyAA==", ("10.0.9.1",), granted=True)
    for unit in app.units.values():
        unit.server.drivers |= {driver}

    changed(app, storage_pools=f"{{fast: {{backend: {name}}}}}")
    app.add(2).server.drivers |= {driver}
    app.settle()

    pool = the_cluster(app).pools["fast"]
    assert (pool.driver, pool.status) == (driver, "Created")
    assert set(pool.members) == {"m0", "m1", "m2"}
    assert statuses(app)["app"] == "active: 3 members, 3 voters"


def test_a_pool_of_an_unknown_driver_is_not_local():
    assert [d for d in ("zfs", "ceph", "cephfs", "pure") if backends.is_local(d)] == ["zfs"]


@pytest.mark.parametrize("name", [name for name, b in backends.BACKENDS.items() if b.not_default])
def test_a_backend_that_cannot_be_the_default_one_says_why(name: str):
    with pytest.raises(ValueError, match=backends.BACKENDS[name].not_default) as refused:
        Options(storage_backend=name)

    assert explain(refused.value).startswith(f"storage-backend={name}: ")  # pyright: ignore[reportArgumentType]
