# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A part of `make fuzz`, with the same cases each time. And the fuzzer finds planted mistakes."""

from __future__ import annotations

import base64
import json
from itertools import count
from time import monotonic
from typing import Any

import pytest

from actions import parameters, results
from lxd import join_tokens
from observe import view
from options import options
from relations import ceph, ovn
from state import peers
from state.view import Peers
from tests.fuzz import kinds
from values import error_messages, public_keys, yaml_maps

SECONDS = 1.0
"""For each kind."""


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_no_random_input_raises_an_error(kind: str):
    end = monotonic() + SECONDS
    for number in count():
        error = kinds.run(kind, 1, number)
        assert error is None, f"make fuzz SEED=1 ARGS='--kind {kind} --case {number}': {error!r}"
        if monotonic() > end:
            return


def _plain_yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError("that is not YAML") from error


def _plain_token(token: str) -> dict[str, Any]:
    return json.loads(base64.b64decode(token))


def _whatever(*_: object) -> bool:
    return True


def _nothing(*_: object) -> str:
    return ""


def _as_it_is(text: str, kept: str = "") -> str:
    return text


def _as_text(_: object, text: str) -> str:
    return text


def _as_told(peers: Peers, _: object) -> Peers:
    return peers


GUARDS: dict[str, tuple[str, object, str, object]] = {
    "YAML that cannot be built": ("options", yaml_maps, "_yaml", _plain_yaml),
    "repetitions by aliases": ("options", yaml_maps, "_limit", _nothing),
    "control characters in a status": ("options", options, "escaped", _as_it_is),
    "forms of a databag's fields": ("databags", peers, "_malformed", _nothing),
    "keys to seal to": ("databags", public_keys, "is_key", _whatever),
    "who is a member": ("databags", view, "verified", _as_told),
    "control characters in a plan": ("databags", error_messages, "escaped", _as_it_is),
    "what is in a token": ("tokens", join_tokens, "_unpack", _plain_token),
    "a key of Ceph's": ("relations", ceph, "_is_key", _whatever),
    "an address of a Ceph's monitor": ("relations", ceph, "_is_monitor", _whatever),
    "what is PEM": ("relations", ovn, "_blocks", _as_text),
    "a connection of OVN's": ("relations", ovn, "is_connection", _whatever),
    "how deep a parameter is": ("parameters", parameters, "_limit", _nothing),
    "control characters in an answer": ("parameters", results, "lines", _as_it_is),
}


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_that_is_gone_is_missed(guard: str, monkeypatch: pytest.MonkeyPatch):
    kind, module, name, instead = GUARDS[guard]
    monkeypatch.setattr(module, name, instead)

    assert any(kinds.run(kind, 1, number) for number in range(1000))
