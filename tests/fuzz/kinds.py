# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The kinds of input: each makes one, lets the charm read it, and raises if the result is wrong."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

import backends
import modes
from actions import parameters as actions_parameters
from actions import results
from actions.forget_lost import forget_lost
from actions.recover_quorum import recover_quorum
from actions.remove_pool import remove_pool
from actions.wipe_device import wipe_device
from options.options import Options, explain, leaving_options
from relations import ceph
from tests.fuzz import texts
from tests.fuzz.checks import Unwell, check_plan, check_status, members, shown
from tests.fuzz.databags import databags
from tests.fuzz.join_tokens import tokens
from tests.fuzz.relation_data import relations

LONG = 1.0
"""Seconds of the processor that no set of options takes to read."""


def _option(r: random.Random, field: str, default: Any) -> object:
    if field in ("networks", "storage_pools", "network_config"):
        return texts.yaml(r)
    if isinstance(default, bool):
        return r.random() < 0.5
    if isinstance(default, int):
        # Juju checks that it is a whole number, of 64 bits.
        return r.choice((r.randrange(-2, 12), 4094, 4095, 65535, 2**63 - 1, -(2**63)))
    kept: dict[str, tuple[str, ...]] = {
        "network_mode": tuple(modes.MODES),
        "storage_backend": (*backends.BACKENDS, backends.AUTO),
    }
    return r.choice((*kept.get(field, ()), texts.word(r), texts.mangled(r, str(default))))


def options(r: random.Random) -> None:
    """A set of options: refused in one line, or understood by everything that reads it."""
    fields = list(Options.model_fields)
    chosen = r.sample(fields, r.randrange(1, 5))
    if r.random() < 0.7:
        chosen.append(r.choice(("networks", "storage_pools", "network_config")))
    chosen_options = {f: _option(r, f, Options.model_fields[f].default) for f in chosen}
    leaving_options({name.replace("_", "-"): value for name, value in chosen_options.items()})
    begun = time.process_time()
    try:
        wanted = Options.model_validate(chosen_options)
    except ValidationError as error:
        check_status(explain(error))
        return
    finally:
        if (seconds := time.process_time() - begun) > LONG:
            raise Unwell(f"options take {seconds:.1f} s to read")
    ceph.request("lxd/0", wanted, None)
    app = members()
    app.options = chosen_options
    try:
        for unit in r.sample(sorted(app.units), 1):
            check_plan(app.plan(unit))
    finally:
        app.options = {}


def parameters(r: random.Random) -> None:
    """Parameters of actions: refused with a reason, or understood."""
    config = {name.replace("_", "-"): field.default for name, field in Options.model_fields.items()}
    names = [*r.sample(sorted(config), r.randrange(1, 4)), *actions_parameters.MAPS, texts.word(r)]
    params = {n: r.choice((texts.value(r), texts.yaml(r), _deep(r))) for n in r.sample(names, 2)}
    app = members()
    view, ports = app.view("lxd/0"), app.units["lxd/0"].ports
    lost = {"name": r.choice((texts.value(r), texts.word(r)))}

    def word() -> str:
        return actions_parameters.word(lost, "name")

    tries: tuple[Callable[[], dict[str, object]], ...] = (
        lambda: {"options": str(actions_parameters.with_options(config, params))},
        lambda: actions_parameters.as_read(config, params),
        lambda: {"result": forget_lost(view, ports, word())},
        lambda: {"result": remove_pool(view, ports, word(), word())},
        lambda: {"result": wipe_device(None, ports, word(), word())},
        lambda: {"result": recover_quorum(view, ports, word(), word())},
    )
    for attempt in tries:
        answer = results.answer("lxd/0", attempt)
        for text in (answer.failure, *map(str, answer.results.values())):
            shown(text.replace("\n", " ").replace("\t", " "))


def _deep(r: random.Random) -> Any:
    found: Any = "x"
    for _ in range(r.choice((3, 50, 5000))):
        found = r.choice(({"a": found}, {"config": found}, [found]))
    return found


KINDS: dict[str, Callable[[random.Random], None]] = {
    "options": options,
    "databags": databags,
    "tokens": tokens,
    "relations": relations,
    "parameters": parameters,
}


def run(kind: str, seed: int, number: int) -> BaseException | None:
    """Runs one case of a kind. Returns the error."""
    try:
        KINDS[kind](random.Random(f"{seed} {kind} {number}"))
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return error
    return None
