# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The reference lists every key that the charm sets in LXD."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import modes
from lxd.api import LxdApi
from lxd.client import Client
from lxd.http import Request
from plan.networks.contributions import EXTERNAL, PARENTS
from plan.server import settings
from plan.storage import contributions
from relations import RELATIONS
from state.notes import PROJECT
from tests.unit.operations import forming
from tests.unit.operations.changes import CHANGES, Begun, ended
from values import lxd_urls
from values.profile_devices import PLACE
from values.wanted_network import WantedNetwork

TEXT = (Path(__file__).parents[2] / "docs/reference/owned-keys.md").read_text()
ROWS = [line.split("|") for line in TEXT.splitlines() if line.startswith("| ")]
OWN = [word for row in ROWS for word in row[2].split("`")[1::2]]
"""The column of the charm's own keys."""
FULL = WantedNetwork(
    "net",
    "any",
    parents=("eth1",),
    vlan=7,
    ipv4="10.1.0.1/24",
    ipv6="fd00::1/64",
    mtu=1400,
    domain="lan",
    dhcp_ranges="10.1.0.5-10.1.0.9",
    gateway=("10.1.0.1/24",),
    ranges=("10.1.0.20-10.1.0.30",),
    dns=("10.1.0.1",),
)


def listed(key: str) -> bool:
    """Whether the table has the key, or a pattern for it."""
    return any(fnmatch(key, word) for word in OWN)


@pytest.mark.parametrize("mode", sorted(modes.MODES))
def test_the_keys_of_networks_are_listed(mode: str):
    made = modes.MODES[mode].config(FULL)

    assert [key for key in made if not listed(key)] == []


def test_the_keys_of_nics_are_listed():
    assert [key for key in PLACE if not listed(key)] == []


RELATED = [key for row in RELATIONS if row.server_keys for key in row.server_keys.keys]


@pytest.mark.parametrize("key", [*RELATED, *(row.key for row in settings.SETTINGS)])
def test_the_keys_of_the_server_are_listed(key: str):
    assert listed(key)


class Noting:
    """LXD's port, which notes what the charm sets: the object's kind, and the key."""

    def __init__(self, port: Any, written: set[tuple[str, str]]) -> None:
        self._port, self._written = port, written

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._port, attribute)

    def send(self, request: Request, seconds: float) -> Any:
        """See `lxd.socket`."""
        body: Any = request.body
        if request.method in ("POST", "PUT", "PATCH") and body:
            self._note(request, body)
        return self._port.send(request, seconds)

    def _note(self, request: Request, body: dict[str, Any]) -> None:
        kind, *more = lxd_urls.read(request.path).parts or ("server",)
        of_notes = PROJECT in (request.query.get("project"), body.get("name"))
        # An instance gets a copy of a device of the profile, with an operator's keys.
        if of_notes or kind == "instances":
            return
        before: dict[str, Any] = {}
        if request.method != "POST" and more:
            before = Client(self._port).get(request.path, request.query)
        keys = _changed(body, before) | {row["key"] for row in body.get("member_config", ())}
        self._written |= {(kind, key) for key in keys}


def _changed(body: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    """The keys that a request changes; those that an option names are the operator's."""
    config = _map(body, "config")
    found = _different(config, _map(before, "config"))
    found -= set(config.get(contributions.KEYS, "").split())
    devices, old = _map(body, "devices"), _map(before, "devices")
    for name in devices:
        found |= _different(_map(devices, name), _map(old, name))
    if "roles" in body:
        found |= set(body["roles"]) ^ set(before.get("roles", ()))
    fields = body.keys() & {"failure_domain", "groups", "description"}
    return found | {name for name in fields if body[name] != before.get(name, "")}


def _map(of: Mapping[str, Any], name: str) -> dict[str, Any]:
    return of.get(name) or {}


def _different(now: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    return {key for key, value in now.items() if before.get(key, "") != value}


def writes(begin: Callable[[], Begun]) -> set[tuple[str, str]]:
    """What all units set in LXD until nothing is due any more."""
    written: set[tuple[str, str]] = set()
    app, unit = begin()
    for one in app.units.values():
        port: Any = Noting(one.server.lxd, written)
        object.__setattr__(one.ports, "lxd", LxdApi(port))
    app.hook(unit)
    ended(app)
    return written


@pytest.mark.parametrize("begin", [*CHANGES, *forming.ACTS[:-1]])
def test_all_that_is_set_is_listed(begin: Callable[[], Begun]):
    assert [f"{kind} {key}" for kind, key in writes(begin) if not listed(key)] == []


def test_the_rest_is_listed():
    """Keys of a joining member's part of an operator's bridge, and of a pool that is removed."""
    assert all(map(listed, (EXTERNAL, PARENTS, "parent", "volatile.pool.pristine")))
