# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The interface `ovsdb`, as between the charm microovn and us.

The requirer writes nothing. The provider's leader publishes the connections to both databases in
the databag of its application.
"""

from __future__ import annotations

import pytest

from tests.interface.ovn_requirer import UNUSABLE, WANTS, RequirerUnit, ovn_requirer, used
from tests.interface.requirer import NOTHING, Databag, Requirer

TWO = "ssl:10.0.9.1:6641,ssl:10.0.9.2:6641"


@pytest.fixture
def requirer(monkeypatch: pytest.MonkeyPatch) -> Requirer:
    return ovn_requirer("ovsdb", monkeypatch)


def published(connection: str) -> Databag:
    """The databag of microovn's application."""
    southbound = connection.replace("6641", "6642")
    return {"db_nb_connection_str": connection, "db_sb_connection_str": southbound}


# Nothing yet.


def test_a_new_relation_gets_nothing(requirer: Requirer):
    requirer.created()

    assert RequirerUnit.model_validate(requirer.databag)
    assert used(requirer) == ""
    assert requirer.status == WANTS


# The answer is there.


@pytest.mark.parametrize(
    "connection", ["ssl:10.0.9.1:6641", TWO, "ssl:[fd00::9]:6641", "tcp:10.0.9.1:6641"]
)
def test_every_form_of_a_connection_is_used(requirer: Requirer, connection: str):
    requirer.created()

    requirer.changed(NOTHING, published(connection))

    assert used(requirer) == connection
    assert RequirerUnit.model_validate(requirer.databag)


def test_another_connection_replaces_the_first(requirer: Requirer):
    """microovn publishes another one when a member of its cluster joins or leaves."""
    requirer.created()
    requirer.changed(NOTHING, published("ssl:10.0.9.1:6641"))

    requirer.changed(NOTHING, published(TWO))

    assert used(requirer) == TWO


# The answer is partial.


@pytest.mark.parametrize(
    "application", [{}, {"db_sb_connection_str": "ssl:10.0.9.1:6642"}, published("")]
)
def test_a_connection_is_waited_for(requirer: Requirer, application: Databag):
    requirer.created()

    requirer.changed(NOTHING, application)

    assert used(requirer) == ""
    assert requirer.status == WANTS


# The answer is malformed.

WRONG = ["10.0.9.1", "unix:/run/x.sock", "ssl:10.0.9.1", "ssl:a b:6641", "None", "{"]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_malformed_connection_is_not_used(requirer: Requirer, wrong: str):
    requirer.created()

    requirer.changed(NOTHING, published(wrong))

    assert used(requirer) == ""
    assert requirer.status == UNUSABLE


def test_a_malformed_connection_leaves_what_is_set(requirer: Requirer):
    requirer.created()
    requirer.changed(NOTHING, published(TWO))

    requirer.changed(NOTHING, published("None"))

    assert used(requirer) == TWO


# The relation goes.


def test_a_relation_that_goes_takes_the_connection_with_it(requirer: Requirer):
    requirer.config = {}
    requirer.created()
    requirer.changed(NOTHING, published(TWO))
    assert used(requirer)

    requirer.broken()
    requirer.without()

    assert RequirerUnit.model_validate(requirer.databag)
    assert used(requirer) == ""


def test_a_unit_without_its_ovn_asks_for_it_again(requirer: Requirer):
    requirer.created()

    requirer.broken()

    assert requirer.status == WANTS
