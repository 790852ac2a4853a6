# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The lower limit for comparison: a bare script makes a cluster from the same machines."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import yaml

from lab.machines.layers import Image
from lab.machines.nspawn_machine import Machine

TIMEOUT = 300.0


def form(home: Path, image: Image, count: int) -> float:
    """Seconds from booted machines to a cluster of `count` members, snaps installed."""
    machines = [Machine(home, number, image) for number in range(count)]
    try:
        with ThreadPoolExecutor() as pool:
            list(pool.map(_boot, machines))
            began = time.monotonic()
            list(pool.map(partial(_install, image.lxd_snap()), machines))
        first, *rest = machines
        _init(first, _bootstrap(first))
        issuer = first
        for machine in rest:
            token = _run(issuer, "lxc", "cluster", "add", machine.hostname).splitlines()[-1]
            _init(machine, _join(machine, token))
            issuer = machine
        seconds = time.monotonic() - began
        listed = _run(first, "lxc", "cluster", "list", "--format", "csv")
        online = sum("Fully operational" in line for line in listed.splitlines())
        assert online == count, listed
        return seconds
    finally:
        for machine in machines:
            machine.destroy()


def _boot(machine: Machine) -> None:
    machine.start()
    machine.wait_booted(60)


def _install(snap: Path, machine: Machine) -> None:
    inside = machine.root / "var/tmp/lxd.snap"
    inside.write_bytes(snap.read_bytes())
    _run(machine, "snap", "install", "--dangerous", "--classic", "/var/tmp/lxd.snap")
    _run(machine, "snap", "alias", "lxd.lxc", "lxc")
    _run(machine, "snap", "run", "lxd", "waitready", "--timeout", "60")


def _address(machine: Machine) -> str:
    return next(a.split("/")[0] for a in machine.addresses()["eth0"] if ":" not in a)


def _bootstrap(machine: Machine) -> object:
    devices = {
        "root": {"path": "/", "pool": "local", "type": "disk"},
        "eth0": {"name": "eth0", "network": "lxdbr0", "type": "nic"},
    }
    return {
        "config": {"core.https_address": f"{_address(machine)}:8443"},
        "storage_pools": [{"name": "local", "driver": "btrfs"}],
        "networks": [{"name": "lxdbr0", "type": "bridge"}],
        "profiles": [{"name": "default", "devices": devices}],
        "cluster": {"server_name": machine.hostname, "enabled": True},
    }


def _join(machine: Machine, token: str) -> object:
    source = {"entity": "storage-pool", "name": "local", "key": "source", "value": ""}
    cluster = {
        "enabled": True,
        "server_name": machine.hostname,
        "server_address": f"{_address(machine)}:8443",
        "cluster_token": token,
        "member_config": [source],
    }
    return {"cluster": cluster}


def _init(machine: Machine, preseed: object) -> None:
    preseed_yaml = yaml.safe_dump(preseed)
    done = machine.run(
        ["snap", "run", "lxd", "init", "--preseed"], stdin=preseed_yaml, timeout=TIMEOUT
    )
    assert done.returncode == 0, done


def _run(machine: Machine, *command: str) -> str:
    done = machine.run(list(command), timeout=TIMEOUT)
    assert done.returncode == 0, done
    return done.stdout
