# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A Ceph of one machine, and its answers to clients. For tests: it has no copies of data."""

from __future__ import annotations

import json
import os
import subprocess
import time
import uuid
from pathlib import Path
from typing import Any

HOME = Path("/var/lib/lab-ceph")
CONF = HOME / "ceph.conf"
HERE = Path(__file__).parent
PACKAGES = ("ceph-mon", "ceph-mgr", "ceph-osd", "ceph-mds", "ceph-common")
FILES = "cephfs"
"""Its file system, for every client that asks for one."""
CLIENT_CAPS = ("mon", "allow r, profile rbd", "osd", "allow rwx")
"""The rights that the charm ceph-mon gives a client by default."""


def run(*argv: str, stdin: str = "") -> str:
    """A program's output. It has two minutes."""
    done = subprocess.run(
        ["/usr/bin/env", *argv],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{argv}: {done.stderr}")
    return done.stdout


def ceph(*argv: str, stdin: str = "") -> str:
    """The output of ceph(8)."""
    return run("ceph", "--conf", str(CONF), "--connect-timeout", "30", *argv, stdin=stdin)


def daemon(program: str, name: str) -> None:
    """Starts a daemon of Ceph that outlives this hook."""
    unit = f"--unit=lab-{program}"
    run("systemd-run", unit, program, "--conf", str(CONF), "--id", name, "--foreground")


def install() -> None:
    """Installs Ceph's programs."""
    if not Path("/usr/bin/ceph-osd").exists():
        run("apt-get", "update")
        run("apt-get", "install", "--yes", "--no-install-recommends", *PACKAGES)


def begin() -> None:
    """One monitor, one manager, one OSD."""
    for folder in ("mon", "mgr", "osd", "mds", "run"):
        (HOME / folder).mkdir(parents=True, exist_ok=True)
    fsid, address = str(uuid.uuid4()), run("network-get", "client", "--ingress-address").strip()
    text = (HERE / "ceph.conf").read_text()
    CONF.write_text(text.replace("@FSID@", fsid).replace("@ADDRESS@", address))
    admin, monitor = str(HOME / "admin.keyring"), str(HOME / "mon.keyring")
    everything = [word for what in ("mon", "osd", "mds", "mgr") for word in _all_of(what)]
    tool = ("ceph-authtool", "--create-keyring")
    run(*tool, monitor, "--gen-key", "-n", "mon.", *_all_of("mon"))
    run(*tool, admin, "--gen-key", "-n", "client.admin", *everything)
    run("ceph-authtool", monitor, "--import-keyring", admin)
    known = str(HOME / "monmap")
    run("monmaptool", "--create", "--add", "a", address, "--fsid", fsid, known)
    fresh = ("--mkfs", "--id", "a", "--monmap", known, "--keyring", monitor)
    run("ceph-mon", "--conf", str(CONF), *fresh)
    daemon("ceph-mon", "a")
    key = ceph("auth", "get-or-create", "mgr.x", "mon", "allow profile mgr", "osd", "allow *")
    (HOME / "mgr/keyring").write_text(key)
    daemon("ceph-mgr", "x")
    _begin_osd()


def _begin_osd() -> None:
    name, secret = str(uuid.uuid4()), run("ceph-authtool", "--gen-print-key").strip()
    ceph("osd", "new", name, "-i", "-", stdin=json.dumps({"cephx_secret": secret}))
    keyring = str(HOME / "osd/keyring")
    run("ceph-authtool", "--create-keyring", keyring, "--name", "osd.0", "--add-key", secret)
    run("ceph-osd", "--conf", str(CONF), "--id", "0", "--mkfs", "--osd-uuid", name)
    daemon("ceph-osd", "0")
    end = time.monotonic() + 60
    while "1 up" not in ceph("osd", "stat"):
        if time.monotonic() > end:
            raise RuntimeError("the OSD does not come up")
        time.sleep(0.5)


def _all_of(what: str) -> tuple[str, str, str]:
    return ("--cap", what, "allow *")


def answer(relation: str) -> None:
    """Does what the clients of a relation ask for, and reports it."""
    databag: dict[str, str] = {"auth": "cephx", "ceph-public-address": _address()}
    for unit in run("relation-list", "-r", relation).split():
        asked = _of(relation, unit)
        request: dict[str, Any] = json.loads(asked.get("broker_req") or "{}")
        if not request:
            continue
        caps = CLIENT_CAPS
        for operation in request["ops"]:
            if operation["op"] == "create-pool":
                _make_pool(operation["name"])
            elif operation["op"] == "set-key-permissions":
                caps = tuple(operation["permissions"])
                _make_file_system()
        app = asked["application-name"]
        ceph("auth", "get-or-create", f"client.{app}")
        ceph("auth", "caps", f"client.{app}", *caps)
        databag["key"] = ceph("auth", "print-key", f"client.{app}").strip()
        reply = {"exit-code": 0, "request-id": request["request-id"]}
        # As in the real charm: it sees another name for a unit of another model.
        name = asked.get("unit-name", unit)
        databag[f"broker-rsp-{name.replace('/', '-')}"] = json.dumps(reply)
    run("relation-set", "-r", relation, "--file", "-", stdin=json.dumps(databag))


def _address() -> str:
    return run("network-get", "client", "--ingress-address").strip()


def _of(relation: str, unit: str) -> dict[str, str]:
    return json.loads(run("relation-get", "-r", relation, "-", unit, "--format", "json"))


def _make_pool(name: str) -> None:
    if name not in ceph("osd", "pool", "ls").split():
        ceph("osd", "pool", "create", name)
        ceph("osd", "pool", "application", "enable", name, "rbd")


def _make_file_system() -> None:
    keyring = HOME / "mds/keyring"
    if keyring.exists():
        return
    for pool in (f"{FILES}-data", f"{FILES}-metadata"):
        ceph("osd", "pool", "create", pool)
    ceph("fs", "new", FILES, f"{FILES}-metadata", f"{FILES}-data")
    caps = ("mon", "profile mds", "mgr", "profile mds", "osd", "allow *", "mds", "allow *")
    keyring.write_text(ceph("auth", "get-or-create", "mds.f", *caps))
    daemon("ceph-mds", "f")


def main() -> None:
    """One hook."""
    hook = os.environ["JUJU_DISPATCH_PATH"].removeprefix("hooks/")
    if hook == "install":
        install()
    if hook == "start" and not CONF.exists():
        begin()
    if not CONF.exists():
        return
    for relation in run("relation-ids", "client").split():
        answer(relation)
    run("status-set", "active")


if __name__ == "__main__":
    main()
