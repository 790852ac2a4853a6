"""The relations with OVN: where its northbound database is, and what opens it.

`ovsdb-cms` is as the charm ovn-central speaks it (each unit tells its address), `ovsdb` as microovn
does (the application tells the connection). `certificates` is the interface tls-certificates as
Vault speaks it to ovn-central: a unit asks for a certificate by its name and is given that and its
key.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from options.options import Options
from state.facts import Ovn
from values.addresses import is_connection
from values.yaml_maps import words

FOLDER = Path("/etc/ovn")
CERTIFICATE, KEY, AUTHORITY = (
    FOLDER / name for name in ("cert_host", "key_host", "ovn-central.crt")
)
"""Where LXD looks for what it shows to OVN; the charm ovn-chassis writes them too."""
_PORT = 6641
_TLS = "ssl:"


def northbound(
    options: Options, units: Iterable[Mapping[str, str]], application: Mapping[str, str]
) -> str:
    """How LXD reaches the northbound database, empty while nobody has said what can be it."""
    if options.ovn_northbound:
        return ",".join(words(options.ovn_northbound))
    connection = application.get("db_nb_connection_str") or application.get("db_nb_connection_strs")
    if connection:
        return ",".join(filter(is_connection, words(connection)))
    addresses = {unit.get("bound-address", "") for unit in units} - {""}
    connections = [f"{_TLS}{_bracketed(address)}:{_PORT}" for address in sorted(addresses)]
    return ",".join(filter(is_connection, connections))


def _bracketed(address: str) -> str:
    try:
        return f"[{address}]" if ipaddress.ip_address(address).version == 6 else address
    except ValueError:
        return address  # It may be a name.


def request(unit: str, hostname: str, address: str) -> dict[str, str]:
    """What a unit asks of whoever gives out certificates."""
    return {
        "unit_name": unit.replace("/", "_"),
        "common_name": hostname,
        "sans": json.dumps([address] if address else []),
        "certificate_name": "ovn",
    }


def answer(unit: str, connection: str, databags: Iterable[Mapping[str, str]]) -> Ovn:
    """OVN as this unit may use it: `told` is what those say that give out certificates."""
    munged = unit.replace("/", "_")
    for data in databags:
        certificate, key = (data.get(f"{munged}.server.{part}", "") for part in ("cert", "key"))
        if certificate and key and data.get("ca"):
            if not all(map(_PEM.fullmatch, (certificate, key, data["ca"]))):
                return Ovn(connection, problem="certificates gave what is no PEM")
            return Ovn(connection, certificate, key, data["ca"])
    return Ovn(connection)


_PEM = re.compile(
    r"\s*(-----BEGIN ([A-Z0-9]+ )*(CERTIFICATE|KEY)-----\r?\n([A-Za-z0-9+/=]+\r?\n)+"
    r"-----END ([A-Z0-9]+ )*(CERTIFICATE|KEY)-----\s*)+",
    re.ASCII,
)
"""Certificates, or a key: they go into files that LXD and OVN's library read."""


def files(ovn: Ovn) -> dict[Path, str]:
    """What opens the database, by path; nothing without certificates."""
    if not ovn.key:
        return {}
    return {CERTIFICATE: ovn.certificate, KEY: ovn.key, AUTHORITY: ovn.authority}


def needs_files(ovn: Ovn) -> bool:
    """Whether the database is opened by certificates."""
    return ovn.northbound.startswith(_TLS)
