# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An operator's changes to a cluster without Juju: with `lxc`, which calls LXD's API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lxd.client import Client
from lxd.socket import LxdSocket
from tests.bench.units import BenchUnit


def request(unit: BenchUnit, method: str, path: str, body: object) -> None:
    """Sends a change through a unit's LXD and waits for its end."""
    Client(LxdSocket(str(unit.node.socket))).change(method, path, body, seconds=120)


def evacuate(unit: BenchUnit, member: str) -> None:
    """The request of `lxc cluster evacuate`."""
    request(unit, "POST", f"/1.0/cluster/members/{member}/state", {"action": "evacuate"})


def rename(unit: BenchUnit, member: str, name: str) -> None:
    """The request of `lxc cluster rename`."""
    request(unit, "POST", f"/1.0/cluster/members/{member}", {"server_name": name})


def change_certificate(unit: BenchUnit) -> None:
    """The request of `lxc cluster update-certificate`."""
    certificate, key = _self_signed()
    body = {"cluster_certificate": certificate, "cluster_certificate_key": key}
    request(unit, "PUT", "/1.0/cluster/certificate", body)


def replace_certificate(units: Iterable[BenchUnit]) -> None:
    """Puts another certificate into the folders of all, and starts their daemons again with it."""
    certificate, key = _self_signed()
    for unit in units:
        (unit.node.lxd_dir / "cluster.crt").write_text(certificate)
        (unit.node.lxd_dir / "cluster.key").write_text(key)
        unit.node.crash_daemon()
        unit.node.start_daemon()


def _self_signed() -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=100))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("bench")]), critical=False)
        .sign(key, hashes.SHA384())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.TraditionalOpenSSL
    return (
        certificate.public_bytes(pem).decode(),
        key.private_bytes(pem, plain, serialization.NoEncryption()).decode(),
    )
