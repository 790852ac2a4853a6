# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Several models of a lab, each with its own machines."""

from __future__ import annotations

from pathlib import Path

import jubilant
import pytest

from lab.machines import network
from plain_hosts import PlainProvider
from probes import LAB_JUJU, wait_active


def test_models_come_and_go(juju: jubilant.Juju, probe: Path, provider: PlainProvider):
    juju.add_model("other", config={"update-status-hook-interval": "1m"})
    assert juju.model == "other"
    assert juju.model_config()["update-status-hook-interval"] == "1m"
    assert juju.show_model().short_name == "other"
    juju.deploy(probe)
    wait_active(juju, 1)
    default = jubilant.Juju(cli_binary=LAB_JUJU)
    default.deploy(probe)
    wait_active(default, 1)
    names = [m.hostname for j in (juju, default) for m in j.status().machines.values()]
    assert len(set(names)) == 2
    juju.destroy_model("other")
    assert "other" not in default.cli("models", include_model=False)
    wait_active(default, 1)


def test_the_lab_has_room_for_so_many_models(juju: jubilant.Juju):
    for number in range(network.MODELS):
        juju.add_model(f"more{number}")
    with pytest.raises(jubilant.CLIError, match="room for 6 models"):
        juju.add_model("another")
