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
            # A Vault that is an intermediate authority tells the ones above it as `chain`.
            authority = _blocks(_CERTIFICATE, f"{data['ca']}\n{data.get('chain', '')}")
            certificate, key = _blocks(_CERTIFICATE, certificate), _blocks(_KEY, key)
            if not (certificate and key and authority):
                return Ovn(connection, problem="certificates gave what is not PEM")
            return Ovn(connection, certificate, key, authority)
    return Ovn(connection)


def _blocks(kind: re.Pattern[str], text: str) -> str:
    """The blocks of a PEM text, a line feed behind each; empty where there is none.

    RFC 7468 allows words around them: openssl and ovs-pki write what the certificate says. They
    stay out of the files that LXD and OVN's library read.
    """
    return "".join(f"{block.group()}\n" for block in kind.finditer(text))


_BLOCK = (
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )*{0})-----\r?\n"
    r"(?:[A-Za-z0-9+/=]+\r?\n)+"
    r"-----END (?P=kind)-----"
)
_CERTIFICATE, _KEY = (re.compile(_BLOCK.format(word), re.ASCII) for word in ("CERTIFICATE", "KEY"))


def files(ovn: Ovn) -> dict[Path, str]:
    """What opens the database, by path; nothing without certificates."""
    if not ovn.key:
        return {}
    return {CERTIFICATE: ovn.certificate, KEY: ovn.key, AUTHORITY: ovn.authority}


def needs_files(ovn: Ovn) -> bool:
    """Whether the database is opened by certificates."""
    return ovn.northbound.startswith(_TLS)
