# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A member's own status if LXD calls it offline."""

from __future__ import annotations

from dataclasses import replace

from plan.unit import make_plan
from tests.unit import views
from tests.unit.views import data, lxd, member, peers

FOR = "No heartbeat for 5m0.186815505s (2026-11-28 21:23:42.734889083 +0000 UTC)"


def test_the_offline_time_is_shown_in_whole_seconds_without_the_date():
    own = replace(member(0, "OFFLINE"), message=FOR)
    among = peers(data(0), {1: data(1), 2: data(2)})

    plan = make_plan(views.view(lxd(own, member(1), member(2)), among))

    assert str(plan.status) == "waiting: member m0 is offline: No heartbeat for 5m0s"
