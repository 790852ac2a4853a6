# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A cluster in every generation of LXD, and LXD as its first member sees it."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from tests.lxd_model.generations import NAMES
from tests.lxd_model.server import Server
from tests.unit.lxd_servers import clustered


@pytest.fixture(params=NAMES)
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Three members."""
    return clustered(request.param)


@pytest.fixture
def lxd(servers: list[Server]) -> LxdApi:
    """LXD as the first of the servers sees it."""
    return LxdApi(servers[0].lxd)
