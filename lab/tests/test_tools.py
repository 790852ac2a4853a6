# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The hook tools' command lines, as ops and shell charms write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lab.controller.tool_call import Call, ToolReply, ToolRequest
from lab.controller.tools import TOOLS, run_tool
from lab.model.context import HookContext
from lab.testing.world import World

NOW = 2_000.0


@pytest.fixture
def context() -> HookContext:
    """A hook of app/0, which knows its peers app/1 and app/2."""
    world = World()
    world.deploy(units=3)
    world.settle()
    world.juju.set_config("app", {"mode": "fast", "size": "7"})
    return world.juju.start_hook(world.now, "app/0")


def run(
    context: HookContext, name: str, *args: str, files: dict[str, str] | None = None
) -> ToolReply:
    """Run a tool in a hook."""
    call = Call(context, NOW, files or {}, lambda resource: f"/there/{resource.name}")
    return run_tool(name, list(args), call)


def printed(context: HookContext, name: str, *args: str) -> Any:
    """The output of a tool, read as JSON."""
    reply = run(context, name, *args)
    assert reply.stderr == ""
    return json.loads(reply.stdout)


def written(context: HookContext) -> dict[str, str]:
    """The unit's own relation data, except for what Juju puts there."""
    found = printed(context, "relation-get", "--format=json", "-r", "0", "-", "app/0")
    return {key: value for key, value in found.items() if key in ("a", "b")}


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["config-get", "--format=json", "mode"], "fast"),
        (["config-get", "mode", "--format", "json"], "fast"),
        (["config-get", "--format=json", "ratio"], None),
        (["is-leader", "--format=json"], True),
        (["relation-ids", "peers", "--format=json"], ["peers:0"]),
        (["relation-list", "--format=json", "-r", "0"], ["app/1", "app/2"]),
        (["relation-list", "--format=json", "-r", "peers:0"], ["app/1", "app/2"]),
        (["relation-list", "--format=json", "--app", "-r", "peers:0"], "app"),
        (["relation-get", "--format=json", "-r", "0", "private-address", "app/1"], "10.99.0.2"),
        (["relation-get", "--format=json", "--app", "-r", "peers:0", "-", "app"], {}),
        (["state-get", "--format=json"], {}),
        (["opened-ports", "--format=json"], []),
        (["storage-list", "--format=json"], []),
        (["secret-ids", "--format=json"], []),
    ],
)
def test_json_output(context: HookContext, words: list[str], value: object):
    assert printed(context, *words) == value


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["config-get", "mode"], "fast\n"),
        (["config-get", "size"], "7\n"),
        (["config-get", "fast"], "False\n"),
        (["config-get", "ratio"], ""),
        (["is-leader"], "True\n"),
        (["relation-list", "-r", "peers:0"], "app/1\napp/2\n"),
        (["unit-get", "private-address"], "10.99.0.1\n"),
        (["network-get", "public", "--bind-address"], "10.99.0.1\n"),
        (["network-get", "public", "--ingress-address=true"], "10.99.0.1\n"),
        (["status-set", "active", "all", "is", "well"], ""),
        (["juju-log", "--", "-words"], ""),
    ],
)
def test_plain_output(context: HookContext, words: list[str], text: str):
    assert run(context, words[0], *words[1:]) == ToolReply(text, "", 0)


@pytest.mark.parametrize(
    "words",
    [
        ["config-get", "--nosuch"],
        ["relation-get", "-r", "peers:9", "-", "app/1"],
        ["relation-list", "-r", "api:0"],
        ["relation-list", "-r", "many"],
        ["relation-set", "-r", "peers:0", "novalue"],
        ["relation-set", "-r"],
        ["status-set", "happy"],
        ["open-port", "http"],
        ["resource-get", "nosuch"],
        ["secret-get", "secret:nosuch"],
        ["credential-get"],
        ["nosuch-tool"],
    ],
)
def test_refusals_go_to_stderr(context: HookContext, words: list[str]):
    reply = run(context, words[0], *words[1:])
    assert (reply.stdout, reply.code) == ("", 1)
    assert reply.stderr.startswith("ERROR ")


def test_relation_data_from_standard_input(context: HookContext):
    run(context, "relation-set", "-r", "peers:0", "--file", "-", files={"-": '{"a": "1", "b": ""}'})
    assert written(context) == {"a": "1"}


def test_words_win_over_the_file(context: HookContext):
    run(context, "relation-set", "-r", "0", "--file", "/f", "a=2", files={"/f": "a: one\nb: two\n"})
    assert written(context) == {"a": "2", "b": "two"}


def test_ports(context: HookContext):
    for words in (["8443/tcp"], ["100-200/udp"], ["icmp"], ["80"]):
        run(context, "open-port", *words)
    assert sorted(printed(context, "opened-ports", "--format=json")) == [
        "100-200/udp",
        "80/tcp",
        "8443/tcp",
        "icmp",
    ]


def test_a_secret_s_content_comes_from_files(context: HookContext):
    uri = run(
        context, "secret-add", "--owner", "unit", "key#file=/tmp/key", files={"/tmp/key": "hunter2"}
    ).stdout.strip()
    assert printed(context, "secret-get", "--format=json", uri) == {"key": "hunter2"}


def test_status_of_the_unit_with_its_data(context: HookContext):
    run(context, "status-set", "--application=False", "waiting", "--", "for -this")
    found = printed(context, "status-get", "--include-data", "--format=json", "--application=false")
    assert found == {"status": "waiting", "message": "for -this", "status-data": {}}


def test_the_client_s_message_survives_every_byte():
    message = b"ctx|relation-set|2|a=\xff|--file|-|text\n".replace(b"|", b"\0")
    request = ToolRequest.parse(message)
    assert request == ToolRequest("ctx", "relation-set", ["a=\udcff", "--file"], {"-": "text\n"})


def test_every_tool_that_ops_calls_is_there():
    assert {
        "action-fail", "action-get", "action-log", "action-set", "application-version-set",
        "close-port", "config-get", "credential-get", "goal-state", "is-leader", "juju-log",
        "juju-reboot", "network-get", "open-port", "opened-ports", "relation-get", "relation-ids",
        "relation-list", "relation-set", "resource-get", "secret-add", "secret-get",
        "secret-grant", "secret-ids", "secret-info-get", "secret-remove", "secret-revoke",
        "secret-set", "state-delete", "state-get", "state-set", "status-get", "status-set",
        "storage-add", "storage-get", "storage-list",
    } <= set(TOOLS)  # fmt: skip
