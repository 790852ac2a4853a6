# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Tests that need their own kernel: the charm on virtual machines, which the lab emulates.

`tests/integration/conftest.py` describes JUJU and CHARM. On a controller whose cloud has virtual
machines these tests run unchanged.
"""

from __future__ import annotations

from collections.abc import Callable

import jubilant
import pytest

from tests.integration.conftest import APP, Files, cli, files, juju

# Fixtures of the integration tests that these tests use, too.
__all__ = ["cli", "deploy", "files", "juju"]

WAIT = 2400.0
"""Seconds for every expected change. An emulated machine is about fifteen times slower."""


@pytest.fixture(scope="module")
def deploy(juju: jubilant.Juju, files: Files) -> Callable[..., None]:
    """Deploys the charm on virtual machines."""

    def deployed(units: int, **config: jubilant.ConfigValue) -> None:
        juju.wait_timeout = WAIT
        juju.deploy(
            files.charm,
            APP,
            num_units=units,
            config={key.replace("_", "-"): value for key, value in config.items()},
            resources=files.resources,
            constraints={"virt-type": "virtual-machine"},
        )

    return deployed
