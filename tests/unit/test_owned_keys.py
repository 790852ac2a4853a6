"""The reference lists every key that the charm sets in LXD."""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path

import pytest

import modes
from plan.networks import northbound
from plan.server import settings
from values.profile_devices import PLACE
from values.wanted_network import WantedNetwork

TEXT = (Path(__file__).parents[2] / "docs/reference/owned-keys.md").read_text()
FULL = WantedNetwork(
    "net",
    "any",
    parents=("eth1",),
    vlan=7,
    ipv4="10.1.0.1/24",
    ipv6="fd00::1/64",
    mtu=1400,
    domain="lan",
    dhcp_ranges="10.1.0.5-10.1.0.9",
    gateway=("10.1.0.1/24",),
    ranges=("10.1.0.20-10.1.0.30",),
    dns=("10.1.0.1",),
)


def listed(key: str) -> bool:
    """Whether the table has the key, or a pattern for it."""
    words = TEXT.split("`")[1::2]
    return any(fnmatch(key, word) for word in words)


@pytest.mark.parametrize("mode", sorted(modes.MODES))
def test_the_keys_of_networks_are_listed(mode: str):
    made = modes.MODES[mode].config(FULL)

    assert [key for key in made if not listed(key)] == []


def test_the_keys_of_nics_are_listed():
    assert [key for key in PLACE if not listed(key)] == []


@pytest.mark.parametrize("key", [northbound.KEY, *(row.key for row in settings.SETTINGS)])
def test_the_keys_of_the_server_are_listed(key: str):
    assert listed(key)
