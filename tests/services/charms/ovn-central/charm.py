# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""OVN's databases, open to clients with a certificate of this unit's authority. For tests."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

HOME = Path("/var/lib/lab-ovn")
AUTHORITY = HOME / "switchca/cacert.pem"
BEGUN = HOME / "begun"
PACKAGES = ("ovn-central", "openvswitch-switch")
PKI = ("ovs-pki", f"--dir={HOME}", "--log=/var/log/lab-ovn.log", "--batch")


def run(*argv: str, stdin: str = "") -> str:
    """A program's output. It has two minutes."""
    done = subprocess.run(
        ["/usr/bin/env", *argv],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        # ovs-pki writes files for others into the current folder.
        cwd=HOME if HOME.exists() else "/",
    )
    if done.returncode:
        raise RuntimeError(f"{argv}: {done.stderr}")
    return done.stdout


def install() -> None:
    """Installs OVN's programs."""
    if not Path("/usr/bin/ovn-nbctl").exists():
        run("apt-get", "update")
        run("apt-get", "install", "--yes", *PACKAGES)


def begin() -> None:
    """The databases, in plain text for chassis, and for clients with certificates or without."""
    if not AUTHORITY.exists():
        run(*PKI, "init")
    key, certificate = signed("central")
    run("systemctl", "start", "ovn-central")
    patient("ovn-nbctl", "set-ssl", str(key), str(certificate), str(AUTHORITY))
    run("ovn-nbctl", "set-connection", "pssl:6641", "ptcp:16641")
    patient("ovn-sbctl", "set-connection", "ptcp:6642")
    BEGUN.touch()


def patient(*argv: str) -> None:
    """The same for a starting daemon: it has half a minute."""
    end = time.monotonic() + 30
    while True:
        try:
            run(*argv)
        except RuntimeError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return


def signed(name: str) -> tuple[Path, Path]:
    """A key and a certificate with that name, made if necessary."""
    key, certificate = HOME / f"{name}-privkey.pem", HOME / f"{name}-cert.pem"
    if not certificate.exists():
        run(*PKI, "req+sign", name, "switch")
    return key, certificate


def serve() -> None:
    """The data for clients of both relations."""
    # The charm ovn-central writes it as JSON.
    address = run("network-get", "ovsdb-cms", "--ingress-address").strip()
    databag = {"bound-address": json.dumps(address)}
    for relation in run("relation-ids", "ovsdb-cms").split():
        tell(relation, databag)
    for relation in run("relation-ids", "certificates").split():
        certify(relation)


def certify(relation: str) -> None:
    """A certificate for each unit that has asked for one."""
    databag = {"ca": AUTHORITY.read_text()}
    for unit in run("relation-list", "-r", relation).split():
        asked = json.loads(run("relation-get", "-r", relation, "-", unit, "--format", "json"))
        name = asked.get("unit_name")
        if name:
            key, certificate = signed(name)
            databag[f"{name}.server.key"] = key.read_text()
            databag[f"{name}.server.cert"] = certificate.read_text()
    tell(relation, databag)


def tell(relation: str, databag: dict[str, str]) -> None:
    """Publishes this."""
    run("relation-set", "-r", relation, "--file", "-", stdin=json.dumps(databag))


def main() -> None:
    """One hook."""
    hook = os.environ["JUJU_DISPATCH_PATH"].removeprefix("hooks/")
    if hook == "install":
        install()
    if hook == "start" and not BEGUN.exists():
        begin()
    if BEGUN.exists():
        serve()
        run("status-set", "active")


if __name__ == "__main__":
    main()
