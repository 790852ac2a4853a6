# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""How Juju's client reads `key=value` words of `juju run`."""

from __future__ import annotations

from typing import Any

import pytest

from lab.cli import parameters
from lab.cli.session import CommandError


def parsed(*words: str, **given: Any) -> dict[str, Any]:
    return parameters.from_words(words, given, strings=False)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("word", "word"),
        ("two words", "two words"),
        ("'12345'", "12345"),
        ('"y"', "y"),
        ("12345", 12345),
        ("-7", -7),
        ("+7", 7),
        ("1_000", 1000),
        ("0123", 83),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b101", 5),
        ("0189", 189),
        ("1e5", 100000),
        ("12e-1", 1.2),
        ("1.0", 1),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("5.21/stable", "5.21/stable"),
        ("99999999999999999999", 100000000000000000000),
        ("y", True),
        ("No", False),
        ("on", True),
        ("oN", "oN"),
        ("true", True),
        ("~", None),
        ("null", None),
        ("", ""),
        ("# nothing", "# nothing"),
        ("2026-11-28", "2026-11-28"),
        ("10:30", "10:30"),
        ("[a, 1, y]", ["a", 1, True]),
        ("wipe-0123", "wipe-0123"),
        ("1.2.3.4/24", "1.2.3.4/24"),
        ("a=b", "a=b"),
        ("!!str 12", "12"),
        ("d0c1e5a2", "d0c1e5a2"),
        ("123e4567", "123e4567"),
        ("_1", "_1"),
    ],
)
def test_values_are_yaml(value: str, meant: object):
    found = parsed(f"key={value}")["key"]
    assert (type(found), found) == (type(meant), meant)


@pytest.mark.parametrize("value", ["{a: b}", "a: b", "{}", "[{a: b}]", "{storage-backend: zfs}"])
def test_a_map_cannot_be_sent(value: str):
    with pytest.raises(CommandError) as refused:
        parsed(f"config={value}")
    assert str(refused.value) == "json: unsupported type: map[interface {}]interface {}"


@pytest.mark.parametrize(("value", "shown"), [(".inf", "+Inf"), ("-.Inf", "-Inf"), (".nan", "NaN")])
def test_json_has_no_such_numbers(value: str, shown: str):
    with pytest.raises(CommandError) as refused:
        parsed(f"key={value}")
    assert str(refused.value) == f"json: unsupported value: {shown}"


@pytest.mark.parametrize("value", ["[", "'", "a: b: c", "@x"])
def test_a_text_that_is_not_yaml_is_refused(value: str):
    with pytest.raises(CommandError, match="yaml: "):
        parsed(f"key={value}")


@pytest.mark.parametrize("value", ["12345", "0123", "1e5", "y", "{a: b}", "", "["])
def test_string_args_leave_values_as_they_are(value: str):
    assert parameters.from_words([f"key={value}"], {}, strings=True) == {"key": value}


@pytest.mark.parametrize("strings", [True, False])
def test_dots_in_keys_make_maps(strings: bool):
    words = ["storage-pools.fast=zfs", "storage-pools.slow=dir", "network-mode=ovn"]
    assert parameters.from_words(words, {}, strings=strings) == {
        "storage-pools": {"fast": "zfs", "slow": "dir"},
        "network-mode": "ovn",
    }


def test_words_count_more_than_a_file_and_a_map_more_than_a_word():
    assert parsed("a.b=1", "c=2", a={"b": 0, "d": 4}, c=0) == {"a": {"b": 1, "d": 4}, "c": 2}
    assert parsed("a=1", "a.b=2") == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("uh", 'argument "uh" must be of the form key.key.key...=value'),
        ("foo.Baz=3", 'key "Baz" must start and end with lowercase alphanumeric'),
        ("network_mode=ovn", 'key "network_mode" must start and end'),
        (".a=1", 'key "" must start'),
    ],
)
def test_words_that_are_refused(word: str, message: str):
    with pytest.raises(CommandError) as refused:
        parsed(word)
    assert message in str(refused.value)
