# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Pools of a running cluster: added, exchanged, removed, while containers run on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jubilant
import pytest

from tests.integration.cluster import (
    eventually,
    hostname,
    lxc,
    make_disk,
    members,
    message,
    query,
    small_image,
    whole,
)
from tests.integration.conftest import APP, Files


@pytest.fixture(scope="module")
def source(juju: jubilant.Juju, deploy: Callable[..., None], files: Files) -> str:
    """An image on three members that have their pool in folders."""
    juju.model_config({"update-status-hook-interval": "10s"})
    deploy(3, storage_backend="dir")
    whole(juju, 3)
    return small_image(juju, files)


@pytest.fixture
def no_devices(juju: jubilant.Juju) -> Iterator[None]:
    """No more pools are wanted afterwards."""
    yield
    juju.config(APP, {"storage-pools": ""})


def root(juju: jubilant.Juju, unit: str) -> str:
    return query(juju, "/1.0/profiles/default", unit)["devices"]["root"]["pool"]


def pid(juju: jubilant.Juju, container: str) -> int:
    return query(juju, f"/1.0/instances/{container}/state")["pid"]


def pool_of(juju: jubilant.Juju, container: str) -> str:
    return query(juju, f"/1.0/instances/{container}")["expanded_devices"]["root"]["pool"]


def pools(juju: jubilant.Juju) -> dict[str, tuple[str, str]]:
    rows = query(juju, "/1.0/storage-pools?recursion=1")
    return {row["name"]: (row["driver"], row["status"]) for row in rows}


def keep_images(juju: jubilant.Juju, pool: str) -> None:
    """Ask for LXD's images on a pool, or on the root disks."""
    juju.config(APP, {"storage-images-volume": pool})


def images_on(juju: jubilant.Juju, pool: str) -> list[str]:
    """The members that have a volume for images on a pool."""
    volumes = query(juju, f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1")
    return sorted(volume["location"] for volume in volumes)


def test_the_default_pool_changes_while_containers_run_and_a_member_reboots(
    juju: jubilant.Juju, source: str
):
    names = sorted(members(juju))
    for number, member in enumerate(names):
        lxc(juju, f"launch -q {source} c{number} --target {member}")
    staying = [f"c{number}" for number in range(2)]
    before = [pid(juju, name) for name in staying]
    # One of the two that stay up has the model's first unit.
    by_name = {hostname(juju, unit): unit for unit in juju.status().apps[APP].units}
    rebooted = by_name[names[2]]
    asked = {"storage-backend": "btrfs", "storage-size": "1GiB"}
    task = juju.run(f"{APP}/leader", "plan", {"storage-backend": "btrfs"})
    assert f"create the btrfs pool local-btrfs on {', '.join(names)}" in task.results["plan"]

    juju.config(APP, asked)
    juju.ssh(rebooted, "sudo systemctl reboot --no-block || true")

    # The leader may be the one that reboots.
    eventually(lambda: root(juju, by_name[names[0]]) == "local-btrfs", 240)
    whole(juju, 3)
    assert [pid(juju, name) for name in staying] == before
    assert [pool_of(juju, f"c{number}") for number in range(3)] == ["local"] * 3
    lxc(juju, f"launch -q {source} new")
    assert pool_of(juju, "new") == "local-btrfs"


@pytest.mark.usefixtures("source")
def test_a_unit_that_joins_has_the_old_pool_and_the_new_one(juju: jubilant.Juju):
    juju.add_unit(APP)
    rows = whole(juju, 4)

    for name in ("local", "local-btrfs"):
        assert sorted(query(juju, f"/1.0/storage-pools/{name}")["locations"]) == sorted(rows)


@pytest.mark.usefixtures("source")
def test_the_old_pool_is_removed_once_it_holds_nothing(juju: jubilant.Juju):
    with pytest.raises(jubilant.TaskError, match="is in use"):
        juju.run(f"{APP}/leader", "remove-pool", {"name": "local"})
    for number in range(3):
        lxc(juju, f"delete --force c{number}")

    juju.run(f"{APP}/leader", "remove-pool", {"name": "local"})

    assert pools(juju) == {"local-btrfs": ("btrfs", "Created")}
    table = juju.run(f"{APP}/leader", "cluster-status").results["pools"]
    assert table.splitlines()[1].split() == ["local-btrfs", "btrfs", "Created", "default", "2"]


@pytest.mark.usefixtures("source", "no_devices")
def test_a_pool_waits_until_every_unit_has_a_device_for_it(juju: jubilant.Juju):
    units = sorted(juju.status().apps[APP].units)
    *first, last = units
    for unit in first:
        make_disk(juju, unit, "fast")

    juju.config(APP, {"storage-pools": "{fast: {backend: btrfs, devices: /dev/fast}}"})

    why = "blocked: /dev/fast for the pool fast: not on this machine"
    juju.wait(lambda s: message(s, last) == why, delay=0.5, successes=1)
    assert "fast" not in pools(juju)
    make_disk(juju, last, "fast")
    eventually(lambda: pools(juju).get("fast") == ("btrfs", "Created"), 90)
    whole(juju, len(units))


@pytest.mark.usefixtures("source")
def test_a_full_pool_is_its_instances_trouble_and_nobody_elses(juju: jubilant.Juju):
    fill = "dd if=/dev/zero of=/full bs=1M 2>/dev/null; sync; echo over"

    assert "over" in lxc(juju, f"exec new -- sh -c '{fill}'")

    whole(juju, len(juju.status().apps[APP].units))
    keep_images(juju, "local-btrfs")
    named = "blocked: could not keep LXD's images"
    juju.wait(
        lambda s: any(message(s, unit).startswith(named) for unit in s.apps[APP].units),
        delay=0.5,
        successes=1,
    )
    lxc(juju, "exec new -- sh -c ': > /full'")
    lxc(juju, "restart --force new")
    eventually(lambda: images_on(juju, "local-btrfs") == sorted(members(juju)), 90)
    keep_images(juju, "")
    eventually(lambda: images_on(juju, "local-btrfs") == [], 90)
    whole(juju, len(juju.status().apps[APP].units))


@pytest.mark.usefixtures("source")
def test_a_pool_that_was_deleted_by_hand_is_made_again(juju: jubilant.Juju):
    juju.config(APP, {"storage-pools": "more: dir"})
    eventually(lambda: "more" in pools(juju), 90)

    lxc(juju, "storage delete more")

    eventually(lambda: pools(juju).get("more") == ("dir", "Created"), 90)


def test_images_are_kept_on_a_pool_and_their_volumes_hold_no_unit_back(
    juju: jubilant.Juju, source: str
):
    names = sorted(members(juju))

    keep_images(juju, "more")

    eventually(lambda: images_on(juju, "more") == names, 90)
    lxc(juju, f"launch -q {source} from-volume")
    juju.remove_unit(max(juju.status().apps[APP].units))
    whole(juju, len(names) - 1)
    keep_images(juju, "")
    eventually(lambda: images_on(juju, "more") == [], 90)


@pytest.mark.usefixtures("no_devices")
def test_a_device_that_vanished_with_images_on_it_is_named_until_it_is_back(
    juju: jubilant.Juju, source: str
):
    units = sorted(juju.status().apps[APP].units)
    for unit in units:
        make_disk(juju, unit, "gone")
    juju.config(APP, {"storage-pools": "{gone: {backend: btrfs, devices: /dev/gone}}"})
    eventually(lambda: pools(juju).get("gone") == ("btrfs", "Created"), 90)
    keep_images(juju, "gone")
    eventually(lambda: images_on(juju, "gone") == sorted(members(juju)), 90)
    poor = units[0]

    shell(juju, poor, f"snap stop lxd; umount {FOLDER}/gone; {TAKE}; snap start lxd")

    juju.wait(
        lambda s: message(s, poor).startswith("blocked: LXD cannot start without gone/"),
        delay=0.5,
        successes=1,
        timeout=120,
    )
    shell(
        juju,
        poor,
        "ln -s $(losetup --find --show /var/tmp/gone) /dev/gone; snap start lxd",
    )
    whole(juju, len(units))
    # The others may not hear this member's events yet: there lxc would wait for ever (6.9).
    on_it = f"again --target {hostname(juju, poor)}"
    shell(juju, poor, f"/snap/bin/lxc launch -q {source} {on_it} && /snap/bin/lxc delete -f again")
    keep_images(juju, "")
    eventually(lambda: images_on(juju, "gone") == [], 90)


FOLDER = "/var/snap/lxd/common/lxd/storage-pools"
TAKE = "losetup --detach $(readlink /dev/gone) && rm /dev/gone"


def shell(juju: jubilant.Juju, unit: str, commands: str) -> None:
    """Runs shell commands as root on the unit's machine."""
    juju.ssh(unit, f'sudo sh -c "{commands}"'.replace("$", "\\$"))
