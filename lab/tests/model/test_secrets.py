# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""juju-facts, "Secrets (3.1 and later)"."""

from __future__ import annotations

import pytest

from lab.model.errors import HookToolError, JujuError
from lab.testing.world import DATABASE, World, charm, names


def with_secret(owner: str = "application") -> tuple[World, str]:
    """A world where app/0 has made a secret, and the secret's URI."""
    world = World("3.6").settled(units=3)
    context = world.inside("app/0")
    uri = context.secret_add({"key": "one"}, owner=owner, label="mine")
    world.juju.commit(world.now, context)
    return world, uri


def revise(world: World, uri: str, value: str) -> None:
    context = world.inside("app/0")
    context.secret_set(uri, {"key": value})
    world.juju.commit(world.now, context)


def read(world: World, unit: str, uri: str, *, refresh: bool = False) -> dict[str, str]:
    context = world.inside(unit)
    content = context.secret_get(uri, refresh=refresh)
    world.juju.commit(world.now, context)
    return content


def test_the_applications_secret_is_read_by_every_unit():
    world, uri = with_secret()
    assert [read(world, unit, uri) for unit in world.state.units] == [{"key": "one"}] * 3


def test_only_the_leader_makes_a_secret_of_the_applications():
    world = World().settled(units=2)
    with pytest.raises(HookToolError, match="not the leader"):
        world.inside("app/1").secret_add({"key": "one"})


def test_only_the_leader_writes_a_secret_of_the_applications():
    world, uri = with_secret()
    with pytest.raises(HookToolError, match="not the leader"):
        world.inside("app/1").secret_set(uri, {"key": "two"})


def test_a_units_secret_is_read_by_that_unit_alone():
    world, uri = with_secret("unit")
    assert read(world, "app/0", uri) == {"key": "one"}
    with pytest.raises(HookToolError, match="permission denied"):
        world.inside("app/1").secret_get(uri)


def test_a_units_secret_is_read_by_others_after_a_grant():
    world, uri = with_secret("unit")
    context = world.inside("app/0")
    context.secret_grant(uri, 0, unit="app/1")
    world.juju.commit(world.now, context)
    assert read(world, "app/1", uri) == {"key": "one"}
    with pytest.raises(HookToolError, match="permission denied"):
        world.inside("app/2").secret_get(uri)


def test_juju_4_refuses_a_units_grant_over_a_peer_relation():
    world, uri = with_secret("unit")
    world.state.model.rules = "4.0"
    with pytest.raises(HookToolError, match="over a peer relation is not supported"):
        world.inside("app/0").secret_grant(uri, 0)


def test_a_grant_can_be_taken_back():
    world, uri = with_secret("unit")
    for change in ("secret_grant", "secret_revoke"):
        context = world.inside("app/0")
        if change == "secret_grant":
            context.secret_grant(uri, 0)
        else:
            context.secret_revoke(uri, relation_id=0)
        world.juju.commit(world.now, context)
    with pytest.raises(HookToolError, match="permission denied"):
        world.inside("app/1").secret_get(uri)


def test_a_grant_ends_with_its_relation():
    world, uri = with_secret()
    world.deploy("db", 1, charm(DATABASE))
    relation = world.juju.integrate("app", "db")
    world.settle()
    context = world.inside("app/0")
    context.secret_grant(uri, relation)
    world.juju.commit(world.now, context)
    assert read(world, "db/0", uri) == {"key": "one"}
    world.juju.remove_relation("app", "db")
    world.settle()
    with pytest.raises(HookToolError, match="permission denied"):
        world.inside("db/0").secret_get(uri)


def test_a_secret_written_in_a_failed_hook_is_not_there():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 4})
    context = world.begin("app/0")
    context.secret_add({"key": "one"})
    world.juju.fail(world.now, context)
    assert world.state.secrets == {}


def test_a_hook_reads_the_secret_it_has_just_made():
    world = World().settled(units=1)
    context = world.inside("app/0")
    uri = context.secret_add({"key": "one"})
    assert context.secret_get(uri) == {"key": "one"}
    context.secret_set(uri, {"key": "two"})
    assert context.secret_get(uri, peek=True) == {"key": "two"}


def test_a_reader_keeps_its_revision_until_it_refreshes():
    world, uri = with_secret()
    read(world, "app/1", uri)
    revise(world, uri, "two")
    assert read(world, "app/1", uri) == {"key": "one"}
    assert world.inside("app/2").secret_get(uri, peek=True) == {"key": "two"}
    assert read(world, "app/1", uri, refresh=True) == {"key": "two"}


def test_secret_changed_comes_once_for_a_new_revision_to_those_that_read():
    world, uri = with_secret()
    read(world, "app/1", uri)
    revise(world, uri, "two")
    runs = world.settle()
    assert [(run.unit, run.name) for run in runs] == [("app/1", "secret-changed")]
    assert world.juju.environment(runs[0])["JUJU_SECRET_ID"] == uri


def test_the_same_content_makes_no_new_revision():
    world, uri = with_secret()
    read(world, "app/1", uri)
    revise(world, uri, "one")
    assert world.settle() == []


def test_secret_remove_comes_to_the_owner_when_nobody_reads_a_revision():
    world, uri = with_secret()
    read(world, "app/1", uri)
    revise(world, uri, "two")
    world.settle()
    read(world, "app/1", uri, refresh=True)
    assert names(world.settle()) == ["secret-remove"]
    context = world.inside("app/0")
    context.secret_remove(uri, revision=1)
    world.juju.commit(world.now, context)
    assert list(world.state.secrets[uri].revisions) == [2]


def test_labels_find_secrets():
    world, uri = with_secret()
    context = world.inside("app/1")
    context.secret_get(uri, label="theirs")
    assert context.secret_get(label="theirs") == {"key": "one"}
    assert world.inside("app/0").secret_get(label="mine") == {"key": "one"}


def test_the_owner_sees_what_there_is_to_know():
    world, uri = with_secret()
    bare = uri.removeprefix("secret:")
    context = world.inside("app/0")
    assert context.secret_ids() == [bare]
    assert context.secret_info_get(uri)[bare]["revision"] == 1
    assert world.inside("app/1").secret_ids() == []


def test_an_unknown_secret_is_not_found():
    with pytest.raises(HookToolError, match="not found"):
        World().settled(units=1).inside("app/0").secret_get("secret:nothing")


def test_a_removed_units_secrets_go_with_it():
    world, _ = with_secret("unit")
    world.force_out("app/0")
    assert world.state.secrets == {}


def test_the_operators_secret_needs_a_grant():
    world = World().settled(units=1)
    uri = world.juju.add_secret(world.now, "token", {"key": "one"})
    world.juju.set_config("app", {"token": uri})
    with pytest.raises(HookToolError, match="permission denied"):
        world.begin("app/0").secret_get(uri)
    world.juju.kill_running(world.now, "app/0")
    world.juju.grant_secret("token", "app")
    world.run("app/0")
    assert read(world, "app/0", uri) == {"key": "one"}
    world.juju.update_secret(world.now, "token", {"key": "two"})
    assert names(world.settle()) == ["secret-changed"]
    world.juju.revoke_secret("token", "app")
    world.juju.remove_secret(uri)
    assert world.state.secrets == {}


def test_the_operators_secrets_are_known_by_name():
    world = World()
    world.juju.add_secret(world.now, "token", {"key": "one"})
    with pytest.raises(JujuError, match="already exists"):
        world.juju.add_secret(world.now, "token", {"key": "one"})
    with pytest.raises(JujuError, match="not found"):
        world.juju.remove_secret("other")
