# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The program on a port."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from host.sockets import listener


@pytest.mark.parametrize(
    ("family", "bound", "asked"),
    [
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET, "0.0.0.0", "127.0.0.1"),
        (socket.AF_INET6, "::1", "::1"),
        (socket.AF_INET6, "::", "127.0.0.1"),
    ],
)
def test_the_program_is_named(family: socket.AddressFamily, bound: str, asked: str):
    with socket.create_server((bound, 0), family=family) as server:
        port = server.getsockname()[1]

        program = listener(asked, port)

    name = Path("/proc/self/comm").read_text().strip()
    assert program == f"{name} (pid {os.getpid()})"


def test_nobody_is_named_where_nobody_listens():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))

        assert listener("127.0.0.1", bound.getsockname()[1]) == ""


def test_one_on_another_address_is_not_meant():
    with socket.create_server(("127.0.0.2", 0)) as server:
        assert listener("127.0.0.1", server.getsockname()[1]) == ""


def test_a_program_that_is_gone_meanwhile_has_no_name(tmp_path: Path):
    (tmp_path / "net").mkdir()
    row = "0: 0100007F:20FB 00000000:0000 0A 0:0 00:0 0 0 0 4711 1"
    (tmp_path / "net/tcp").write_text(f"head\n{row}\n")
    (tmp_path / "812").mkdir()

    assert listener("127.0.0.1", 8443, tmp_path / "net", tmp_path) == ""
