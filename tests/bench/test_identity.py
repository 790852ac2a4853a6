"""The cluster stays the same whatever an operator changes about its certificate and names."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lxd.http import Request
from lxd.socket import LxdSocket
from tests.bench.containers import all_run, launch
from tests.bench.drive import all_active, leave, until
from tests.bench.units import BenchApp, BenchUnit


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
    request(trio.units["lxd/0"], "POST", "/1.0/cluster/members/m1", {"server_name": "rack1"})
    until(trio, lambda: trio.own("lxd/1").name == "rack1", 60)
    assert all_active(trio)
    trio.add(3)
    until(trio, lambda: all_active(trio), 120)
    launch(trio, "c1", "rack1")
    assert leave(trio, "lxd/1")["lxd/1"].holds == []
    assert all_run(trio, "c1")["c1"] in {"m0", "m2", "m3"}
    assert [m.name for m in trio.units["lxd/0"].lxd.members.list()] == ["m0", "m2", "m3"]


def request(unit: BenchUnit, method: str, path: str, body: object) -> None:
    """Something that an operator does, which the charm never does."""
    response = LxdSocket(str(unit.node.socket)).send(Request(method, path, body=body), 60)
    assert not response.error, response.error


def change_certificate(unit: BenchUnit) -> None:
    """What `lxc cluster update-certificate` asks for."""
    certificate, key = _self_signed()
    body = {"cluster_certificate": certificate, "cluster_certificate_key": key}
    request(unit, "PUT", "/1.0/cluster/certificate", body)


def _fingerprints(app: BenchApp) -> set[str]:
    return {app.own(unit).fingerprint for unit in app.units}


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
