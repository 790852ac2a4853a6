# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Finding the program that listens where LXD should, and networks that do not run."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lxd.client import Client
from lxd.http import Request, Response
from lxd.networks import NetworksApi
from lxd.server import Listener, ServerApi
from observe import listeners
from ports.ports import Ports
from state.cluster import Server

CERTIFICATE = "-----BEGIN CERTIFICATE-----\nTFhE\n-----END CERTIFICATE-----\n"
FINGERPRINT = "1a2262ce2251a603306c951601744d0cae2be9fb715111af765b1e1302a1be60"


class Port:
    """Answers requests from a table, and shows a certificate or fails."""

    def __init__(self, answers: dict[str, Any] | None = None, shown: OSError | None = None) -> None:
        self.answers = answers or {}
        self.shown = shown
        self.sent: list[str] = []

    def send(self, request: Request, seconds: float) -> Response:
        query = "&".join(f"{key}={value}" for key, value in sorted(request.query.items()))
        asked = f"{request.path}?{query}".rstrip("?")
        self.sent.append(f"{request.method} {asked} {request.body or ''}".rstrip())
        if request.method != "GET":
            return Response(200, {"type": "sync", "metadata": None})
        if asked not in self.answers:
            return Response(404, {"type": "error", "error": "not found"})
        return Response(200, {"type": "sync", "metadata": self.answers[asked]})

    def certificate(self, host: str, port: int, seconds: float) -> str:
        if self.shown:
            raise self.shown
        return CERTIFICATE

    def now(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None: ...


def with_fingerprint(fingerprint: str) -> dict[str, Any]:
    environment: dict[str, Any] = {
        "server_version": "6.9",
        "server_clustered": True,
        "server_name": "m0",
        "certificate_fingerprint": fingerprint,
        "storage_supported_drivers": [],
    }
    return {"/1.0": {"environment": environment, "config": {}, "api_extensions": []}}


SHOWN: list[tuple[OSError | None, str, Listener]] = [
    (None, FINGERPRINT, Listener.OURS),
    (None, "f00d", Listener.ANOTHER),
    (ConnectionRefusedError(), FINGERPRINT, Listener.NOBODY),
    (ssl.SSLError("wrong version number"), FINGERPRINT, Listener.ANOTHER),
    (TimeoutError(), FINGERPRINT, Listener.SILENT),
]


@pytest.mark.parametrize(("shown", "fingerprint", "listener"), SHOWN)
def test_a_listener_is_known_by_its_certificate(
    shown: OSError | None, fingerprint: str, listener: Listener
):
    api = ServerApi(Client(Port(with_fingerprint(fingerprint), shown)))

    assert api.listener("10.0.0.10", fingerprint) is listener


def test_a_certificate_that_has_just_changed_is_ours():
    api = ServerApi(Client(Port(with_fingerprint(FINGERPRINT))))

    assert api.listener("10.0.0.10", "the one before") is Listener.OURS


def ports(port: Port, program: str) -> Ports:
    def listener(address: str, port: int) -> str:
        return program

    machine = SimpleNamespace(listener=listener)
    return cast(
        "Ports",
        SimpleNamespace(lxd=SimpleNamespace(server=ServerApi(Client(port))), machine=machine),
    )


@pytest.mark.parametrize(
    ("shown", "program", "not_listening"),
    [
        (None, "", {}),
        (ConnectionRefusedError(), "", {"10.0.0.10": ""}),
        (ssl.SSLError(), "nginx (pid 812)", {"10.0.0.10": "nginx (pid 812)"}),
        (ssl.SSLError(), "", {"10.0.0.10": "another program"}),
        (TimeoutError(), "nc (pid 4)", {"10.0.0.10": "nc (pid 4)"}),
        (TimeoutError(), "lxd (pid 5)", {}),
        (TimeoutError(), "", {"10.0.0.10": "another program"}),
    ],
)
def test_the_program_that_listens_instead_of_lxd_is_named(
    shown: OSError | None, program: str, not_listening: dict[str, str]
):
    server = Server("6.9", True, "m0", FINGERPRINT, frozenset(), {})

    found = listeners.not_listening(["10.0.0.10"], server, ports(Port(shown=shown), program))

    assert found == not_listening


def test_a_busy_lxd_counts_as_listening():
    config = {"core.https_address": "10.0.0.10:8443"}
    server = Server("6.9", True, "m0", FINGERPRINT, frozenset(), config)
    silent = ports(Port(shown=TimeoutError()), "")

    assert listeners.not_listening(["10.0.0.10"], server, silent) == {}


def test_a_port_that_a_stopped_lxd_waits_for_is_named():
    assert listeners.taken(["10.0.0.10", ""], ports(Port(), "nginx (pid 812)")) == {
        "10.0.0.10": "nginx (pid 812)"
    }
    assert listeners.taken(["10.0.0.10"], ports(Port(), "lxd (pid 5)")) == {}


def test_lxd_tries_again_after_an_address_was_unset():
    port = Port()

    ServerApi(Client(port)).listen({"core.https_address": "10.0.0.10:8443"})

    assert port.sent == [
        "PATCH /1.0 {'config': {'core.https_address': ''}}",
        "PATCH /1.0 {'config': {'core.https_address': '10.0.0.10:8443'}}",
    ]


def warning(network: str, member: str, **more: str) -> dict[str, str]:
    return {
        "type": "Network unavailable",
        "status": "new",
        "location": member,
        "project": "default",
        "entity_url": f"/1.0/networks/{network}?project=default",
        "last_message": "Address already in use",
        **more,
    }


WARNINGS = "/1.0/warnings?recursion=1"


def test_a_network_that_does_not_run_here_is_reported_with_the_reason():
    there = {
        WARNINGS: [
            warning("lan", "m0"),
            warning("well", "m0"),
            warning("gone", "m0"),
            warning("old", "m0", status="resolved"),
            warning("lan", "m1"),
            warning("", "m0", type="AppArmor support has been disabled", entity_url=""),
        ],
        "/1.0/networks/lan?project=default&target=m0": {"status": "Unavailable"},
        "/1.0/networks/well?project=default&target=m0": {"status": "Created"},
        "/1.0/networks/old?project=default&target=m0": {"status": "Unavailable"},
    }

    assert NetworksApi(Client(Port(there))).unavailable("m0") == {"lan": "Address already in use"}


def test_a_warning_that_names_no_network_is_about_the_one_that_does_not_run():
    names = ("lan", "well")
    rows: list[dict[str, Any]] = [
        {
            "name": n,
            "type": "bridge",
            "status": "Created",
            "config": {},
            "used_by": [],
            "managed": True,
        }
        for n in names
    ]
    there: dict[str, Any] = {
        WARNINGS: [warning("lan", "m0", entity_url="")],
        "/1.0/networks?recursion=1": rows,
        "/1.0/networks/lan?project=default&target=m0": {"status": "Unavailable"},
        "/1.0/networks/well?project=default&target=m0": {"status": "Created"},
    }

    assert NetworksApi(Client(Port(there))).unavailable("m0") == {"lan": "Address already in use"}


def test_without_a_warning_no_network_is_looked_at():
    port = Port({WARNINGS: []})

    assert NetworksApi(Client(port)).unavailable("m0") == {}
    assert port.sent == [f"GET {WARNINGS}"]
