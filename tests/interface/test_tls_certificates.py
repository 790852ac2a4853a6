# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The interface `tls-certificates`, version 0: as vault and easyrsa answer.

The requirer's unit asks for one certificate with keys at the top of its databag. The provider makes
the key, too, and answers in the databag of one of its units.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from ops import testing
from pydantic import BaseModel, ConfigDict, Field, Json

from relations import ovn
from tests.interface.requirer import NOTHING, Databag, Requirer
from tests.unit.model_units import formed

PEM = "-----BEGIN {0}-----\nTUlJ\n-----END {0}-----\n"
CERTIFICATE, RSA, PKCS8, CURVE = (
    PEM.format(kind) for kind in ("CERTIFICATE", "RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY")
)
AUTHORITY = CERTIFICATE.replace("TUlJ", "TUlL")
ROOT = CERTIFICATE.replace("TUlJ", "TUlM")
WANTS = "blocked: ovn: no certificate for its database: integrate with vault:certificates"


class RequirerUnit(BaseModel):
    """The databag of a unit that asks for a server's certificate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # The answer's keys begin with it: a provider replaces each `/` by `_`.
    unit_name: str = Field(pattern=r"^[a-z][a-z0-9-]*_\d+$")
    common_name: str = Field(min_length=1, max_length=64)
    sans: Json[list[str]]
    certificate_name: str = Field(min_length=1)


@pytest.fixture
def requirer(monkeypatch: pytest.MonkeyPatch) -> Requirer:
    """A member that wants a network in an OVN, whose database needs a certificate."""
    database = testing.Relation(
        "ovsdb-cms", remote_app_name="ovn", remote_units_data={0: {"bound-address": "10.0.9.1"}}
    )
    config = {"network-mode": "ovn", "network-name": "ovn0"}
    return Requirer(formed(3), "lxd/1", "certificates", config, monkeypatch, (database,))


def answer(unit: str = "lxd_1", key: str = RSA, **more: str) -> Databag:
    """The databag of the provider's unit that has signed for `unit`."""
    cert = {f"{unit}.server.cert": CERTIFICATE, f"{unit}.server.key": key}
    return {**cert, "ca": AUTHORITY, **more}


@lru_cache
def issued(day: int) -> str:
    """A certificate that is valid from this day of a month on."""
    begin = datetime(2026, 1, day, tzinfo=timezone.utc)
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "m1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1)
    builder = builder.not_valid_before(begin).not_valid_after(begin + timedelta(30))
    return builder.sign(key, None).public_bytes(Encoding.PEM).decode()


def content(requirer: Requirer, path: Path) -> str:
    """The file's content, empty if the charm has not written it."""
    return requirer.files.get(str(path), "")


# Nothing yet.


def test_a_new_relation_gets_a_request(requirer: Requirer):
    requirer.created()

    asked = RequirerUnit.model_validate(requirer.databag)
    assert asked.unit_name == "lxd_1"
    assert asked.common_name == "m1"
    assert asked.sans == ["10.0.0.2"]
    assert requirer.files == {}
    assert requirer.status == WANTS


def test_the_request_stays_as_it_is(requirer: Requirer):
    """vault makes another certificate for other names."""
    requirer.created()
    before = requirer.databag

    requirer.changed({0: answer()})

    assert requirer.databag == before


def test_a_certificate_is_asked_for_before_a_network_needs_it(requirer: Requirer):
    requirer.config = {}

    requirer.created()

    assert RequirerUnit.model_validate(requirer.databag)


# The answer is there.


@pytest.mark.parametrize("key", [RSA, PKCS8, CURVE])
def test_the_answer_is_written_where_lxd_looks(requirer: Requirer, key: str):
    requirer.created()

    requirer.changed({0: answer(key=key)})

    assert content(requirer, ovn.CERTIFICATE) == CERTIFICATE
    assert content(requirer, ovn.KEY) == key
    assert content(requirer, ovn.AUTHORITY) == AUTHORITY
    assert requirer.status != WANTS


def test_the_authorities_above_are_trusted_too(requirer: Requirer):
    requirer.created()

    requirer.changed({0: answer(chain=ROOT)})

    assert content(requirer, ovn.AUTHORITY) == AUTHORITY + ROOT


def test_words_around_a_certificate_do_no_harm(requirer: Requirer):
    """easyrsa publishes what openssl prints, and a text may have no last line feed."""
    requirer.created()
    text = f"Certificate:\n    Data:\n        Version: 3 (0x2)\n{CERTIFICATE}".strip()

    requirer.changed({0: answer(**{"lxd_1.server.cert": text})})

    assert content(requirer, ovn.CERTIFICATE) == CERTIFICATE


def test_answers_to_others_and_for_clients_are_not_ours(requirer: Requirer):
    requirer.created()
    others = answer("lxd_2", PKCS8)
    client = {"client.cert": ROOT, "client.key": PKCS8}
    batches = {"lxd_1.processed_requests": json.dumps({"x": {"cert": ROOT, "key": PKCS8}})}

    requirer.changed({0: {**others, **client, **batches}})
    assert requirer.files == {}

    requirer.changed({0: {**others, **client, **batches, **answer()}})
    assert content(requirer, ovn.KEY) == RSA


def test_the_unit_that_leads_the_provider_answers(requirer: Requirer):
    """It need not be the first one."""
    requirer.created()

    requirer.changed({0: {}, 1: answer(), 2: {"ca": AUTHORITY}})

    assert content(requirer, ovn.KEY) == RSA


def test_the_authority_may_be_published_by_another_unit(requirer: Requirer):
    """Requirers read the databags of a provider's units as one."""
    requirer.created()
    databag = dict(answer())
    authority = databag.pop("ca")

    requirer.changed({0: {"ca": authority, "chain": ROOT}, 1: databag})

    assert content(requirer, ovn.AUTHORITY) == AUTHORITY + ROOT


def test_a_certificate_that_was_made_again_is_written(requirer: Requirer):
    requirer.created()
    requirer.changed({0: answer()})

    requirer.changed({0: answer(key=PKCS8)})

    assert content(requirer, ovn.KEY) == PKCS8


@pytest.mark.parametrize("newest", [0, 1, 2])
def test_the_certificate_that_was_made_last_is_written(requirer: Requirer, newest: int):
    """Each leader of vault signs, and an earlier leader keeps what it signed in its databag."""
    requirer.created()
    days = [(number - newest) % 3 for number in range(3)]
    made = {number: issued(9 - day) for number, day in enumerate(days)}

    requirer.changed(
        {number: answer(**{"lxd_1.server.cert": text}) for number, text in made.items()}
    )

    assert content(requirer, ovn.CERTIFICATE) == made[newest]


# The answer is partial.


@pytest.mark.parametrize("missing", ["lxd_1.server.cert", "lxd_1.server.key", "ca"])
def test_an_answer_without_a_part_is_waited_for(requirer: Requirer, missing: str):
    requirer.created()

    requirer.changed({0: {key: text for key, text in answer().items() if key != missing}})

    assert requirer.files == {}
    assert requirer.status == WANTS


def test_an_authority_of_a_later_version_answers_nothing(requirer: Requirer):
    """It waits for a signing request in the application's data, and answers there."""
    requirer.created()

    requirer.changed(NOTHING, {"certificates": "[]"})

    assert requirer.files == {}
    assert requirer.status == WANTS


# The answer is malformed.


@pytest.mark.parametrize("wrong", ["no PEM", PEM.format("PARAMETERS"), "-----BEGIN CERTIFICATE"])
@pytest.mark.parametrize("part", ["lxd_1.server.cert", "lxd_1.server.key", "ca"])
def test_a_malformed_answer_is_not_written(requirer: Requirer, part: str, wrong: str):
    requirer.created()

    requirer.changed({0: answer(**{part: wrong})})

    assert requirer.files == {}
    status = "blocked: ovn: the certificate is not PEM: see juju show-unit lxd/1"
    assert requirer.status == status


def test_one_malformed_answer_does_not_hide_another(requirer: Requirer):
    requirer.created()

    requirer.changed({0: answer(key="no PEM"), 1: answer()})

    assert content(requirer, ovn.KEY) == RSA


def test_a_malformed_answer_leaves_the_files_alone(requirer: Requirer):
    requirer.created()
    requirer.changed({0: answer()})

    requirer.changed({0: answer(key="no PEM")})

    assert content(requirer, ovn.KEY) == RSA


# The relation goes.


def test_nothing_is_written_when_the_relation_goes(requirer: Requirer):
    requirer.created()
    requirer.changed({0: answer()})
    before = requirer.databag

    requirer.broken()

    assert requirer.databag == before


def test_a_certificate_stays_when_the_relation_goes(requirer: Requirer):
    """LXD uses it as long as a network is in the OVN."""
    requirer.created()
    requirer.changed({0: answer()})

    requirer.broken()
    requirer.without()

    assert content(requirer, ovn.KEY) == RSA
