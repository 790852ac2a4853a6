"""The relation `ceph`: the request, the answer, and the files that LXD needs from it.

The interface is ceph-client, as in the charms ceph-mon and microceph. A client writes a request for
pools to its unit's data, under its own id. Each monitor answers in its unit's data, which includes
the key. charmhelpers has a class for the request, but its imports install packages: the request is
a few lines of JSON.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

import backends
from options.options import Options
from relations.relation import Asker, Databags, Relation
from state.facts import Ceph
from state.peers import Storage
from values.addresses import is_address
from values.wanted_pool import WantedPool, named_in_ceph
from values.yaml_maps import words

ENDPOINT = "ceph"
_SPACE = uuid.UUID("5a1f5f0e-4a8b-4c55-9a5e-2f4f6f0f9b1d")
"""Gives the same request the same id: another id would be another request."""


def request(unit: str, options: Options, decided: Storage | None) -> dict[str, str]:
    """A unit's request to Ceph: a key for the application, and its pools. Empty without pools.

    A Ceph of another model sees `remote-UUID/N` instead of the unit's name. ceph-mon makes the key
    for `application-name` and answers by `unit-name`; it reads only these two keys and the request
    from a client (read in its ceph_client.py). `decided` is the default pool as it was made, for
    `storage-backend=auto`.
    """
    default = options.default_pool
    if default.backend == backends.AUTO and decided:
        default = replace(default, backend=decided.backend)
    app = unit.partition("/")[0]
    ops = [
        _OPERATIONS[pool.backend](app, named_in_ceph(pool, unit), options.ceph_replicas)
        for pool in (default, *options.more_pools)
        if pool.backend in _OPERATIONS
    ]
    if not ops:
        return {}
    identity = str(uuid.uuid5(_SPACE, json.dumps([app, ops], sort_keys=True)))
    asked = {"api-version": 1, "request-id": identity, "ops": ops}
    return {
        "application-name": app,
        "unit-name": unit,
        "broker_req": json.dumps(asked, sort_keys=True),
    }


def _new_pool(app: str, pool: WantedPool, replicas: int) -> dict[str, Any]:
    del app
    return {"op": "create-pool", "name": pool.in_ceph, "replicas": replicas, "app-name": "rbd"}


def _may_mount(app: str, pool: WantedPool, replicas: int) -> dict[str, Any]:
    """The file system exists already; the key must open it, and the block devices as before."""
    del pool, replicas
    # LXD sets quotas (p) and makes snapshots (s).
    permissions = ["mon", "allow r, profile rbd", "osd", "allow rwx", "mds", "allow rwps"]
    return {"op": "set-key-permissions", "client": app, "permissions": permissions}


_OPERATIONS: dict[str, Callable[[str, WantedPool, int], dict[str, Any]]] = {
    backends.ceph.BACKEND.name: _new_pool,
    backends.CEPHFS: _may_mount,
}


def answer(unit: str, asked: str, monitors: Iterable[Mapping[str, str]]) -> Ceph:
    """The answer of the monitors' units to the request of `unit`."""
    databags = list(monitors)
    addresses = [
        data["ceph-public-address"] for data in databags if data.get("ceph-public-address")
    ]
    keys = [data["key"] for data in databags if data.get("key")]
    replies = [reply for data in databags if (reply := _reply(data, unit, asked)) is not None]
    failed = [reply for reply in replies if reply.get("exit-code") != 0]
    monitors_ = _monitors(addresses)
    return Ceph(
        user=unit.partition("/")[0],
        key=next(filter(_is_key, keys), ""),
        monitors=tuple(sorted(monitors_)),
        granted=bool(replies) and not failed,
        problem=_reason(failed[0]) if failed else "",
        malformed=_malformed(addresses, monitors_, keys),
    )


_KEY = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LONGEST = 1000
"""More characters of Ceph's answer than this are not useful."""


def _reason(reply: Mapping[str, Any]) -> str:
    """Why Ceph refuses the request."""
    return str(reply.get("stderr", ""))[:_LONGEST] or "no reason given"


def _monitors(addresses: Iterable[str]) -> set[str]:
    """The monitors' addresses in a valid format, each text may list several.

    They go into files: another line there would be a command to Ceph.
    """
    return {address for listed in addresses for address in words(listed) if _is_monitor(address)}


def _is_key(text: str) -> bool:
    return bool(_KEY.fullmatch(text)) and len(text) % 4 == 0


def _is_monitor(text: str) -> bool:
    """Whether it is an address in a monitor's format, one of IPv6 with or without brackets."""
    return is_address(text.removeprefix("[").removesuffix("]")) and "%" not in text


def _malformed(addresses: list[str], monitors: set[str], keys: list[str]) -> str:
    """The part of an answer with a wrong form, empty if there is none."""
    if addresses and not monitors:
        return "ceph-public-address is no address"
    return "key is no key" if keys and not any(map(_is_key, keys)) else ""


def _reply(data: Mapping[str, str], unit: str, asked: str) -> dict[str, Any] | None:
    """A monitor's reply to that request, None without one."""
    reply = _map(data.get(f"broker-rsp-{unit.replace('/', '-')}", ""))
    return reply if reply and reply.get("request-id") == _map(asked).get("request-id") else None


def _map(text: str) -> dict[str, Any]:
    """A JSON object, an empty one for anything else."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _read(unit: str, options: Options, databags: Databags) -> Ceph | None:
    del options
    own = databags.own(ENDPOINT)
    if own is None:
        return None
    return answer(unit, own.get("broker_req", ""), databags.units(ENDPOINT))


def _request(asker: Asker) -> dict[str, str]:
    return request(asker.unit, asker.options, asker.storage)


RELATION = Relation("ceph", (ENDPOINT,), _read, {ENDPOINT: _request})
