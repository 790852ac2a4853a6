# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The kinds of input: each makes one, lets the charm read it, and raises if the result is wrong."""

from __future__ import annotations

import configparser
import random
import time
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from act import token_sealing
from act.forming import purpose
from actions import parameters as actions_parameters
from actions import results
from actions.forget_lost import forget_lost
from actions.recover_quorum import recover_quorum
from actions.remove_pool import remove_pool
from actions.wipe_device import wipe_device
from host import ceph_files
from lxd import join_tokens
from lxd.errors import LxdError, LxdUnreachable
from options.options import Options, explain, leaving_options
from relations import ceph, ovn
from state import peers
from state.cluster import ClusterView
from state.facts import Ceph, Ovn
from steps.plan import Plan
from tests.fuzz import texts
from tests.unit.model_units import ModelApp, formed
from values.addresses import is_address, is_host_and_port
from values.public_keys import is_key
from values.status import STATUS_LIMIT, blocked

LONG = 1.0
"""Seconds of the processor that no set of options takes to read."""


class Unwell(Exception):  # noqa: N818 - it is the name of what happened
    """The charm accepted input that it must refuse, or shows text that it must not show."""


def shown(text: str) -> str:
    """Checks a text for the operator: one line, without control characters for a terminal."""
    if bad := [c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Cf", "Zl", "Zp")]:
        raise Unwell(f"shows {bad[0]!r} in {text!r}")
    return text


def _status(text: str) -> None:
    if len(shown(text)) > STATUS_LIMIT:
        raise Unwell(f"a status of {len(text)} characters: {text}")


def _told(plan: Plan) -> None:
    _status(plan.status.message)
    if plan.app_status is not None:
        _status(plan.app_status.message)
    for step in plan.steps:
        str(step)


@cache
def _members(count: int = 3) -> ModelApp:
    """Members that only read: no case changes them for good."""
    app = formed(count)
    for unit in app.units.values():
        unit.server.drivers |= {"ceph", "cephfs"}
    return app


def _option(r: random.Random, field: str, told: Any) -> object:
    if field in ("networks", "storage_pools", "network_config"):
        return texts.yaml(r)
    if isinstance(told, bool):
        return r.random() < 0.5
    if isinstance(told, int):
        # Juju checks that it is a whole number, of 64 bits.
        return r.choice((r.randrange(-2, 12), 4094, 4095, 65535, 2**63 - 1, -(2**63)))
    kept: dict[str, tuple[str, ...]] = {
        "network_mode": ("bridge", "vxlan", "vlan", "flat", "fan", "ovn", "macvlan"),
        "storage_backend": ("dir", "zfs", "ceph", "auto", "cephfs"),
    }
    return r.choice((*kept.get(field, ()), texts.word(r), texts.mangled(r, str(told))))


def options(r: random.Random) -> None:
    """A set of options: refused in one line, or understood by everything that reads it."""
    fields = list(Options.model_fields)
    chosen = r.sample(fields, r.randrange(1, 5))
    if r.random() < 0.7:
        chosen.append(r.choice(("networks", "storage_pools", "network_config")))
    told = {f: _option(r, f, Options.model_fields[f].default) for f in chosen}
    leaving_options({name.replace("_", "-"): value for name, value in told.items()})
    begun = time.process_time()
    try:
        wanted = Options.model_validate(told)
    except ValidationError as error:
        _status(explain(error))
        return
    finally:
        if (seconds := time.process_time() - begun) > LONG:
            raise Unwell(f"options take {seconds:.1f} s to read")
    ceph.request("lxd/0", wanted, None)
    app = _members()
    app.options = told
    try:
        for unit in r.sample(sorted(app.units), 1):
            _told(app.plan(unit))
    finally:
        app.options = {}


def _of_type(r: random.Random, kind: Any) -> Any:
    """A value that may fit a databag's field."""
    if r.random() < 0.1:
        return texts.value(r)
    args = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.items()
        return {n: _of_type(r, f.annotation) for n, f in fields if r.random() < 0.9}
    if get_origin(kind) is tuple:
        return [_of_type(r, args[0]) for _ in range(r.randrange(4))]
    if get_origin(kind) is dict:
        return {texts.word(r): _of_type(r, args[1]) for _ in range(r.randrange(3))}
    if args:
        return _of_type(r, r.choice(args))
    leaves: dict[Any, Callable[[], Any]] = {
        bool: lambda: r.random() < 0.5,
        int: lambda: texts.number(r),
        float: lambda: texts.number(r),
        str: lambda: texts.word(r),
    }
    return leaves.get(kind, lambda: None)()


def _databag(r: random.Random, kind: type[BaseModel], before: Mapping[str, str]) -> dict[str, str]:
    """A databag where some keys are another charm's, or unknown."""
    found = dict(before)
    for name in r.sample(sorted(kind.model_fields), r.randrange(1, 5)):
        if name != "version" or r.random() < 0.1:
            found[name] = texts.json_text(r, _of_type(r, kind.model_fields[name].annotation))
    if r.random() < 0.2:
        found[texts.word(r)] = texts.word(r)
    return found


_ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"storage_pools": "{fast: dir}"},
    {"storage_pools": "{fast: zfs}", "storage_devices": "/dev/sdb"},
    {"networks": "{lan: {mode: flat, parent: br0}}"},
    {"network_mode": "vxlan", "network_name": "lxdvx"},
    {"networks": "{lan2: {mode: macvlan, parent: eth0}}"},
)


def databags(r: random.Random) -> None:
    """Another unit's databag, or the leader's: every unit continues, whatever it contains."""
    app = _members() if r.random() < 0.7 else _joining()
    units = {name: dict(bag) for name, bag in app.databags.items()}
    told, asked = dict(app.app_data), app.options
    try:
        app.options = r.choice(_ASKED)
        for name in r.sample(sorted(units), r.choice((1, 1, 2))):
            app.databags[name] = _databag(r, peers.UnitData, units[name])
        if r.random() < 0.2:
            app.app_data = _databag(r, peers.AppData, told)
        if r.random() < 0.1:
            app.leaving = {r.choice(sorted(units))}
        _count_what_may_count(app, r.choice(sorted(units)))
        for name in units:
            plan = app.plan(name)
            _told(plan)
            for data in (plan.own, plan.app):
                if data is not None:
                    peers.dump(data)
    finally:
        app.options, app.app_data, app.leaving = asked, told, set()
        app.databags = units


def _count_what_may_count(app: ModelApp, name: str) -> None:
    """Keys and addresses of others have their form, and only members say what members may say."""
    view = app.view(name)
    if view.peers is None:
        return
    looks_from_inside = app.units[name].server.records.clustered
    for unit, data in view.peers.others.items():
        if data.key and not is_key(data.key):
            raise Unwell(f"{name} counts the key {data.key!r} of {unit}")
        if data.address and not is_address(data.address):
            raise Unwell(f"{name} counts the address {data.address!r} of {unit}")
        member = app.units[unit].server.records.clustered or not looks_from_inside
        # One that has left says so until it is gone: LXD's list does not have it.
        listed = isinstance(view.lxd, ClusterView) and view.lxd.member_of(data) is not None
        if not member and (listed or data.offers or data.links or data.refused):
            raise Unwell(f"{name} counts {unit} as a member")


@cache
def _joining() -> ModelApp:
    """Two members and a unit with a token."""
    app = formed(2)
    app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    return app


class _NoPort:
    """A network where nothing answers."""

    def certificate(self, host: str, port: int, timeout: float) -> str:
        raise OSError(f"nobody at {host} {port} within {timeout}")


_KEY = b"k" * 32


def tokens(r: random.Random) -> None:
    """A join token, sealed or not: read, or refused for what it is."""
    fields: dict[str, Any] = {
        "server_name": "m1",
        "fingerprint": "0" * 64,
        "addresses": ["10.0.0.1:8443"],
        "secret": "s",
        "expires_at": "0001-01-01T00:00:00Z",
    }
    for name in r.sample(sorted(fields), r.randrange(0, 3)):
        fields[name] = texts.value(r)
    if r.random() < 0.3:
        fields["addresses"] = [texts.word(r) for _ in range(r.randrange(3))]
    text = texts.json_text(r, r.choice((fields, fields, fields, texts.value(r))))
    token = _encoded(text)
    token = r.choice((token, token, texts.mangled(r, token), texts.word(r)))
    for read in (join_tokens.digest, join_tokens.certificate, _way_in):
        try:
            read(token)
        except (LxdError, LxdUnreachable) as error:
            _status(blocked(f"could not join: {error}").message)
    sealed = r.choice((token, texts.mangled(r, _sealed()), texts.word(r)))
    try:
        token_sealing.unseal(sealed, _KEY, purpose("lxd/1"))
    except token_sealing.SealError as error:
        _status(blocked(f"could not join: {error}").message)
    key = r.choice((texts.word(r), texts.mangled(r, token_sealing.public_half(_KEY))))
    try:
        token_sealing.seal("x", key, "y")
    except token_sealing.SealError as error:
        _status(blocked(f"could not make a token: {error}").message)
    else:
        if not is_key(key):
            raise Unwell(f"sealed to {key!r}")


def _encoded(text: str) -> str:
    import base64

    return base64.b64encode(text.encode(errors="surrogatepass")).decode()


@cache
def _sealed() -> str:
    return token_sealing.seal("x", token_sealing.public_half(_KEY), purpose("lxd/1"))


def _way_in(token: str) -> None:
    port: Any = _NoPort()
    join_tokens.way_in(token, frozenset(), port)


def relations(r: random.Random) -> None:
    """Answers of a Ceph, an OVN and an authority: refused, or files with exactly these values."""
    r.choice((_ceph, _ovn))(r)


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
    told = ceph.answer("lxd/0", r.choice((asked, asked, texts.word(r))), units)
    _planned(ceph=told)
    if odd := [m for m in told.monitors if not (is_address(m.strip("[]")) or is_host_and_port(m))]:
        raise Unwell(f"the monitor {odd[0]!r}")
    if told.ready:
        _is_ceph(ceph_files.files(told))


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
    told = ovn.answer("lxd/0", connection, [authority])
    for path, text in ovn.files(told).items():
        if not text.startswith("-----BEGIN ") or any(ord(c) > 126 or c in "\x00\x1b" for c in text):
            raise Unwell(f"{path} says {text!r}")
    _planned(ovn=told)


def _is_connection(told: str) -> bool:
    scheme, _, rest = told.partition(":")
    host, _, port = rest.rpartition(":")
    return scheme in ("ssl", "tcp") and bool(host) and port.isascii() and port.isdigit()


def _planned(ceph: Ceph | None = None, ovn: Ovn | None = None) -> None:
    """A member's plan for it."""
    app = _members()
    app.related = {"ceph": ceph, "ovn": ovn}
    if ceph is not None:
        app.options = {"storage_backend": "ceph"}
    if ovn is not None:
        app.options = {"network_mode": "ovn", "network_name": "lxdovn", "ovn_uplink": "up"}
    try:
        _told(app.plan("lxd/0"))
    finally:
        app.related = {}
        app.options = {}


def parameters(r: random.Random) -> None:
    """Parameters of actions: refused with a reason, or understood."""
    config = {name.replace("_", "-"): field.default for name, field in Options.model_fields.items()}
    names = [*r.sample(sorted(config), r.randrange(1, 4)), *actions_parameters.MAPS, texts.word(r)]
    params = {n: r.choice((texts.value(r), texts.yaml(r), _deep(r))) for n in r.sample(names, 2)}
    app = _members()
    view, ports = app.view("lxd/0"), app.units["lxd/0"].ports
    lost = {"name": r.choice((texts.value(r), texts.word(r)))}

    def word() -> str:
        return actions_parameters.word(lost, "name")

    tries: tuple[Callable[[], dict[str, object]], ...] = (
        lambda: {"options": str(actions_parameters.with_options(config, params))},
        lambda: actions_parameters.as_read(config, params),
        lambda: {"result": forget_lost(view, ports, word())},
        lambda: {"result": remove_pool(view, ports, word())},
        lambda: {"result": wipe_device(ports, word(), word())},
        lambda: {"result": recover_quorum(view, ports, word(), word())},
    )
    for attempt in tries:
        told = results.answer("lxd/0", attempt)
        for text in (told.failure, *map(str, told.results.values())):
            shown(text.replace("\n", " ").replace("\t", " "))


def _deep(r: random.Random) -> Any:
    found: Any = "x"
    for _ in range(r.choice((3, 50, 5000))):
        found = r.choice(({"a": found}, {"config": found}, [found]))
    return found


KINDS: dict[str, Callable[[random.Random], None]] = {
    "options": options,
    "databags": databags,
    "tokens": tokens,
    "relations": relations,
    "parameters": parameters,
}


def run(kind: str, seed: int, number: int) -> BaseException | None:
    """Runs one case of a kind. Returns the error."""
    try:
        KINDS[kind](random.Random(f"{seed} {kind} {number}"))
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return error
    return None
