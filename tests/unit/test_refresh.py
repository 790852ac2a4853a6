"""During a refresh of the charm, units that write less than this charm does work beside it."""

from __future__ import annotations

import json
import random

import pytest

from tests.unit.model_units import ModelApp

BEFORE = {
    "unit": {
        *("version", "name", "address", "key", "lxd", "revision", "able", "attempt"),
        *("cluster", "storage", "snap", "token", "refused"),
    },
    "app": {"version", "bootstrap", "cluster", "storage", "queue"},
    "token": {"unit", "attempt", "sealed", "made"},
}
"""What the first charm wrote. It ignored all else, and left it where it was."""


def as_before(databag: dict[str, str], kind: str) -> dict[str, str]:
    """A databag as the first charm would have written it."""
    kept = {key: value for key, value in databag.items() if key in BEFORE[kind]}
    if "token" in kept:
        token = {k: v for k, v in json.loads(kept["token"]).items() if k in BEFORE["token"]}
        kept["token"] = json.dumps(token)
    return kept


@pytest.mark.parametrize("seed", range(20))
def test_units_of_both_charms_become_one_cluster(seed: int):
    rng = random.Random(seed)
    app = ModelApp()
    old = {app.add(number).name for number in range(5) if rng.random() < 0.5}
    for number in range(5):
        if f"lxd/{number}" not in app.units:
            app.add(number)
    for _ in range(80):
        name = rng.choice(list(app.units))
        app.hook(name)
        if name in old:
            app.databags[name] = as_before(app.databags[name], "unit")
            if name == app.leader:
                app.app_data = as_before(app.app_data, "app")
        if old and rng.random() < 0.03:
            old.remove(rng.choice(sorted(old)))
    old.clear()
    app.settle()

    (cluster,) = app.clusters.values()
    assert len(cluster.members) == 5
