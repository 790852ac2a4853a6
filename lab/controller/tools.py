"""The hook tools: their command lines, as charms and ops write them, turned into the model's calls.

Pure but for the context's own writes: the files that arguments name come with the request.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml

from lab.model.context import HookContext
from lab.model.errors import HookToolError
from lab.model.state import Resource

TRUE_WORDS = ("1", "t", "T", "true", "TRUE", "True")
FALSE_WORDS = ("0", "f", "F", "false", "FALSE", "False")


@dataclass(frozen=True)
class ToolRequest:
    """What `tool_client.py` sends: fields between NULs, the files last, names and contents."""

    context_id: str
    tool: str
    args: list[str]
    files: dict[str, str]

    @classmethod
    def parse(cls, message: bytes) -> ToolRequest:
        """The request in a message."""
        context_id, tool, count, *rest = os.fsdecode(message).split("\0")
        files = rest[int(count) :]
        return cls(
            context_id,
            tool,
            rest[: int(count)],
            dict(zip(files[::2], files[1::2], strict=True)),
        )


@dataclass(frozen=True)
class ToolReply:
    """What a tool prints, and its exit status."""

    stdout: str
    stderr: str
    code: int

    def encode(self) -> bytes:
        """The message for `tool_client.py`: exit status, length of the output, output, errors."""
        stdout = os.fsencode(self.stdout)
        return b"%d %d\n" % (self.code, len(stdout)) + stdout + os.fsencode(self.stderr)


@dataclass(frozen=True)
class Call:
    """One call of a tool: its words sorted out, and what it needs to answer."""

    context: HookContext
    now: float
    files: Mapping[str, str]
    fetch: Callable[[Resource], str]
    """Brings a resource's file onto the machine; returns its path there."""
    options: dict[str, str] = field(default_factory=dict[str, str])
    flags: set[str] = field(default_factory=set[str])
    words: list[str] = field(default_factory=list[str])

    def word(self, index: int) -> str:
        """A positional argument; empty when it is not there."""
        return self.words[index] if index < len(self.words) else ""

    def option(self, name: str) -> str:
        """An option's value; empty when it is not given."""
        return self.options.get(name, "")

    def relation_id(self) -> int | None:
        """The relation that -r names, `endpoint:id` or the bare id; None: the hook's own."""
        text = self.options.get("r")
        if text is None:
            return None
        endpoint, _, number = text.rpartition(":")
        if not number.isdigit():
            raise HookToolError(f'invalid value "{text}" for option -r: invalid relation id')
        relation = int(number)
        if endpoint and f"{endpoint}:{relation}" not in self.context.relation_ids(endpoint):
            raise HookToolError(f'invalid value "{text}" for option -r: relation not found')
        return relation

    def pairs(self, words: Sequence[str]) -> dict[str, str]:
        """`key=value` words, with `key#file=path` read, and before them what --file holds."""
        values: dict[str, str] = {}
        if "file" in self.options:
            values.update(_mapping(self.files[self.options["file"]]))
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not key:
                raise HookToolError(f'expected "key=value", got "{word}"')
            if key.endswith("#file"):
                key, value = key.removesuffix("#file"), self.files[value]
            values[key] = value
        return values


def _mapping(text: str) -> dict[str, str]:
    loaded: Any = yaml.safe_load(text) or {}
    return {str(key): "" if value is None else str(value) for key, value in loaded.items()}


Answer: TypeAlias = Any


@dataclass(frozen=True)
class Tool:
    """A tool: the options with a value, the flags, aliases of either, and what it does.

    Its answer is printed unless it is None.
    """

    run: Callable[[Call], Answer]
    options: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


_ALIASES = {"relation": "r", "o": "output"}


def parse(tool: Tool, name: str, call: Call, args: Sequence[str]) -> None:
    """Sort a tool's words into options, flags and positional words, as Go's gnuflag does."""
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word == "--":
            call.words.extend(rest)
            return
        if not word.startswith("-") or word == "-":
            call.words.append(word)
            continue
        raw, equals, value = word.lstrip("-").partition("=")
        key = _ALIASES.get(raw, raw)
        if key in tool.flags:
            _set_flag(call, key, value if equals else "true")
        elif key in ("format", "output", *tool.options):
            if not equals and not rest:
                raise HookToolError(f"option needs an argument: {word}")
            call.options[key] = value if equals else rest.pop(0)
        else:
            raise HookToolError(f"{name}: option provided but not defined: {word}")


def _set_flag(call: Call, key: str, value: str) -> None:
    if value in TRUE_WORDS:
        call.flags.add(key)
    elif value not in FALSE_WORDS:
        raise HookToolError(f'invalid boolean value "{value}" for --{key}')


def _lookup(values: Any, key: str) -> Any:
    """The value under a dotted key; None when it is not there."""
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
    found = call.context.status_get()
    if "include-data" in call.flags:
        return {"status": found.current, "message": found.message, "status-data": found.data}
    return found.current


def _network_get(call: Call) -> Answer:
    found = call.context.network_get(call.word(0), call.relation_id())
    parts = [
        name for name in ("bind-address", "ingress-address", "egress-subnets") if name in call.flags
    ]
    if not parts:
        return found
    values = {
        "bind-address": found["bind-addresses"][0]["addresses"][0]["value"],
        "ingress-address": found["ingress-addresses"][0],
        "egress-subnets": found["egress-subnets"],
    }
    return values[parts[0]] if len(parts) == 1 else {part: values[part] for part in parts}


def _unit_get(call: Call) -> Answer:
    found = call.context.network_get("juju-info")
    return found["ingress-addresses"][0]


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
    found = call.context.storage_get(call.option("s"))
    return found.get(call.word(0)) if call.words else found


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


# What Juju does not keep back until the hook has ended.
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
    # A tool that only writes has nothing to print, a missing value is null in JSON.
    prints = name.endswith(("-get", "-ids", "-list", "-ports", "-state", "-leader", "-add"))
    return ToolReply(_printed(answer, call.option("format")) if prints else "", "", 0)


def _printed(answer: Answer, style: str) -> str:
    if style == "json":
        return json.dumps(answer) + "\n"
    if style == "yaml":
        return yaml.safe_dump(answer, sort_keys=True)
    return _smart(answer)


def _smart(answer: Answer) -> str:
    """Juju's default style: strings bare, lists line by line, Go's booleans, mappings as YAML."""
    if answer is None or answer == "":
        return ""
    if isinstance(answer, bool):
        return f"{answer}\n"
    if isinstance(answer, list):
        return "".join(f"{item}\n" for item in answer)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(answer, dict):
        return yaml.safe_dump(answer, sort_keys=True)
    return f"{answer}\n"
