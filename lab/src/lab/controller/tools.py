# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The hook tools: what each does with the words of charms and ops, in the model's terms.

They are pure, except for the context's writes: the request contains the files that arguments name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from lab.controller.tool_call import Answer, Call, Tool, ToolReply, parse
from lab.model.errors import HookToolError


def _lookup(values: Any, key: str) -> Any:
    """The value under a dotted key; None if it is missing."""
    for part in key.split("."):
        try:
            values = values[part]
        except (KeyError, TypeError):
            return None
    return values


def _config_get(call: Call) -> Answer:
    config = call.context.config_get()
    return config.get(call.word(0)) if call.words else config


def _relation_get(call: Call) -> Answer:
    key = call.word(0)
    app = "app" in call.flags
    name = call.word(1) or None
    values = call.context.relation_get(call.relation_id(), name, app=app)
    return values if key in ("", "-") else values.get(key)


def _relation_list(call: Call) -> Answer:
    if "app" in call.flags:
        return call.context.relation_app(call.relation_id())
    return call.context.relation_list(call.relation_id())


def _relation_ids(call: Call) -> Answer:
    return call.context.relation_ids(call.word(0) or call.context.run.endpoint)


def _relation_set(call: Call) -> Answer:
    values = call.pairs(call.words)
    call.context.relation_set(values, call.relation_id(), app="app" in call.flags)


def _status_set(call: Call) -> Answer:
    message = " ".join(call.words[1:])
    call.context.status_set(call.now, call.word(0), message, app="application" in call.flags)


def _status_get(call: Call) -> Answer:
    if "application" in call.flags:
        return call.context.app_status_get(call.now)
    status = call.context.status_get()
    if "include-data" in call.flags:
        return {"status": status.current, "message": status.message, "status-data": status.data}
    return status.current


def _network_get(call: Call) -> Answer:
    info = call.context.network_get(call.word(0), call.relation_id())
    parts = [
        name for name in ("bind-address", "ingress-address", "egress-subnets") if name in call.flags
    ]
    if not parts:
        return info
    values = {
        "bind-address": info["bind-addresses"][0]["addresses"][0]["value"],
        "ingress-address": info["ingress-addresses"][0],
        "egress-subnets": info["egress-subnets"],
    }
    return values[parts[0]] if len(parts) == 1 else {part: values[part] for part in parts}


def _unit_get(call: Call) -> Answer:
    info = call.context.network_get("juju-info")
    return info["ingress-addresses"][0]


def _port(call: Call) -> tuple[str, int, int, list[str]]:
    text, _, protocol = call.word(0).partition("/")
    endpoints = [e for e in call.option("endpoints").split(",") if e]
    if text == "icmp":
        return "icmp", -1, -1, endpoints
    first, _, last = text.partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        raise HookToolError(
            f'expected <port>[/<protocol>] or <from>-<to>[/<protocol>]; got "{text}"'
        )
    return protocol or "tcp", int(first), int(last or first), endpoints


def _open_port(call: Call) -> Answer:
    call.context.open_port(*_port(call))


def _close_port(call: Call) -> Answer:
    call.context.close_port(*_port(call))


def _opened_ports(call: Call) -> Answer:
    ports = call.context.opened_ports()
    return [f"{port} (*)" for port in ports] if "endpoints" in call.flags else ports


def _resource_get(call: Call) -> Answer:
    return call.fetch(call.context.resource(call.word(0)))


def _storage_get(call: Call) -> Answer:
    storage = call.context.storage_get(call.option("s"))
    return storage.get(call.word(0)) if call.words else storage


def _storage_add(call: Call) -> Answer:
    for word in call.words:
        name, _, count = word.partition("=")
        call.context.storage_add(name, int(count or 1))


def _secret_add(call: Call) -> Answer:
    return call.context.secret_add(
        call.pairs(call.words),
        owner=call.option("owner") or "application",
        label=call.option("label"),
        description=call.option("description"),
        expire=call.option("expire"),
        rotate=call.option("rotate"),
    )


def _secret_set(call: Call) -> Answer:
    content = call.pairs(call.words[1:])
    call.context.secret_set(
        call.word(0),
        content or None,
        label=call.option("label"),
        description=call.option("description"),
        expire=call.option("expire"),
        rotate=call.option("rotate"),
    )


def _secret_get(call: Call) -> Answer:
    content = call.context.secret_get(
        call.word(0),
        label=call.option("label"),
        refresh="refresh" in call.flags,
        peek="peek" in call.flags,
    )
    return content.get(call.word(1)) if call.word(1) else content


def _secret_info_get(call: Call) -> Answer:
    return call.context.secret_info_get(call.word(0), label=call.option("label"))


def _secret_grant(call: Call) -> Answer:
    relation = call.relation_id()
    if relation is None:
        raise HookToolError("missing relation id")
    call.context.secret_grant(call.word(0), relation, unit=call.option("unit"))


def _secret_revoke(call: Call) -> Answer:
    call.context.secret_revoke(
        call.word(0),
        relation_id=call.relation_id(),
        app=call.option("app"),
        unit=call.option("unit"),
    )


def _secret_remove(call: Call) -> Answer:
    revision = call.option("revision")
    call.context.secret_remove(call.word(0), revision=int(revision) if revision else None)


def _action_get(call: Call) -> Answer:
    params = call.context.action_get()
    return _lookup(params, call.word(0)) if call.words else params


def _action_set(call: Call) -> Answer:
    call.context.action_set(call.pairs(call.words))


def _juju_log(call: Call) -> Answer:
    level = "DEBUG" if "debug" in call.flags else call.option("log-level") or call.option("l")
    call.context.juju_log(call.now, (level or "INFO").upper(), " ".join(call.words))


def _state_get(call: Call) -> Answer:
    values = call.context.state_get()
    if not call.words or call.word(0) == "-":
        return values
    if call.word(0) not in values and "strict" in call.flags:
        raise HookToolError(f'"{call.word(0)}" not found')
    return values.get(call.word(0), "")


def _not_modelled(_: Call) -> Answer:
    raise HookToolError("the lab does not model this tool")


_RELATION = ("r",)
_SECRET = ("label", "description", "expire", "rotate", "owner", "file")

TOOLS: dict[str, Tool] = {
    "config-get": Tool(_config_get, flags=("a", "all")),
    "relation-get": Tool(_relation_get, _RELATION, ("app",)),
    "relation-ids": Tool(_relation_ids),
    "relation-list": Tool(_relation_list, _RELATION, ("app",)),
    "relation-set": Tool(_relation_set, (*_RELATION, "file"), ("app",)),
    "is-leader": Tool(lambda call: call.context.is_leader(call.now)),
    "status-get": Tool(_status_get, flags=("application", "include-data")),
    "status-set": Tool(_status_set, flags=("application",)),
    "juju-log": Tool(_juju_log, ("log-level", "l"), ("debug",)),
    "network-get": Tool(
        _network_get,
        _RELATION,
        ("primary-address", "bind-address", "ingress-address", "egress-subnets"),
    ),
    "unit-get": Tool(_unit_get),
    "goal-state": Tool(lambda call: call.context.goal_state()),
    "open-port": Tool(_open_port, ("endpoints",)),
    "close-port": Tool(_close_port, ("endpoints",)),
    "opened-ports": Tool(_opened_ports, flags=("endpoints",)),
    "resource-get": Tool(_resource_get),
    "storage-get": Tool(_storage_get, ("s",)),
    "storage-list": Tool(lambda call: call.context.storage_list(call.word(0))),
    "storage-add": Tool(_storage_add),
    "secret-add": Tool(_secret_add, _SECRET),
    "secret-set": Tool(_secret_set, _SECRET),
    "secret-get": Tool(_secret_get, ("label",), ("refresh", "peek")),
    "secret-info-get": Tool(_secret_info_get, ("label",)),
    "secret-ids": Tool(lambda call: call.context.secret_ids()),
    "secret-grant": Tool(_secret_grant, ("r", "unit")),
    "secret-revoke": Tool(_secret_revoke, ("r", "app", "unit")),
    "secret-remove": Tool(_secret_remove, ("revision",)),
    "action-get": Tool(_action_get),
    "action-set": Tool(_action_set),
    "action-log": Tool(lambda call: call.context.action_log(call.now, " ".join(call.words))),
    "action-fail": Tool(lambda call: call.context.action_fail(" ".join(call.words))),
    "application-version-set": Tool(
        lambda call: call.context.application_version_set(call.word(0))
    ),
    "state-get": Tool(_state_get, flags=("strict",)),
    "state-set": Tool(lambda call: call.context.state_set(call.pairs(call.words)), ("file",)),
    "state-delete": Tool(lambda call: call.context.state_delete(call.word(0))),
    "juju-reboot": Tool(lambda call: call.context.reboot(now="now" in call.flags), flags=("now",)),
    "credential-get": Tool(_not_modelled),
    "leader-get": Tool(_not_modelled),
    "leader-set": Tool(_not_modelled),
    "add-metric": Tool(_not_modelled, ("labels",)),
}


# Juju does not delay these writes until the hook has ended.
SENT_AT_ONCE = frozenset({"status-set", "application-version-set", "action-log", "storage-add"})


def run_tool(name: str, args: Sequence[str], call: Call) -> ToolReply:
    """Run one tool for its process on the machine."""
    tool = TOOLS.get(name)
    try:
        if tool is None:
            raise HookToolError(f"the lab knows no hook tool {name}")
        parse(tool, name, call, args)
        answer = tool.run(call)
    except HookToolError as error:
        return ToolReply("", f"ERROR {error}\n", 1)
    # A tool that only writes prints nothing. A missing value is null in JSON.
    prints = name.endswith(("-get", "-ids", "-list", "-ports", "-state", "-leader", "-add"))
    return ToolReply(_printed(answer, call.option("format")) if prints else "", "", 0)


def _printed(answer: Answer, style: str) -> str:
    if style == "json":
        return json.dumps(answer) + "\n"
    if style == "yaml":
        return yaml.safe_dump(answer, sort_keys=True)
    return _smart(answer)


def _smart(answer: Answer) -> str:
    """Juju's default style: bare strings, lists line by line, Go's booleans, mappings as YAML."""
    if answer is None or answer == "":
        return ""
    if isinstance(answer, bool):
        return f"{answer}\n"
    if isinstance(answer, list):
        return "".join(f"{item}\n" for item in answer)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(answer, dict):
        return yaml.safe_dump(answer, sort_keys=True)
    return f"{answer}\n"
