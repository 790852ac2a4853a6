# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Peer data: another unit can read a unit's data, and no data can stop another unit."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from state.peers import VERSION, AppData, QueueEntry, Storage, Token, UnitData, dump, load

FULL = UnitData(
    name="m1",
    address="10.0.0.1",
    key="CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    lxd="5.21.3",
    able=True,
    attempt=2,
    cluster="abc",
    storage=Storage(backend="btrfs", pool="local"),
    token=Token(unit="lxd/2", attempt=1, sealed="c2Vj", made=12.5),
    refused={"lxd/3": "no"},
)


def test_what_is_written_is_read():
    assert load(UnitData, dump(FULL)) == FULL
    app = AppData(bootstrap="lxd/0", queue=(QueueEntry(unit="lxd/0", attempt=1),))
    assert load(AppData, dump(app)) == app


def test_a_default_is_not_written():
    assert dump(UnitData(name="m1")) == {"name": '"m1"', "version": str(VERSION)}


def test_fields_of_a_newer_charm_are_ignored():
    assert load(UnitData, dump(FULL) | {"colour": '"blue"'}) == FULL


def test_data_of_a_later_version_is_known_by_it():
    later = VERSION + 1

    assert load(UnitData, dump(FULL) | {"version": str(later)}).version == later
    assert load(UnitData, {"version": str(later), "attempt": '"many"'}).version == later


@pytest.mark.parametrize("databag", [{}, {"name": "m1"}, {"attempt": '"many"'}, {"token": "{}"}])
def test_what_cannot_be_read_counts_as_not_written(databag: dict[str, str]):
    data = load(UnitData, databag)

    assert dump(data) == dump(UnitData())
    assert data.invalid_key == next(iter(databag), "")


LOW_ORDER = base64.b64encode(bytes([1]) + bytes(31)).decode()
DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("name", '"a\\nb"'),
        ("name", '"m1\\u0000"'),
        ("address", '"here"'),
        ("key", json.dumps("k")),
        ("key", json.dumps(LOW_ORDER)),
        ("storage", '{"backend": "bcachefs", "pool": "local"}'),
        ("bridges", '["lxdbr0 10.0.0.1/24 !"]'),
        ("bridges", '[""]'),
        ("token", DEEP),
        ("attempt", "9" * 5000),
    ],
)
def test_what_no_charm_writes_is_named(key: str, text: str):
    data = load(UnitData, dump(FULL) | {key: text})

    assert data.invalid_key == key
    assert not data.cluster


def test_half_a_character_is_not_read():
    assert load(UnitData, {"problem": r'"\ud800"'}).invalid_key


def test_a_backend_of_a_newer_charm_is_not_taken_for_nothing():
    app = AppData(bootstrap="lxd/0", cluster="c", storage=Storage(backend="new", pool="local"))

    assert load(AppData, dump(app)).invalid_key == "storage"


@given(st.dictionaries(st.sampled_from(sorted(UnitData.model_fields)), st.text()))
def test_a_databag_with_any_text_is_read_without_an_error(databag: dict[str, str]):
    load(UnitData, databag)


@given(st.dictionaries(st.sampled_from(sorted(UnitData.model_fields)), st.integers()))
def test_a_databag_with_any_number_is_read_without_an_error(fields: dict[str, int]):
    load(UnitData, {key: json.dumps(value) for key, value in fields.items()})
