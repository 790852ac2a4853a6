# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One call of a hook tool: the request from the machine, its parsed words, and the reply."""

from __future__ import annotations

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
    """The request of `tool_client.py`: fields between NULs; the files last, names and contents."""

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
    """One call of a tool: its parsed words, and what it needs to answer."""

    context: HookContext
    now: float
    files: Mapping[str, str]
    fetch: Callable[[Resource], str]
    """Copies a resource's file onto the machine; returns its path there."""
    options: dict[str, str] = field(default_factory=dict[str, str])
    flags: set[str] = field(default_factory=set[str])
    words: list[str] = field(default_factory=list[str])

    def word(self, index: int) -> str:
        """A positional argument; empty if it is missing."""
        return self.words[index] if index < len(self.words) else ""

    def option(self, name: str) -> str:
        """An option's value; empty if it is missing."""
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
        """`key=value` words, with the file of `key#file=path` read, after the words of --file."""
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
    """A tool: the options with a value, the flags, aliases of both, and its function.

    The tool prints the function's answer unless it is None.
    """

    run: Callable[[Call], Answer]
    options: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


_ALIASES = {"relation": "r", "o": "output"}


def parse(tool: Tool, name: str, call: Call, args: Sequence[str]) -> None:
    """Parse a tool's words into options, flags and positional words, as Go's gnuflag does."""
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
            call.options[key] = value if equals else _argument(word, rest)
        else:
            raise HookToolError(f"{name}: option provided but not defined: {word}")


def _argument(option: str, rest: list[str]) -> str:
    """Take the option's argument from the words that follow. Raises HookToolError without one."""
    if not rest:
        raise HookToolError(f"option needs an argument: {option}")
    return rest.pop(0)


def _set_flag(call: Call, key: str, value: str) -> None:
    if value in TRUE_WORDS:
        call.flags.add(key)
    elif value not in FALSE_WORDS:
        raise HookToolError(f'invalid boolean value "{value}" for --{key}')
