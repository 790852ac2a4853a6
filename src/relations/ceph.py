"""The relation `ceph`: what is asked, what is answered, and the files that LXD needs of that.

The interface is ceph-client, as the charms ceph-mon and microceph speak it. A client asks with a
request for pools in its unit's data, under an id of its own; each monitor answers in its unit's
data, the key among it. charmhelpers has a class for the request, and with it imports that install
packages: the request is a few lines of JSON.
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
from state.facts import Ceph
from state.peers import Storage
from values.addresses import is_address
from values.wanted_pool import WantedPool, named_in_ceph
from values.yaml_maps import words

_SPACE = uuid.UUID("5a1f5f0e-4a8b-4c55-9a5e-2f4f6f0f9b1d")
"""Makes the same id of the same request: another id would be another request."""


def request(unit: str, options: Options, decided: Storage | None) -> dict[str, str]:
    """What a unit asks of Ceph: a key for the application, and its pools. Nothing without any.

    A Ceph of another model sees `remote-UUID/N` where the unit's name would be. ceph-mon makes the
    key for `application-name` and answers by `unit-name`; it reads no other keys of a client than
    these two and the request (read in its ceph_client.py).
    `decided` is the default pool as it was made, for `storage-backend=auto`.
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
    """The file system is there already; the key has to open it, and the block devices as before."""
    del pool, replicas
    # LXD sets quotas (p) and makes snapshots (s).
    permissions = ["mon", "allow r, profile rbd", "osd", "allow rwx", "mds", "allow rwps"]
    return {"op": "set-key-permissions", "client": app, "permissions": permissions}


_OPERATIONS: dict[str, Callable[[str, WantedPool, int], dict[str, Any]]] = {
    backends.ceph.BACKEND.name: _new_pool,
    backends.CEPHFS: _may_mount,
}


def answer(unit: str, asked: str, monitors: Iterable[Mapping[str, str]]) -> Ceph:
    """What the monitors' units say to the request that `unit` asked."""
    databags = list(monitors)
    addresses = [
        data["ceph-public-address"] for data in databags if data.get("ceph-public-address")
    ]
    keys = [data["key"] for data in databags if data.get("key")]
    replies = [reply for data in databags if (reply := _reply(data, unit, asked)) is not None]
    failed = [reply for reply in replies if reply.get("exit-code") != 0]
    # They go into files: a line more there would be an order to Ceph.
    monitors_ = {
        address for listed in addresses for address in words(listed) if _is_monitor(address)
    }
    return Ceph(
        user=unit.partition("/")[0],
        key=next(filter(_is_key, keys), ""),
        monitors=tuple(sorted(monitors_)),
        granted=bool(replies) and not failed,
        problem=str(failed[0].get("stderr", ""))[:_LONGEST] or "no reason given" if failed else "",
        malformed=_malformed(addresses, monitors_, keys),
    )


_KEY = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LONGEST = 1000
"""Characters of what a Ceph says that are of use to anybody."""


def _is_key(text: str) -> bool:
    return bool(_KEY.fullmatch(text)) and len(text) % 4 == 0


def _is_monitor(text: str) -> bool:
    """Whether it is an address as a monitor tells it, one of IPv6 with or without brackets."""
    return is_address(text.removeprefix("[").removesuffix("]")) and "%" not in text


def _malformed(addresses: list[str], monitors: set[str], keys: list[str]) -> str:
    """What of an answer has not the form that it must have, empty where the rest is enough."""
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
