# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

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
from relations.relation import Databags, Relation, Requester
from state.facts import Ceph
from state.peers import Storage
from values.addresses import is_address, is_host_and_port
from values.wanted_pool import WantedPool, named_in_ceph
from values.yaml_maps import words

ENDPOINT = "ceph"
ADMIN = "admin"
"""Ceph's default user, for a command that names none."""
_SPACE = uuid.UUID("5a1f5f0e-4a8b-4c55-9a5e-2f4f6f0f9b1d")
"""Gives the same request the same id: another id would be another request."""


def request(
    unit: str, options: Options, decided: Storage | None, others: Iterable[Storage] = ()
) -> dict[str, str]:
    """A unit's request to Ceph: a key for the application, and its pools. Empty without pools.

    A Ceph of another model sees `remote-UUID/N` instead of the unit's name. ceph-mon makes the key
    for `application-name` and answers by `unit-name`; it reads only these two keys and the request
    from a client (read in its ceph_client.py). `decided` is the default pool as it was made, for
    `storage-backend=auto`; `others` are the other pools of the cluster.
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
    made = (*([decided] if decided else []), *others)
    if (access := _access(app)) not in ops and _has_unlisted_pool(made, default, options):
        ops.append(access)
    if not ops:
        return {}
    identity = str(uuid.uuid5(_SPACE, json.dumps([app, ops], sort_keys=True)))
    broker_request = {"api-version": 1, "request-id": identity, "ops": ops}
    return {
        "application-name": app,
        "unit-name": unit,
        "broker_req": json.dumps(broker_request, sort_keys=True),
    }


def _new_pool(app: str, pool: WantedPool, replicas: int) -> dict[str, Any]:
    del app
    return {"op": "create-pool", "name": pool.in_ceph, "replicas": replicas, "app-name": "rbd"}


def _has_unlisted_pool(made: Iterable[Storage], default: WantedPool, options: Options) -> bool:
    """Whether a pool is in Ceph that no option names: a joining member needs the key for it, too.

    The pool exists, so the request need not make it.
    """
    names = {pool.name for pool in options.more_pools if pool.backend in _OPERATIONS}
    if default.backend in _OPERATIONS:
        names |= backends.names_of_default(default.name)
    return any(pool.backend in _OPERATIONS and pool.pool not in names for pool in made)


def _may_mount(app: str, pool: WantedPool, replicas: int) -> dict[str, Any]:
    """The operation for a pool on cephfs: it only gives access, because the file system exists."""
    del pool, replicas
    return _access(app)


def _access(app: str) -> dict[str, Any]:
    """The operation that lets the key open file systems, and block devices as before."""
    # LXD sets quotas (p) and makes snapshots (s).
    permissions = ["mon", "allow r, profile rbd", "osd", "allow rwx", "mds", "allow rwps"]
    return {"op": "set-key-permissions", "client": app, "permissions": permissions}


_OPERATIONS: dict[str, Callable[[str, WantedPool, int], dict[str, Any]]] = {
    backends.ceph.BACKEND.name: _new_pool,
    backends.CEPHFS: _may_mount,
}


def answer(
    unit: str,
    broker_request: str,
    monitors: Iterable[Mapping[str, str]],
    application: Mapping[str, str] | None = None,
) -> Ceph:
    """The answer of the monitors' units, and of their application, to the request of `unit`."""
    databags = list(monitors)
    addresses = [
        data["ceph-public-address"] for data in databags if data.get("ceph-public-address")
    ]
    granting = [data for data in databags if _result(unit, broker_request, [data])[0]]
    # Only the leader of microceph's monitors answers: an earlier one keeps the key of that time.
    keys = [data["key"] for data in (*granting, *databags) if data.get("key")]
    granted, problem = _result(unit, broker_request, databags)
    monitors_ = _all_monitors(application or {}) or _monitors(addresses)
    return Ceph(
        user=unit.partition("/")[0],
        key=next(filter(_is_key, keys), ""),
        monitors=tuple(sorted(monitors_)),
        granted=granted,
        problem=problem,
        malformed=_malformed(addresses, monitors_, keys),
    )


_KEY = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_LONGEST = 1000
"""The maximum number of characters that are kept of an error of Ceph."""


def _result(
    unit: str, broker_request: str, databags: Iterable[Mapping[str, str]]
) -> tuple[bool, str]:
    """Whether the request is granted; otherwise why it is refused, empty without an answer.

    A monitor that no longer leads keeps its old reply, so one success is enough. A broker whose
    operation raised an error replies without the id of the request.
    """
    identity = _map(broker_request).get("request-id")
    key = f"broker-rsp-{unit.replace('/', '-')}"
    replies = [_map(data.get(key, "")) for data in databags]
    if identity and any(r.get("request-id") == identity and _succeeded(r) for r in replies):
        return True, ""
    failed = (r for r in replies if r.get("request-id", identity) == identity and _failed(r))
    return False, next(map(_reason, failed), "")


def _succeeded(reply: Mapping[str, Any]) -> bool:
    return reply.get("exit-code") == 0


def _failed(reply: Mapping[str, Any]) -> bool:
    """Whether there is a reply, and it is not a success."""
    return bool(reply) and not _succeeded(reply)


def _reason(reply: Mapping[str, Any]) -> str:
    """Why Ceph refuses the request."""
    return str(reply.get("stderr", ""))[:_LONGEST] or "no reason given"


def _all_monitors(application: Mapping[str, str]) -> set[str]:
    """The monitors that microceph's application lists.

    Each of its units may know only some of them.
    """
    value = _json(application.get("ceph-mon-public-addresses", ""))
    addresses = cast("list[Any]", value) if isinstance(value, list) else []
    return {text for text in addresses if isinstance(text, str) and _is_monitor(text)}


def _monitors(addresses: Iterable[str]) -> set[str]:
    """The monitors' addresses in a valid format, each text may list several.

    They go into files: another line there would be a command to Ceph.
    """
    return {address for text in addresses for address in words(text) if _is_monitor(address)}


def _is_key(text: str) -> bool:
    return bool(_KEY.fullmatch(text)) and len(text) % 4 == 0


def _is_monitor(text: str) -> bool:
    """Whether it is an address in a monitor's format, one of IPv6 with or without brackets.

    With a port it may also be a name: ceph-proxy publishes both.
    """
    address = is_address(text.removeprefix("[").removesuffix("]")) and "%" not in text
    return address or is_host_and_port(text)


def _malformed(addresses: list[str], monitors: set[str], keys: list[str]) -> str:
    """The part of an answer with a wrong form, empty if there is none."""
    if addresses and not monitors:
        return "ceph-public-address is not an address"
    return "key is not a valid key" if keys and not any(map(_is_key, keys)) else ""


def _map(text: str) -> dict[str, Any]:
    """A JSON object, an empty one for anything else."""
    value = _json(text)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _json(text: str) -> Any:
    """The value of a JSON text, None for anything else."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read(unit: str, options: Options, databags: Databags) -> Ceph | None:
    del options
    own = databags.own(ENDPOINT)
    if own is None:
        return None
    broker_request = own.get("broker_req", "")
    return answer(unit, broker_request, databags.units(ENDPOINT), databags.application(ENDPOINT))


def _request(requester: Requester) -> dict[str, str]:
    return request(requester.unit, requester.options, requester.storage, requester.pools)


RELATION = Relation("ceph", (ENDPOINT,), _read, {ENDPOINT: _request})
