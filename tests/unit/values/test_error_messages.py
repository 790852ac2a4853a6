# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Errors that do not fit into a status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lxd import clock_errors, proxy_errors
from values import error_messages
from values.status import STATUS_LIMIT, blocked

JOIN = "could not join the cluster as m2: Failed to setup cluster trust: "
CONNECT = 'Failed to connect to target cluster node "10.0.0.1:8443": Get "https://10.0.0.1:8443": '

LONG = [
    pytest.param(
        JOIN + CONNECT + "dial tcp 10.0.0.1:8443: connect: no route to host",
        "could not join the cluster as m2: connect: no route to host",
        id="the end of a chain",
    ),
    pytest.param(
        "could not create the vxlan network lan: Failed starting network: The DNS and DHCP service "
        'exited prematurely: exit status 2 ("dnsmasq: failed to create listening socket for '
        '10.0.0.1: Address already in use")',
        "could not create the vxlan network lan: Address already in use",
        id="what a program said",
    ),
    pytest.param(
        "lxd/1: could not create the dir pool fast: Failed creating storage pool on m1: mkdir "
        "/srv: permission denied",
        "lxd/1: could not create the dir pool fast: mkdir /srv: permission denied",
        id="a unit and its step",
    ),
    pytest.param(
        "3 joins failed; run retry-join. The last: "
        + proxy_errors.with_cure(
            CONNECT + "proxyconnect tcp: dial tcp 10.0.0.5:3128: connect: connection refused"
        ),
        "3 joins failed; run retry-join. The last: set no_proxy in /etc/environment",
        id="a proxy in between",
    ),
    pytest.param(
        "3 joins failed; run retry-join. The last: "
        + clock_errors.with_cure(
            "Failed to setup cluster trust: Failed to add server cert to cluster: The provided "
            "certificate isn't valid yet"
        ),
        "3 joins failed; run retry-join. The last: clocks differ, see timedatectl",
        id="a clock that is ahead",
    ),
    pytest.param(
        "3 joins failed; run retry-join. The last: "
        + clock_errors.with_cure(
            CONNECT + "tls: failed to verify certificate: x509: certificate has expired or is not "
            "yet valid: current time 2019-04-01T00:00:00Z is before 2026-11-29T07:00:00Z"
        ),
        "3 joins failed; run retry-join. The last: clocks differ, see timedatectl",
        id="a clock that is behind",
    ),
    pytest.param(
        f"could not create the dir pool {'x' * 90}: {'y' * 90}",
        f"could not create the dir pool xxxxxx...: ...{'y' * 35}",
        id="both ends too long",
    ),
    pytest.param("x" * 100, f"{'x' * 76}...", id="no chain"),
]


@pytest.mark.parametrize(("message", "shown"), LONG)
def test_a_status_shows_the_step_and_then_the_cause(message: str, shown: str):
    assert blocked(message).message == shown


@pytest.mark.parametrize("message", ["", "for m1", "a: b: c", "x" * STATUS_LIMIT])
def test_what_fits_is_shown_whole(message: str):
    assert error_messages.fit(message, STATUS_LIMIT) == message


LINK = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=120)


@given(st.lists(LINK, min_size=2, max_size=6))
def test_no_status_is_too_long_and_none_loses_a_short_cause(chain: list[str]):
    shown = error_messages.fit(": ".join(chain), STATUS_LIMIT)

    assert len(shown) <= STATUS_LIMIT
    assert shown.endswith(chain[-1][-30:])


def test_a_colon_in_quotes_parts_no_chain():
    assert error_messages.links('Get "a: b": dial tcp: refused') == (
        'Get "a: b"',
        "dial tcp",
        "refused",
    )


def test_other_errors_are_shown_unchanged():
    assert proxy_errors.with_cure("connection refused") == "connection refused"
    assert clock_errors.with_cure("connection refused") == "connection refused"
