# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The relations with OVN: the address of its northbound database, and the files to open it.

`ovsdb-cms` is the interface of the charm ovn-central (each unit publishes its address, as JSON),
`ovsdb` the one of microovn (the application publishes the connection). `certificates` is the
interface tls-certificates, version 0, as between Vault and ovn-central: a unit asks for a
certificate by its name, and gets the certificate and its key.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from options.options import Options
from relations.relation import Databags, Relation, Requester, ServerKeys
from state.cluster import ClusterView, Network
from state.facts import Ovn
from values import certificate_dates
from values.addresses import is_connection
from values.yaml_maps import words

OVSDB, OVSDB_CMS, CERTIFICATES = "ovsdb", "ovsdb-cms", "certificates"
KEY_OF_DATABASE = "network.ovn.northbound_connection"
FOLDER = Path("/etc/ovn")
CERTIFICATE, KEY, AUTHORITY = (
    FOLDER / name for name in ("cert_host", "key_host", "ovn-central.crt")
)
"""LXD looks here for its files for OVN; the charm ovn-chassis also writes them."""
_PORT = 6641
_TLS = "ssl:"


def northbound(
    options: Options, units: Iterable[Mapping[str, str]], application: Mapping[str, str]
) -> str:
    """LXD's connection to the northbound database, empty until a valid one is published."""
    if options.ovn_northbound:
        return ",".join(words(options.ovn_northbound))
    return ",".join(filter(is_connection, _published(units, application)))


def malformed(units: Iterable[Mapping[str, str]], application: Mapping[str, str]) -> Ovn | None:
    """The answer for data without a valid connection; None without any data."""
    if not _published(units, application):
        return None
    return Ovn("", problem="its database's address is not an address")


def _published(
    units: Iterable[Mapping[str, str]], application: Mapping[str, str]
) -> tuple[str, ...]:
    """The connections as they are published, whatever their form."""
    if connection := _of_microovn(application):
        return words(connection)
    addresses = {_decoded(unit.get("bound-address", "")) for unit in units} - {""}
    return tuple(f"{_TLS}{_bracketed(address)}:{_PORT}" for address in sorted(addresses))


def _of_microovn(application: Mapping[str, str]) -> str:
    keys = ("db_nb_connection_str", "db_nb_connection_strs")
    return next((application[key] for key in keys if application.get(key)), "")


def _decoded(value: str) -> str:
    """The text in a value: charms on the reactive framework write it as JSON, others as it is."""
    try:
        text: object = json.loads(value)
    except (ValueError, RecursionError):
        return value
    return text if isinstance(text, str) else "" if text is None else value


def _bracketed(address: str) -> str:
    try:
        return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    except ValueError:
        return address  # It may be a name.


def request(unit: str, hostname: str, address: str) -> dict[str, str]:
    """A unit's request to an authority for certificates."""
    return {
        "unit_name": unit.replace("/", "_"),
        "common_name": hostname,
        "sans": json.dumps([address] if address else []),
        "certificate_name": "ovn",
    }


def answer(unit: str, connection: str, databags: Iterable[Mapping[str, str]]) -> Ovn:
    """OVN as this unit may use it. `databags` are the answers of the certificate authority's units.

    The certificate and its key are in one databag. The authority may be in another one.
    """
    complete = list(_certificates(unit, list(databags)))
    usable: list[Ovn] = []
    for certificate, key, signer in complete:
        # An intermediate Vault publishes the authorities above it in `chain`.
        authority = _blocks(_CERTIFICATE, f"{signer['ca']}\n{signer.get('chain', '')}")
        certificate_pem, key_pem = _blocks(_CERTIFICATE, certificate), _blocks(_KEY, key)
        if certificate_pem and key_pem and authority:
            usable.append(Ovn(connection, certificate_pem, key_pem, authority))
    if usable:
        # Each leader of vault signs, and an earlier leader's databag keeps what it signed.
        return max(usable, key=lambda found: certificate_dates.begin(found.certificate))
    return Ovn(connection, problem="the certificate is not PEM" if complete else "")


def _certificates(
    unit: str, databags: list[Mapping[str, str]]
) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Each certificate of a unit with its key, and the databag that has its authority."""
    munged = unit.replace("/", "_")
    with_authority = [data for data in databags if data.get("ca")]
    for data in databags:
        certificate, key = (data.get(f"{munged}.server.{part}", "") for part in ("cert", "key"))
        if certificate and key and with_authority:
            yield certificate, key, data if data.get("ca") else with_authority[0]


def _blocks(kind: re.Pattern[str], text: str) -> str:
    """The blocks of a PEM text, a line feed behind each; empty where there is none.

    RFC 7468 allows text around the blocks: openssl and ovs-pki write the certificate's content
    there. That text stays out of the files that LXD and OVN's library read.
    """
    return "".join(f"{block.group()}\n" for block in kind.finditer(text))


_BLOCK = (
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )*{0})-----\r?\n"
    r"(?:[A-Za-z0-9+/=]+\r?\n)+"
    r"-----END (?P=kind)-----"
)
_CERTIFICATE, _KEY = (re.compile(_BLOCK.format(word), re.ASCII) for word in ("CERTIFICATE", "KEY"))


def files(ovn: Ovn) -> dict[Path, str]:
    """The files that open the database, by path; none without certificates."""
    if not ovn.key:
        return {}
    return {CERTIFICATE: ovn.certificate, KEY: ovn.key, AUTHORITY: ovn.authority}


def needs_files(ovn: Ovn) -> bool:
    """Whether the database needs certificates."""
    return ovn.northbound.startswith(_TLS)


def _read(unit: str, options: Options, databags: Databags) -> Ovn | None:
    units = [*databags.units(OVSDB), *databags.units(OVSDB_CMS)]
    application = databags.application(OVSDB)
    connection = northbound(options, units, application)
    if not connection:
        return malformed(units, application)
    found = answer(unit, connection, databags.units(CERTIFICATES))
    return replace(found, microovn=bool(_of_microovn(application)) and not options.ovn_northbound)


def _request(requester: Requester) -> dict[str, str]:
    return request(requester.unit, requester.hostname, requester.address)


def _server_keys(ovn: Ovn) -> dict[str, str]:
    """The address of the database, once its files are on the machine."""
    return {KEY_OF_DATABASE: ovn.northbound} if ovn.written and ovn.northbound else {}


def _needed(lxd: ClusterView) -> bool:
    """Whether a network is OVN's, or this is unknown: without the key LXD could not even delete it.

    LXD lists the networks of the default project. Others are among the users of their uplink, which
    is always in that project.
    """
    return lxd.networks is None or any(map(_concerns_ovn, lxd.networks))


def _concerns_ovn(network: Network) -> bool:
    users = network.used_by
    return network.type == "ovn" or any(user.startswith("/1.0/networks/") for user in users)


RELATION = Relation(
    "ovn",
    (OVSDB, OVSDB_CMS, CERTIFICATES),
    _read,
    {CERTIFICATES: _request},
    ServerKeys((KEY_OF_DATABASE,), _server_keys, _needed),
)
