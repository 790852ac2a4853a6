# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Any text of an operator about networks is planned, or refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from modes import MODES
from options.networks import parse
from options.options import Options, explain
from tests.unit.model_units import ModelApp
from tests.unit.scenarios import ADDRESSED, BR0, ETH1
from values.status import STATUS_LIMIT
from values.wanted_network import WantedNetwork

RECORDINGS = Path(__file__).parents[2] / "recordings"
_OURS = ("parent", "vlan", "network", "bridge.external", "bgp.ipv", "acceleration", "volatile.")
WORDS = st.dictionaries(
    st.sampled_from(
        (
            *("parent", "vlan", "ipv4", "ipv6", "nat", "mtu", "domain", "dhcp-ranges", "uplink"),
            *("gateway", "ranges", "dns", "group", "config", "color"),
        )
    ),
    st.one_of(
        st.sampled_from(["auto", "none", "eth1", "br*", "10.9.0.1/24", "10.9.0.5-10.9.0.9", True]),
        st.integers(-1, 10000),
        st.text(max_size=8),
    ),
    max_size=4,
)
NAMED = st.sampled_from(sorted(MODES))


def _with_mode(mode: str, words: dict[str, Any]) -> dict[str, Any]:
    return {"mode": mode, **words}


ONE: st.SearchStrategy[Any] = st.one_of(NAMED, st.builds(_with_mode, NAMED, WORDS))
MAPS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.one_of(st.sampled_from(["lan", "lan-a", "up"]), st.text(max_size=17)), ONE, max_size=3
)


@settings(max_examples=1000, deadline=None)
@given(MAPS)
def test_whatever_networks_are_typed_they_are_planned_or_refused_in_one_line(
    networks: dict[str, Any],
):
    planned_or_refused({"networks": yaml.safe_dump(networks)}, "networks=")


@pytest.mark.parametrize("word", ["10.10.0.9", "10.10.0.5-10.10.0.9 10.10.0.7", "10.10.0.5-"])
def test_a_range_has_a_start_and_an_end(word: str):
    """LXD takes no single address (IsNetworkRangeV4 of 5.0 to 6.9)."""
    with pytest.raises(ValueError, match="use ranges such as"):
        Options(network_ipv4="10.10.0.1/24", network_dhcp_ranges=word)


FIELDS = sorted(f for f in Options.model_fields if f.startswith(("network", "vxlan", "ovn")))
VALUES = st.sampled_from(["10.9.0.1/24", "br0", "{a: b}", "macvlan"])


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(FIELDS), st.one_of(st.text(), st.integers(), VALUES))
def test_whatever_is_typed_of_the_default_network_puts_no_unit_into_error(field: str, value: Any):
    planned_or_refused({field: value}, f"{field.replace('_', '-')}=")


def planned_or_refused(options: dict[str, Any], begins: str) -> None:
    try:
        Options(**options)
    except ValidationError as error:
        reason = explain(error)
        assert reason.startswith(begins)
    else:
        app = ModelApp(options=options)
        app.add(0).machine.interfaces_ = [ADDRESSED, ETH1, BR0]
        app.settle()
        reason = app.plan("lxd/0").status.message
    assert len(reason) <= STATUS_LIMIT


WORDED = [
    (mode.name, key, word)
    for mode in MODES.values()
    for key, word in mode.word_of.items()
    if word in mode.words
]
FREE = [
    ("bridge", "ipv6.nat"),
    ("bridge", "ipv4.dhcp.expiry"),
    ("vxlan", "ipv4.dhcp.ranges"),
    ("ovn", "ipv4.dhcp.ranges"),
    ("macvlan", "gvrp"),
    ("bridge", "tunnel.t1.ttl"),
    ("sriov", "user.rack"),
    ("bridge", "ipv4.later"),
]
"""Keys that no word of their modes sets: LXD's key is the only way."""
EVERY_WORD = WantedNetwork(
    "lan",
    "",
    ipv4="10.9.0.1/24",
    ipv6="fd00:9::1/64",
    mtu=1400,
    domain="lan.example",
    dhcp_ranges="10.9.0.10-10.9.0.20,fd00:9::10-fd00:9::20",
    gateway=("10.9.0.1/24", "fd00:9::1/64"),
    ranges=("10.9.0.30-10.9.0.40", "fd00:9::30-fd00:9::40"),
    dns=("10.9.0.2",),
)


@pytest.mark.parametrize(("mode", "key", "word"), WORDED)
def test_a_key_with_a_word_is_set_by_the_word_alone(mode: str, key: str, word: str):
    with pytest.raises(ValueError, match=f"^lan: use {word}, not {key}$"):
        parse(f"lan: {{mode: {mode}, config: {{{key}: x}}}}", MODES)

    assert MODES[mode].config(EVERY_WORD)[key]


@pytest.mark.parametrize(("mode", "key"), FREE)
def test_a_key_without_a_word_is_free(mode: str, key: str):
    (net,) = parse(f"lan: {{mode: {mode}, config: {{{key}: x}}}}", MODES)

    assert net.config == {key: "x"}


OF_OTHERS = [
    ("macvlan", "ipv4.dhcp.expiry", "gvrp, user.*"),
    ("macvlan", "bridge.mtu", "gvrp, user.*"),
    ("sriov", "gvrp", "user.*"),
    ("ovn", "dns.mode", "dns.search, dns.zone."),
    ("bridge", "bridge.mode", "bridge.driver, b"),
    ("bridge", "fan.type", "bgp, bridge, dns, ipv4,"),
    ("fan", "ipv4.routes", "ipv4.dhcp.expiry, ipv4."),
    ("vxlan", "ipv4.dhcp", "ipv4.dhcp.expiry, ipv4."),
    ("physical", "ipv4.nat", "ipv4.routes, ipv4."),
    ("physical", "tunnel.t1.ttl", "bgp, gvrp, ipv4,"),
]
"""By mode: a key of LXD that another mode has, and the beginning of what this one has instead."""


def refusal(**options: str) -> str:
    """The status of wrong options."""
    with pytest.raises(ValidationError) as refused:
        Options.model_validate(options)
    return explain(refused.value)


@pytest.mark.parametrize(("mode", "key", "use"), OF_OTHERS)
def test_a_key_of_other_modes_is_refused_with_what_this_one_has(mode: str, key: str, use: str):
    named = f": {mode} has no {key}; use {use}"

    assert named in refusal(network_mode=mode, network_config=f"{{{key}: x}}")
    assert named in refusal(networks=f"{{lan: {{mode: {mode}, config: {{{key}: x}}}}}}")


@pytest.mark.parametrize("mode", ["flat", "none"])
def test_without_a_network_of_lxd_its_keys_are_ignored(mode: str):
    assert Options(network_mode=mode, network_config="{ipv4.dhcp.expiry: 2h}")


RECORDED = ("bridge", "macvlan", "ovn", "physical", "sriov")


@pytest.mark.parametrize("kind", RECORDED)
def test_the_keys_of_a_mode_are_those_of_lxd(kind: str):
    """LXD 5.0 has no list of them: its keys are among those of 5.21, by source."""
    recorded = {key for name in ("5.21.7-keys", "6.9-keys") for key in _recorded(name, kind)}
    of_members = {key for key in recorded if key.startswith(_OURS)}
    taken = {mode.name: mode.takes for mode in MODES.values()}
    fan = {"bridge.mode"} | taken["fan"] - taken["bridge"] if kind == "bridge" else set[str]()

    assert taken[kind] | of_members | fan == recorded - {"user.*"}


def _recorded(name: str, kind: str) -> set[str]:
    keys = json.loads((RECORDINGS / f"{name}.json").read_text())[f"network-{kind}"]
    return {key.replace("NAME", "*") for key in keys}


@pytest.mark.parametrize("key", ["ipv4.gateway", "ipv4.ovn.ranges", "dns.nameservers"])
def test_a_key_without_an_option_is_free_for_the_default_network(key: str):
    options = Options(network_mode="physical", network_config=f"{key}: x")

    assert options.default_network.config == {key: "x"}
