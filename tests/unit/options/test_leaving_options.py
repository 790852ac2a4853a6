# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A leaving unit while some option is wrong: the valid ones count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from options.options import ABANDON, EVACUATE, Options, leaving_options
from plan.unit import make_plan
from state.peers import ParentInterface
from tests.unit.leavers import cluster, instance, leaver

ON_BR0 = {"eth0": {"type": "nic", "nictype": "bridged", "parent": "br0"}}
FLAT = {"network-mode": "flat", "network-parent": "br0"}


@pytest.mark.parametrize("on_remove", [EVACUATE, ABANDON])
def test_an_instance_moves_as_it_does_without_the_typo(on_remove: str):
    """All members have the bridge that it is on."""
    links = {n: {"flat br0": ParentInterface(parent="br0")} for n in ("m0", "m1", "m2")}
    view = leaver(cluster(instance("c1", added=ON_BR0)), links=links)
    config = {**FLAT, "images-replicas": 0, "on-remove": on_remove}

    plan = make_plan(replace(view, options=leaving_options(config)))

    assert [str(step) for step in plan.steps] == ["move default/c1 to m0"]


def test_nothing_is_given_up_while_nobody_knows_the_networks():
    config = {**FLAT, "network-mtu": -1, "on-remove": ABANDON}

    assert leaving_options(config).on_remove == EVACUATE


def test_its_own_options_count_whatever_the_others_are():
    config = {"min-voters": 5, "on-remove": "refuse", "storage-size": "much", "storage-pools": "["}

    options = leaving_options(config)

    assert (options.min_voters, options.on_remove) == (5, "refuse")


def test_a_wrong_one_of_its_own_has_its_default():
    assert leaving_options({"min-voters": -1, "on-remove": "x"}) == Options()
