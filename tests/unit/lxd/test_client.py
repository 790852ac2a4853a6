# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Requests and their ends, in any form of LXD's answers in its generation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from lxd.client import Client
from lxd.errors import LxdError, LxdStopped, LxdUnreachable
from lxd.http import Request, Response, api_path

ID = "0190-op"


@dataclass
class ScriptedPort:
    """Gives the answers of a test, by method and path; a list is used up in order."""

    answers: dict[str, list[Response | Exception]]
    asked: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    def send(self, request: Request, seconds: float) -> Response:
        key = f"{request.method} {request.path}"
        self.asked.append(key)
        answers = self.answers[key]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if request.path.endswith("/wait"):
            self.seconds += float(request.query["timeout"])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def certificate(self, host: str, port: int, seconds: float) -> str:
        raise OSError(f"{host}:{port}")

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def sync(metadata: Any, status: int = 200) -> Response:
    return Response(status, {"type": "sync", "metadata": metadata})


def refused(error: str, status: int = 500) -> Response:
    return Response(status, {"type": "error", "error": error, "metadata": None})


def operation(code: int, err: str = "") -> dict[str, Any]:
    return {"id": ID, "class": "task", "status": str(code), "status_code": code, "err": err}


BEGUN = Response(202, {"type": "async", "metadata": operation(103)})
WAIT, LOOK = f"GET /1.0/operations/{ID}/wait", f"GET /1.0/operations/{ID}"
POST = "POST /1.0/networks"


def client(**answers: list[Response | Exception]) -> tuple[Client, ScriptedPort]:
    names = {"post": POST, "wait": WAIT, "look": LOOK, "get": "GET /1.0/networks"}
    port = ScriptedPort({names[key]: found for key, found in answers.items()})
    return Client(port), port


def change(lxd: Client) -> None:
    lxd.change("POST", api_path("networks"), {"name": "n"})


def test_a_change_that_lxd_makes_at_once_is_not_waited_for():
    lxd, port = client(post=[sync({}, 201)])

    change(lxd)

    assert port.asked == [POST]


DONE: list[tuple[str, list[Response | Exception], list[Response | Exception]]] = [
    ("all generations", [sync(operation(200))], []),
    ("5.0: not over yet", [sync(operation(103)), sync(operation(200))], []),
    (
        "5.21: a wait that times out is an error",
        [refused("context deadline exceeded", 200), sync(operation(200))],
        [sync(operation(103))],
    ),
    (
        "it ended between the wait and the look",
        [refused("context deadline exceeded", 200)],
        [sync(operation(200))],
    ),
]


@pytest.mark.parametrize(("why", "wait", "look"), DONE)
def test_a_successful_operation_ends_without_an_error(
    why: str, wait: list[Response | Exception], look: list[Response | Exception]
):
    lxd, _ = client(post=[BEGUN], wait=[*wait], look=[*look])

    change(lxd)


FAILED: list[tuple[str, list[Response | Exception], list[Response | Exception]]] = [
    ("5.0", [sync(operation(400, "no such device"))], []),
    ("5.21", [refused("no such device", 200)], [sync(operation(400, "no such device"))]),
    ("after 6.9", [sync(operation(400, "no such device"), 400)], []),
]


@pytest.mark.parametrize(("why", "wait", "look"), FAILED)
def test_an_operation_that_fails_is_a_refusal(
    why: str, wait: list[Response | Exception], look: list[Response | Exception]
):
    lxd, _ = client(post=[BEGUN], wait=wait, look=look or [sync(operation(400, "no such device"))])

    with pytest.raises(LxdError, match="no such device"):
        change(lxd)


UNKNOWN: list[tuple[str, list[Response | Exception], list[Response | Exception]]] = [
    ("LXD lists it no more", [refused("Operation not found", 404)], [refused("gone", 404)]),
    ("the daemon ended", [LxdUnreachable("EOF")], [sync(operation(103))]),
    ("it never ends", [sync(operation(103))], []),
    ("no database", [refused("no leader", 200)], [refused("no leader", 500)]),
]


@pytest.mark.parametrize(("why", "wait", "look"), UNKNOWN)
def test_what_came_of_an_operation_may_be_unknown(
    why: str, wait: list[Response | Exception], look: list[Response | Exception]
):
    lxd, _ = client(post=[BEGUN], wait=wait, look=look)

    with pytest.raises(LxdUnreachable):
        change(lxd)


def test_a_change_ends_by_its_deadline():
    lxd, port = client(post=[BEGUN], wait=[sync(operation(103))])

    with pytest.raises(LxdUnreachable, match="needed over 30 s"):
        lxd.change("POST", api_path("networks"), seconds=30)

    assert port.seconds == 30


def test_a_refusal_has_its_status():
    lxd, _ = client(get=[refused("Network not found", 404)])

    with pytest.raises(LxdError, match="Network not found") as caught:
        lxd.get(api_path("networks"))

    assert caught.value.not_found


QUESTIONS: list[tuple[str, Callable[[], bool], bool]] = [
    ("yes", lambda: True, True),
    ("no", lambda: False, False),
]


@pytest.mark.parametrize(("why", "question", "answer"), QUESTIONS)
def test_a_question_is_asked_for_a_while(why: str, question: Callable[[], bool], answer: bool):
    lxd, _ = client()

    assert lxd.until(question, 5) is answer


def test_a_daemon_that_starts_is_asked_again():
    lxd, _ = client(get=[LxdUnreachable("EOF"), sync([])])

    assert lxd.until(lambda: lxd.get(api_path("networks")) == [], 5)


def test_a_daemon_that_stays_silent_is_reported():
    lxd, _ = client(get=[LxdUnreachable("EOF")])

    with pytest.raises(LxdUnreachable):
        lxd.until(lambda: bool(lxd.get(api_path("networks"))), 5)


def test_a_daemon_that_is_not_there_is_waited_for():
    port = ScriptedPort({"GET /1.0": [LxdStopped("not running"), LxdStopped("no"), sync({})]})

    Client(port).await_start(5)

    with pytest.raises(LxdStopped):
        Client(ScriptedPort({"GET /1.0": [LxdStopped("not running")]})).await_start(1)


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), "/1.0"),
        (("storage-pools", "a?b"), "/1.0/storage-pools/a%3Fb"),
        (("storage-pools", "é/ü"), "/1.0/storage-pools/%C3%A9%2F%C3%BC"),
    ],
)
def test_the_parts_of_a_path_are_quoted(parts: tuple[str, ...], path: str):
    assert api_path(*parts) == path


DIALLED = "proxyconnect tcp: dial tcp"
PROXIES = [
    (f"{DIALLED} 10.0.0.5:3128: connect: connection refused", "the proxy 10.0.0.5:3128"),
    (f"{DIALLED} [fd00::5]:3128: i/o timeout", "the proxy [fd00::5]:3128"),
    (f"{DIALLED}: lookup squid.example on 127.0.0.53:53: no such host", "the proxy squid.example"),
    (f"{DIALLED}: lookup squid.example: no such host", "the proxy squid.example"),
    ("proxyconnect tcp: EOF", "a proxy"),
]


@pytest.mark.parametrize(("why", "proxy"), PROXIES)
def test_a_proxy_in_between_is_named(why: str, proxy: str):
    lxd, _ = client(get=[refused(f'Failed to connect: Get "https://10.0.0.1:8443": {why}')])

    with pytest.raises(LxdError) as caught:
        lxd.get(api_path("networks"))

    cure = "is in between: set no_proxy in /etc/environment"
    assert str(caught.value).endswith(f"{why}: {proxy} {cure}")


def test_files_of_ceph_that_a_snap_hides_are_named():
    """microcloud issue 107, and the snap's pull request 163."""
    why = "ObjectNotFound('RADOS object not found (error calling conf_read_file)')"
    lxd, _ = client(get=[refused(f"Failed to run: ceph osd pool get: exit status 1 ({why})")])

    with pytest.raises(LxdError) as caught:
        lxd.get(api_path("networks"))

    cure = "a snap may hide /etc/ceph: snap disconnect lxd:ceph-conf, then reload LXD"
    assert str(caught.value).endswith(cure)


KEY_OF_CEPH = "AgBOiZpqIgXUEiAAvgWIXnHOXivVUwMY9FAy6DPmtO9YUbc/i9q3yyYnejQ="


def unread_key(key: str) -> str:
    """LXD's error for a key that its own programs of Ceph do not know (LXD issue 18985)."""
    name = "/etc/ceph/lxd-cluster.client.lxd.keyring"
    why = f"error setting modifier for [client.lxd] type=key val={key}: Malformed input [buffer:3]"
    return (
        "Failed to run: ceph --name client.lxd --cluster lxd-cluster config get mon "
        f"osd_pool_default_size: exit status 1 (-1 auth: error parsing file {name}: {why}\n"
        f"-1 auth: failed to load {name}: (5) Input/output error\n"
        "[errno 5] RADOS I/O error (error connecting to the cluster))"
    )


def test_a_key_of_ceph_is_in_no_error():
    """Errors are shown in statuses, logs and the results of actions."""
    lxd, _ = client(get=[refused(unread_key(KEY_OF_CEPH))])

    with pytest.raises(LxdError) as caught:
        lxd.get(api_path("networks"))

    assert KEY_OF_CEPH not in str(caught.value)
    assert str(caught.value).endswith(": Ceph's key is aes256k, make it aes")


def test_a_damaged_key_of_ceph_is_not_called_too_new():
    lxd, _ = client(get=[refused(unread_key("AQDsecretkeyAA=="))])

    with pytest.raises(LxdError) as caught:
        lxd.get(api_path("networks"))

    assert "AQDsecretkeyAA==" not in str(caught.value)
    assert "aes256k" not in str(caught.value)
