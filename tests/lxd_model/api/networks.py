# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Networks: those that LXD manages, and the machine's interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.lxd_model import networks, times
from tests.lxd_model.api import used_by
from tests.lxd_model.api.call import Answer, Call, Change, Handler, change, make
from tests.lxd_model.api.etag import check, etag
from tests.lxd_model.keys import known_keys
from tests.lxd_model.networks import OWN_KEYS
from tests.lxd_model.projects import visible
from tests.lxd_model.refusal import Refusal, bad
from tests.lxd_model.things import DEFAULT, NO_CONFIG, Config

if TYPE_CHECKING:
    from tests.lxd_model.server import Server
    from tests.lxd_model.things import Network

PATH = "/1.0/networks"


def _as_json(call: Call, network: Network, member: str = "") -> dict[str, Any]:
    """A network. Without a target its keys do not include those of single members."""
    records, server = call.records, call.server
    config = dict(network.config)
    if member or not records.clustered:
        config.update(network.members.get(member or "none", {}))
    status = network.status
    if (member or server.place) in network.broken and (member or not records.clustered):
        status = "Unavailable"
    users = used_by.of_network(records, network)
    found: dict[str, Any] = {
        "name": network.name,
        "description": network.description,
        "type": network.type,
        "managed": True,
        "status": status,
        "config": config,
        "used_by": users or (None if not server.generation.modern else []),
        "locations": list(network.members) if records.clustered else ["none"],
    }
    if server.generation.modern:
        found["project"] = "default"
    return found


def _interfaces(server: Server) -> list[dict[str, Any]]:
    return [_interface(server, "lo", "loopback")] + [
        _interface(server, name, "unknown") for name in server.interfaces
    ]


def _interface(server: Server, name: str, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "description": "",
        "type": kind,
        "managed": False,
        "status": "",
        "config": {},
        "used_by": [],
        "locations": None,
    }
    if server.generation.modern:
        found["project"] = "default"
    return found


def get_all(call: Call) -> Answer:
    """GET /1.0/networks."""
    rows = [n for n in call.records.networks.values() if n.project == DEFAULT]
    rows = [n for n in rows if visible(call.records, DEFAULT, n.name)]
    if not call.recursive:
        names = [*(n.name for n in rows), "lo", *call.server.interfaces]
        return Answer([used_by.url("networks", name) for name in names])
    return Answer([_as_json(call, n) for n in rows] + _interfaces(call.server))


def get(call: Call) -> Answer:
    """GET /1.0/networks/NAME."""
    member = call.forwarded()
    name = call.names[0]
    if name not in call.records.networks:
        for found in _interfaces(call.server):
            if found["name"] == name:
                return Answer(found, etag(name))
        raise Refusal("Network not found", 404)
    if not visible(call.records, DEFAULT, name):
        raise Refusal("Network not found", 404)
    network = networks.find(call.server, name)
    found = _as_json(call, network, member)
    return Answer(found, _etag(network, found["config"]))


def _etag(network: Network, config: dict[str, str]) -> str:
    return etag(network.name, network.type, network.description, config)


def state(call: Call) -> Answer:
    """GET /1.0/networks/NAME/state, on this member or on the named one."""
    member = call.forwarded() or call.server.place
    name = call.names[0]
    network = call.records.networks.get(name)
    if network is None and name not in call.server.interfaces:
        raise Refusal("Network not found", 404)
    up = network is None or (member not in network.broken and network.status == "Created")
    found: dict[str, Any] = {
        "addresses": [],
        "counters": dict.fromkeys(_COUNTERS, 0),
        "hwaddr": "00:16:3e:00:00:01",
        "mtu": 1500,
        "state": "up" if up else "down",
        "type": "broadcast",
        "bond": None,
        "bridge": _BRIDGE if network is not None and network.type == "bridge" else None,
        "vlan": None,
        "ovn": None,
    }
    return Answer(found)


_BRIDGE = {
    "id": "8000.00163e000001",
    "stp": False,
    "forward_delay": 1500,
    "vlan_default": 0,
    "vlan_filtering": False,
    "upper_devices": list[str](),
}
_COUNTERS = ("bytes_received", "bytes_sent", "packets_received", "packets_sent")


def post(call: Call) -> Answer:
    """POST /1.0/networks: for one member it only defines it, without a target it makes it."""
    body, server = call.body, call.server
    name, kind, config = body.get("name"), body.get("type") or "bridge", call.config
    if not name:
        raise bad("No name provided")
    if not visible(call.records, DEFAULT, name):
        raise Refusal("Network not allowed in project", 403)
    _validate_name(name, kind)
    member = call.target
    for key in config:
        if member and key not in OWN_KEYS:
            raise bad(f'Config key "{key}" may not be used as member-specific key')
    what = Change("Creating network", f"{used_by.url('networks', name)}?project=default", True)
    if not member:
        _refuse_unknown(name, kind, config, server.generation.name)
        work = networks.making(server, name, kind, config)
        return make(call, what, work, server.generation.storage_operations)

    def define() -> None:
        networks.define(server, name, kind, member, config)

    return change(call, what, define, server.generation.storage_operations)


_LONGEST = 15
"""Bytes of an interface's name."""


def _validate_name(name: str, kind: str) -> None:
    if kind not in networks.TYPES:
        raise bad(f'Unknown driver "{kind}"')
    if kind == "bridge" and len(name) > _LONGEST:
        raise bad(
            f"Invalid network name: Network interface is too long (maximum {_LONGEST} characters)"
        )
    if "/" in name or " " in name:
        raise bad("Invalid network name: Name contains invalid characters")


def _refuse_unknown(name: str, kind: str, config: Config, generation: str) -> None:
    """As `validate` in network/driver_common.go, 5.0 to 6.9."""
    known = known_keys(generation, f"network-{kind}")
    for key in config:
        if not _is_known(key, known):
            raise bad(f'Invalid option for network "{name}" option "{key}"')


def _is_known(key: str, known: frozenset[str]) -> bool:
    """Whether a network of a type with these keys may have `key`: names in it are valid."""
    if key in OWN_KEYS or key.startswith(("user.", "volatile.")):
        return True
    first, *more = key.split(".")
    templates = {("tunnel", 2): "tunnel.NAME.", ("bgp", 3): "bgp.peers.NAME."}
    start = templates.get((first, len(more)), "")
    return (f"{start}{more[-1]}" if start else key) in known


def _update(call: Call, *, replaces: bool) -> Answer:
    server, member = call.server, call.forwarded()
    network = networks.find(server, call.names[0])
    config = call.config
    if not member and network.half_made:
        raise bad("Cannot update network global config when not in created state")
    now = _as_json(call, network, member)["config"]
    check(call, _etag(network, now))
    for key, value in config.items():
        if call.records.clustered and not member and key in OWN_KEYS:
            raise bad(f'Config key "{key}" is cluster member specific')
        if member and key not in OWN_KEYS and now.get(key) != value:
            raise bad(f'Config key "{key}" may not be used as member-specific key')
    description = call.body.get("description", "")

    def effect() -> None:
        _refuse_unknown(network.name, network.type, config, server.generation.name)
        if member:
            before = NO_CONFIG if replaces else network.members.get(member, NO_CONFIG)
            own = {k: v for k, v in config.items() if k in OWN_KEYS}
            _refuse_in_use(call, network, now, {**before, **own})
            networks.update_member(server, network.name, member, {**before, **own})
        else:
            shared = (
                config if replaces else {**networks.find(server, network.name).config, **config}
            )
            _refuse_in_use(call, network, now, shared)
            networks.update(server, network.name, shared, description)

    url = f"{used_by.url('networks', network.name)}?project=default"
    took = times.REQUEST if member else times.NETWORK
    return change(
        call,
        Change("Updating network", url, took=took),
        effect,
        server.generation.storage_operations,
    )


_INTERFACE = ("parent", "vlan")


def _refuse_in_use(
    call: Call, network: Network, now: dict[str, str], wanted: dict[str, str]
) -> None:
    """As Update in network/driver_physical.go (5.0 to 6.9)."""
    if network.type != "physical" or not used_by.of_network(call.records, network):
        return
    if any(key in wanted and wanted[key] != now.get(key, "") for key in _INTERFACE):
        raise Refusal("Cannot update network parent interface when in use")


def patch(call: Call) -> Answer:
    """PATCH /1.0/networks/NAME."""
    return _update(call, replaces=False)


def put(call: Call) -> Answer:
    """PUT /1.0/networks/NAME."""
    return _update(call, replaces=True)


def delete(call: Call) -> Answer:
    """DELETE /1.0/networks/NAME."""
    server, name = call.server, call.names[0]
    networks.find(server, name)

    def effect() -> None:
        users = used_by.of_network(server.records, networks.find(server, name))
        networks.delete(server, name, users)

    what = Change("Deleting network", f"{used_by.url('networks', name)}?project=default")
    return change(call, what, effect, server.generation.storage_operations)


ROUTES: dict[str, dict[str, Handler]] = {
    PATH: {"GET": get_all, "POST": post},
    f"{PATH}/NAME": {"GET": get, "PATCH": patch, "PUT": put, "DELETE": delete},
    f"{PATH}/NAME/state": {"GET": state},
}
