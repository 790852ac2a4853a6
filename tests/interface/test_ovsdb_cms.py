# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The interface `ovsdb-cms`, as between the charm ovn-central and us.

The requirer writes nothing. Each of the provider's units publishes the address of its database.
"""

from __future__ import annotations

import json

import pytest

from tests.interface.ovn_requirer import UNUSABLE, WANTS, RequirerUnit, ovn_requirer, used
from tests.interface.requirer import NOTHING, Requirer, Units


@pytest.fixture
def requirer(monkeypatch: pytest.MonkeyPatch) -> Requirer:
    return ovn_requirer("ovsdb-cms", monkeypatch)


def published(*addresses: str | None) -> Units:
    """The databags of ovn-central's units: its framework writes each value as JSON."""
    return {n: {"bound-address": json.dumps(a)} for n, a in enumerate(addresses)}


# Nothing yet.


def test_a_new_relation_gets_nothing(requirer: Requirer):
    requirer.created()

    assert RequirerUnit.model_validate(requirer.databag)
    assert used(requirer) == ""
    assert requirer.status == WANTS


# The answer is there.


@pytest.mark.parametrize(
    ("addresses", "connection"),
    [
        (["10.0.9.1"], "ssl:10.0.9.1:6641"),
        (["10.0.9.2", "10.0.9.1"], "ssl:10.0.9.1:6641,ssl:10.0.9.2:6641"),
        (["[fd00::9]"], "ssl:[fd00::9]:6641"),
        (["fd00::9"], "ssl:[fd00::9]:6641"),
    ],
)
@pytest.mark.parametrize("encoded", [True, False])
def test_every_form_of_an_address_is_used(
    requirer: Requirer, addresses: list[str], connection: str, encoded: bool
):
    """Charms on ops write the text itself. ovn-central sets addresses of IPv6 in brackets."""
    requirer.created()
    plain = {n: {"bound-address": a} for n, a in enumerate(addresses)}

    requirer.changed(published(*addresses) if encoded else plain)

    assert used(requirer) == connection
    assert RequirerUnit.model_validate(requirer.databag)


def test_what_the_interface_has_besides_does_no_harm(requirer: Requirer):
    """ovn-central-k8s also publishes names, and the application an address of its own."""
    requirer.created()

    databag = {"bound-address": "10.0.9.1", "bound-hostname": "ovn-0.example"}
    requirer.changed({0: databag}, {"loadbalancer-address": "10.0.8.1"})

    assert used(requirer) == "ssl:10.0.9.1:6641"


def test_a_unit_that_departs_is_used_no_longer(requirer: Requirer):
    requirer.created()
    requirer.changed({**published("10.0.9.1"), 9: {"bound-address": '"10.0.9.9"'}})
    assert "10.0.9.9" in used(requirer)

    requirer.departed(published("10.0.9.1"))

    assert used(requirer) == "ssl:10.0.9.1:6641"


# The answer is partial.


def test_units_without_an_address_do_not_count(requirer: Requirer):
    """A unit publishes none before its database runs; the framework's word for that is null."""
    requirer.created()

    requirer.changed({**published("10.0.9.1", None), 2: {}, 3: {"bound-address": '""'}})

    assert used(requirer) == "ssl:10.0.9.1:6641"


@pytest.mark.parametrize("units", [NOTHING, published(None), {0: {"bound-address": ""}}])
def test_an_address_is_waited_for(requirer: Requirer, units: Units):
    requirer.created()

    requirer.changed(units)

    assert used(requirer) == ""
    assert requirer.status == WANTS


# The answer is malformed.

WRONG = ["10.0.9.1 --db=x", "10.0.9.1\n", '"10.0.9.1', '["10.0.9.1"]', "tcp:10.0.9.1:6641", "{"]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_malformed_address_is_not_used(requirer: Requirer, wrong: str):
    requirer.created()

    requirer.changed({0: {"bound-address": wrong}})

    assert used(requirer) == ""
    assert requirer.status == UNUSABLE


def test_a_malformed_address_leaves_the_others(requirer: Requirer):
    requirer.created()

    requirer.changed(published("10.0.9.1", "no address"))

    assert used(requirer) == "ssl:10.0.9.1:6641"


def test_a_malformed_address_leaves_what_is_set(requirer: Requirer):
    requirer.created()
    requirer.changed(published("10.0.9.1"))

    requirer.changed(published("no address"))

    assert used(requirer) == "ssl:10.0.9.1:6641"


# The relation goes.


def test_a_relation_that_goes_takes_the_connection_with_it(requirer: Requirer):
    requirer.config = {}
    requirer.created()
    requirer.changed(published("10.0.9.1"))
    assert used(requirer)

    requirer.broken()
    requirer.without()

    assert RequirerUnit.model_validate(requirer.databag)
    assert used(requirer) == ""


def test_a_unit_without_its_ovn_asks_for_it_again(requirer: Requirer):
    requirer.created()
    requirer.changed(NOTHING)

    requirer.broken()

    assert requirer.status == WANTS
