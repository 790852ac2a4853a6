"""What needs a kernel of its own: the charm on virtual machines, which the lab emulates.

`tests/integration/conftest.py` says what JUJU and CHARM are. On a controller whose cloud has
virtual machines these tests run as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import jubilant
import pytest

from tests.integration.conftest import APP, Files, cli, files, juju

# Fixtures of the integration tests that are these tests' too.
__all__ = ["cli", "deploy", "files", "juju"]

WAIT = 2400.0
"""Seconds for whatever has to come true. An emulated machine is some fifteen times slower."""


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
