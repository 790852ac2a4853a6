# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""One deployment driven by python-libjuju, like tools for Juju 3.6."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pytest_operator.plugin import OpsTest

FORMED = 1800  # seconds; three machines are made, and LXD is downloaded on each
CHARM = Path(os.environ["CHARM"])


@pytest.mark.asyncio
async def test_three_machines_become_one_cluster(ops_test: OpsTest) -> None:
    model = ops_test.model
    assert model is not None
    await model.deploy(CHARM, application_name="lxd-cluster", num_units=3)

    await model.wait_for_idle(apps=["lxd-cluster"], status="active", timeout=FORMED)

    message = model.applications["lxd-cluster"].status_message
    assert message.startswith("3 members")
