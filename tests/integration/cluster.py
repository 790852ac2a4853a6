# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Operations and questions about a cluster, in an operator's words."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import jubilant
import pytest

from tests.integration.conftest import APP, WAIT, Files


def lxc(juju: jubilant.Juju, command: str, unit: str = f"{APP}/leader") -> str:
    """Runs `lxc` on a unit's machine."""
    return juju.ssh(unit, f"sudo /snap/bin/lxc {command}")


def small_image(juju: jubilant.Juju, files: Files) -> str:
    """The source for `lxc launch`: an image of the machines' own if there is one."""
    if files.container is None:
        return "ubuntu:24.04"
    juju.scp(str(files.container), f"{APP}/leader:/var/tmp/container.tar.gz")
    lxc(juju, "image import /var/tmp/container.tar.gz --alias small")
    return "small"


def query(juju: jubilant.Juju, path: str, unit: str = f"{APP}/leader") -> Any:
    """The answer of LXD's API on a unit's machine."""
    return json.loads(lxc(juju, f"query {path}", unit))


def members(juju: jubilant.Juju, unit: str = f"{APP}/leader") -> dict[str, dict[str, Any]]:
    """The cluster's members by name, as one unit's LXD sees them."""
    rows = query(juju, "/1.0/cluster/members?recursion=1", unit)
    return {row["server_name"]: row for row in rows}


def whole(juju: jubilant.Juju, units: int, seconds: float = WAIT) -> dict[str, dict[str, Any]]:
    """Waits until that many units are active members of one cluster; fails after `seconds`."""

    def ready(status: jubilant.Status) -> bool:
        app = status.apps[APP]
        return (
            len(app.units) == units
            and jubilant.all_active(status, APP)
            and jubilant.all_agents_idle(status, APP)
        )

    juju.wait(ready, timeout=seconds, delay=1.0, successes=1)
    names = list(juju.status().apps[APP].units)
    # After a reboot Juju notices it a moment later than the machine.
    eventually(lambda: _agree(juju, names), seconds)
    return members(juju, names[0])


def _agree(juju: jubilant.Juju, units: list[str]) -> bool:
    seen = [members(juju, unit) for unit in units]
    online = all(row["status"] == "Online" for rows in seen for row in rows.values())
    return online and all(set(rows) == set(seen[0]) and len(rows) == len(units) for rows in seen)


def eventually(question: Callable[[], bool], seconds: float = 60.0) -> None:
    """Returns once the answer is yes, fails after `seconds`.

    A command that fails is a no: LXD makes an interface again with each change of its network, and
    nothing answers while a daemon starts.
    """
    end = time.monotonic() + seconds
    while True:
        failure = ""
        try:
            if question():
                return
        except jubilant.CLIError as error:
            failure = f": {error.stderr}"
        assert time.monotonic() < end, f"not within {seconds} s{failure}"
        time.sleep(0.5)


def message(status: jubilant.Status, unit: str) -> str:
    """A unit's workload status with its message, as `juju status` shows them."""
    shown = status.apps[APP].units[unit].workload_status
    return f"{shown.current}: {shown.message}"


def hostname(juju: jubilant.Juju, unit: str) -> str:
    """The name of a unit's machine and of its member: a cloud may number machines differently."""
    return juju.ssh(unit, "hostname").strip().partition(".")[0]


def gone(juju: jubilant.Juju, unit: str) -> None:
    """Waits until Juju no longer has the unit."""
    juju.wait(lambda s: unit not in s.apps[APP].units, timeout=WAIT, delay=0.5, successes=1)


def resolve(juju: jubilant.Juju, unit: str) -> None:
    """Lets Juju try a failed hook again. It refuses if it tries at this moment."""

    def accepted() -> bool:
        try:
            juju.cli("resolved", unit)
        except jubilant.CLIError:
            return unit not in juju.status().apps[APP].units
        return True

    eventually(accepted)


def removed(juju: jubilant.Juju) -> None:
    """Removes the application with all that it holds, and its machines.

    After a removal by force Juju would leave the machines running.
    """
    juju.config(APP, {"on-remove": "abandon"})
    juju.remove_application(APP, destroy_storage=True)
    juju.wait(lambda status: APP not in status.apps, timeout=WAIT, delay=0.5, successes=1)


def formed_again_if_asked(juju: jubilant.Juju) -> None:
    """Waits for units that lost their bootstrap unit. If they ask for it, they form it again.

    A bootstrap unit that had published its cluster takes it along: only the operator knows that it
    is not needed.
    """

    def asked(status: jubilant.Status) -> bool:
        return "run form-again" in status.apps[APP].app_status.message

    status = juju.wait(lambda s: asked(s) or jubilant.all_active(s, APP), delay=0.5, successes=3)
    if not asked(status):
        return
    with pytest.raises(jubilant.TaskError) as refused:
        juju.run(f"{APP}/leader", "form-again")
    _, _, confirm = refused.value.task.message.partition("confirm=")
    juju.run(f"{APP}/leader", "form-again", {"confirm": confirm.strip()})


def voters(rows: Mapping[str, Any]) -> list[str]:
    """The voters among members by name. LXD 6.x has another name for each such role."""
    votes = {"database", "database-voter", "database-leader"}
    return [name for name, row in rows.items() if votes & set(row["roles"])]


def address(juju: jubilant.Juju, instance: str) -> str:
    """An instance's IPv4 address on its network, empty while it has none."""
    state = query(juju, f"/1.0/instances/{instance}/state")
    nics: dict[str, Any] = state["network"] or {}
    found: list[dict[str, str]] = nics["eth0"]["addresses"] if "eth0" in nics else []
    return next((a["address"] for a in found if a["family"] == "inet"), "")


def reaches(juju: jubilant.Juju, container: str, target: str) -> bool:
    """Whether a container gets an answer to each packet that it sends."""
    said = lxc(juju, f"exec {container} -- sh -c 'ping -c 2 -W 2 {target} || true'")
    return " 0% packet loss" in said


def make_disk(juju: jubilant.Juju, unit: str, name: str) -> None:
    """A disk of 1 GiB with the name `name`, on the unit's machine only."""
    commands = (
        f"truncate -s 1G /var/tmp/{name} && "
        f"ln -s $(losetup --find --show /var/tmp/{name}) /dev/{name}"
    )
    juju.ssh(unit, f'sudo sh -c "{commands}"'.replace("$", "\\$"))


def make_partition(juju: jubilant.Juju, unit: str, name: str) -> None:
    """Give that disk a partition table and a partition with a btrfs, as an old system would leave
    it.
    """
    commands = (
        f"disk=$(realpath /dev/{name}) && part=${{disk}}p1 && "
        "echo type=linux | sfdisk --quiet --no-reread --label gpt $disk && partx --add $disk && "
        "number=$(tr : ' ' < /sys/class/block/$(basename $part)/dev) && "
        "{ test -b $part || mknod $part b $number; } && "
        "mkfs.btrfs --quiet $part"
    )
    juju.ssh(unit, f'sudo sh -c "{commands}"'.replace("$", "\\$"))
