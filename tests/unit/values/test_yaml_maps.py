# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""YAML of options: too much or invalid YAML is refused with its name."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from options.options import Options, explain
from values import yaml_maps
from values.status import STATUS_LIMIT

BOMB = "a: &a [x, x]\n" + "\n".join(
    f"{this}: &{this} [{', '.join([f'*{before}'] * 20)}]"
    for before, this in zip("abcde", "bcdef", strict=True)
)


def _refused(text: str) -> str:
    with pytest.raises(ValueError, match=r".") as refused:
        yaml_maps.mapping(text, "no map")
    return str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        *("a: !!bool x", "a: !!int ''", "a: !!float ''", "a: !!timestamp x", "a: !!binary ü"),
        *("? [a]\n: b", "? {a: b}\n: c", "!!int x", "a: b: c"),
        *("a: !!timestamp 2026-99-99", "--- a\n--- b", "a: !!python/name:os.system", "a: \x00"),
    ],
)
def test_what_cannot_be_built_is_not_yaml(text: str):
    assert _refused(text) == "that is not YAML"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB, "use at most 2000 keys and values"),
        ("a: &a [*a]", "use at most 8 levels"),
        ("[" * 5000, "use at most 8 levels"),
        ("{a: " * 2000, "use at most 8 levels"),
        ("a: " + "[" * 20 + "]" * 20, "use at most 8 levels"),
        ("a: " + "9" * 5000, "use at most 4096 characters in a value"),
        ("a: 0x" + "f" * 5000, "use at most 4096 characters in a value"),
        ('"\\ud800": b', "use no control characters"),
        ('a: "\\0"', "use no control characters"),
        ("a: b\n" * 10_000, "use at most 32768 characters"),
    ],
)
def test_what_is_too_much_is_refused_by_name(text: str, why: str):
    assert _refused(text) == why


def test_an_alias_is_as_good_as_what_it_repeats():
    found = yaml_maps.mapping("a: &x {mode: bridge}\nb: *x", "no map")

    assert found["b"] == {"mode": "bridge"}


@pytest.mark.parametrize("value", ["null", "[a]", "{b: c}", '"a\\0b"', '"\\ud800"', "2026-01-01"])
def test_a_value_of_lxds_is_a_text_without_control_characters(value: str):
    with pytest.raises(ValidationError) as refused:
        Options(networks=f"lan: {{mode: bridge, config: {{raw.dnsmasq: {value}}}}}")

    assert len(explain(refused.value)) <= STATUS_LIMIT


def test_a_value_of_lxds_may_have_several_lines():
    (net,) = Options(networks='lan: {mode: bridge, config: {raw.dnsmasq: "a\\nb"}}').more_networks

    assert net.config == {"raw.dnsmasq": "a\nb"}


def test_half_a_character_is_refused():
    with pytest.raises(ValidationError) as refused:
        Options(networks="lan\ud83d", snap_channel="\ud83d")

    assert explain(refused.value) == (
        r"snap-channel=\ud83d: it has an incomplete character: type it again"
    )
