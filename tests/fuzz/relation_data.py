# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Answers of a Ceph, an OVN and an authority: refused, or files with exactly these values."""

from __future__ import annotations

import configparser
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from host import ceph_files
from options.options import Options
from relations import ceph, ovn
from state.facts import Ceph, Ovn
from tests.fuzz import texts
from tests.fuzz.checks import Unwell, check_plan, members
from values.addresses import is_address, is_host_and_port


def relations(r: random.Random) -> None:
    """Answers of a Ceph, an OVN and an authority: refused, or files with exactly these values."""
    r.choice(tuple(ANSWERS.values()))(r)


_CEPH: dict[str, str] = {
    "ceph-public-address": "10.0.0.9",
    "key": "AQCyQhRk3H1nGhAAIWlYzHkCcTrEKzVpZxJz4g==",
    "auth": "cephx",
}


def _ceph(r: random.Random) -> None:
    asked = ceph.request("lxd/0", Options(storage_backend="ceph"), None)["broker_req"]
    import json

    identity = json.loads(asked)["request-id"]
    reply = {"request-id": identity, "exit-code": 0}
    units: list[dict[str, str]] = []
    for _ in range(r.randrange(1, 3)):
        answer: Any = {
            **reply,
            r.choice(("exit-code", "stderr", "request-id", "x")): texts.value(r),
        }
        answer = r.choice((reply, answer, texts.value(r)))
        data = {**_CEPH, "broker-rsp-lxd-0": texts.json_text(r, answer)}
        for key in r.sample(sorted(_CEPH), r.randrange(3)):
            data[key] = r.choice((texts.word(r), texts.mangled(r, data[key])))
        units.append(data)
    read = ceph.answer("lxd/0", r.choice((asked, asked, texts.word(r))), units)
    _planned(ceph=read)
    if odd := [m for m in read.monitors if not (is_address(m.strip("[]")) or is_host_and_port(m))]:
        raise Unwell(f"the monitor {odd[0]!r}")
    if read.ready:
        _is_ceph(ceph_files.files(read))


def _is_ceph(files: Mapping[Path, str]) -> None:
    """What LXD and Ceph read in the files: only the sections and keys of the templates."""
    known = {
        "lxd-cluster.conf": {
            "global": {
                *("auth client required", "auth cluster required", "auth service required"),
                *("mon host", "keyring"),
            }
        },
        "lxd-cluster.client.lxd.keyring": {"client.lxd": {"key"}},
    }
    for path, text in files.items():
        parser = configparser.RawConfigParser(strict=True, delimiters=("=",))
        parser.read_string(text)
        found = {name: set(parser[name]) for name in parser.sections()}
        if known.get(path.name) != found:
            raise Unwell(f"{path} says {found}")
        if any("\n" in value for name in found for value in parser[name].values()):
            raise Unwell(f"{path} has values of several lines")


_PEM = "-----BEGIN {0}-----\nTUlJQg==\n-----END {0}-----\n"


def _ovn(r: random.Random) -> None:
    units = [
        {"bound-address": r.choice(("10.0.0.7", "fd00::7", texts.word(r)))}
        for _ in range(r.randrange(3))
    ]
    app = {"db_nb_connection_str": texts.word(r)} if r.random() < 0.4 else {}
    if r.random() < 0.2:
        app["db_nb_connection_strs"] = texts.mangled(r, "ssl:10.0.0.1:6641,ssl:10.0.0.2:6641")
    connection = ovn.northbound(Options(), units, app)
    if connection and not all(_is_connection(part) for part in connection.split(",")):
        raise Unwell(f"a connection {connection!r}")
    authority = {
        "lxd_0.server.cert": _PEM.format("CERTIFICATE"),
        "lxd_0.server.key": _PEM.format("RSA PRIVATE KEY"),
        "ca": _PEM.format("CERTIFICATE"),
    }
    for key in r.sample(sorted(authority), r.randrange(3)):
        authority[key] = r.choice((texts.word(r), texts.mangled(r, authority[key])))
    answer = ovn.answer("lxd/0", connection, [authority])
    for path, text in ovn.files(answer).items():
        if not text.startswith("-----BEGIN ") or any(ord(c) > 126 or c in "\x00\x1b" for c in text):
            raise Unwell(f"{path} says {text!r}")
    _planned(ovn=answer)


def _is_connection(connection: str) -> bool:
    scheme, _, rest = connection.partition(":")
    host, _, port = rest.rpartition(":")
    return scheme in ("ssl", "tcp") and bool(host) and port.isascii() and port.isdigit()


def _planned(ceph: Ceph | None = None, ovn: Ovn | None = None) -> None:
    """A member's plan for it."""
    app = members()
    app.related = {"ceph": ceph, "ovn": ovn}
    if ceph is not None:
        app.options = {"storage_backend": "ceph"}
    if ovn is not None:
        app.options = {"network_mode": "ovn", "network_name": "lxdovn", "ovn_uplink": "up"}
    try:
        check_plan(app.plan("lxd/0"))
    finally:
        app.related = {}
        app.options = {}


ANSWERS: Mapping[str, Callable[[random.Random], None]] = {"ceph": _ceph, "ovn": _ovn}
"""By relation: what makes an answer of it, and checks what follows."""
