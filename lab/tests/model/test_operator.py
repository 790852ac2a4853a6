# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An operator's requests and their refusals; a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pydantic import TypeAdapter

from lab.model import addresses
from lab.model.charm import Value, parse_charm, parse_size
from lab.model.errors import HookToolError, JujuError
from lab.model.state import Resource, State, StorageDirective
from lab.testing.world import CLUSTER, World, charm

STATE = TypeAdapter(State)


def deploy(world: World, app: str = "new", **wishes: object) -> None:
    world.juju.deploy(world.now, charm(), app, 1, **wishes)  # pyright: ignore[reportArgumentType]


REFUSED: list[tuple[Callable[[World], object], str]] = [
    (lambda w: deploy(w, "app"), "application already exists"),
    (lambda w: deploy(w, "No"), "invalid application name"),
    (lambda w: deploy(w, config={"no": 1}), 'unknown option "no"'),
    (lambda w: deploy(w, bindings={"no": "alpha"}), 'binding "no" not found'),
    (lambda w: deploy(w, bindings={"public": "no"}), 'space "no" not found'),
    (lambda w: deploy(w, to=["9"]), "machine 9 not found"),
    (lambda w: deploy(w, resources=[Resource("no")]), 'resource "no" not found'),
    (lambda w: deploy(w, storage={"no": StorageDirective("p", 1, 1)}), 'no store called "no"'),
    (lambda w: w.juju.add_units(0, "no"), 'application "no" not found'),
    (lambda w: w.juju.remove_unit(0, "no/0"), 'unit "no/0" not found'),
    (lambda w: w.juju.remove_application(0, "no"), 'application "no" not found'),
    (lambda w: w.juju.set_config("app", {"size": 1, "no": 1}), 'unknown option "no"'),
    (lambda w: w.juju.reset_config("app", ["no"]), 'unknown option "no"'),
    (lambda w: w.juju.attach_resource("app", Resource("no")), "not found"),
    (lambda w: w.juju.remove_machine(0, "9"), "machine 9 not found"),
    (lambda w: w.juju.remove_relation("app", "app"), "not found"),
    (lambda w: w.juju.cancel_task(0, "99"), 'task "99" not found'),
    (lambda w: w.juju.start_hook(0, "app/0"), "no hook is due"),
]


@pytest.mark.parametrize(("request_", "message"), REFUSED)
def test_a_refused_request_changes_nothing(request_: Callable[[World], object], message: str):
    world = World().settled(units=1)
    before = STATE.dump_json(world.state)
    with pytest.raises(JujuError, match=message):
        request_(world)
    assert STATE.dump_json(world.state) == before


@pytest.mark.parametrize(
    ("key", "given", "kept"),
    [
        ("mode", "fast", "fast"),
        ("size", "5", 5),
        ("size", 5, 5),
        ("ratio", "0.5", 0.5),
        ("ratio", 1, 1.0),
        ("fast", "true", True),
        ("fast", "F", False),
        ("fast", True, True),
        ("token", "secret:abc", "secret:abc"),
    ],
)
def test_juju_checks_an_options_type_never_its_meaning(key: str, given: Value, kept: Value):
    world = World().settled(units=1)
    world.juju.set_config("app", {key: given})
    assert world.state.applications["app"].config[key] == kept


@pytest.mark.parametrize(
    ("key", "given"),
    [
        ("mode", 5),
        ("mode", True),
        ("size", "many"),
        ("size", True),
        ("ratio", "half"),
        ("fast", "quite"),
        ("token", "abc"),
    ],
)
def test_another_type_is_refused(key: str, given: Value):
    world = World().settled(units=1)
    with pytest.raises(JujuError, match=f'option "{key}" expected'):
        world.juju.set_config("app", {key: given})


def test_config_get_has_defaults_and_leaves_out_what_has_none():
    config = World().settled(units=1).inside("app/0").config_get()
    assert config == {"mode": "auto", "size": 3, "fast": False}


def test_a_new_default_takes_along_what_is_in_the_old_one():
    world = World()
    world.state.model.spaces.append("other")
    world.deploy(units=1, bindings={"": "alpha", "peers": "alpha", "public": "internal"})
    world.juju.bind("app", {"": "other"}, force=True)
    app = world.state.applications["app"]
    spaces = {name: addresses.space_of(app, name) for name in ("", "peers", "api", "public")}
    assert spaces == {"": "other", "peers": "other", "api": "other", "public": "internal"}
    world.juju.bind("app", {"peers": "internal"})
    assert addresses.space_of(app, "peers") == "internal"
    assert addresses.space_of(app, "api") == "other"


def test_a_unit_needs_an_address_in_the_space():
    """Seen on 4.0.6: juju issue 22233."""
    world = World().settled(units=2)
    world.state.model.spaces.append("other")
    with pytest.raises(JujuError, match='unit "app/0" not in space "other"'):
        world.juju.bind("app", {"public": "other"})
    assert addresses.space_of(world.state.applications["app"], "public") == "alpha"
    world.juju.bind("app", {"public": "other"}, force=True)
    assert addresses.space_of(world.state.applications["app"], "public") == "other"


def test_refresh_to_another_charm_is_refused():
    world = World().settled(units=1)
    with pytest.raises(JujuError, match="is another charm"):
        world.juju.refresh("app", charm({"name": "other"}))


def test_refresh_keeps_settings_and_brings_new_peers():
    world = World().settled(units=1)
    world.juju.set_config("app", {"size": 7})
    more = {**CLUSTER, "peers": {**CLUSTER["peers"], "late": {"interface": "late"}}}
    world.juju.refresh("app", charm(more, revision=1))
    assert [run.name for run in world.settle()] == [
        "upgrade-charm",
        "config-changed",
        "late-relation-created",
    ]
    assert world.state.applications["app"].config["size"] == 7


def test_a_resource_has_no_file_until_one_is_attached():
    world = World().settled(units=1)
    with pytest.raises(HookToolError, match="could not download resource"):
        world.inside("app/0").resource("image")
    world.juju.kill_running(world.now, "app/0")
    world.juju.attach_resource("app", Resource("image", path="/files/1"))
    context = world.begin("app/0")
    assert (context.resource("image").path, context.resource("image").revision) == ("/files/1", 1)


def test_zones_are_handed_out_one_after_another():
    world = World()
    world.state.model.zones = ["north", "south"]
    world.deploy(units=3)
    zones = [machine.zone for machine in world.state.machines.values()]
    assert zones == ["north", "south", "north"]


def test_a_unit_can_go_on_a_machine_that_is_there():
    world = World()
    machine = world.juju.add_machine(world.now)
    world.machines_up()
    world.juju.deploy(world.now, charm(), "app", 1, to=[machine])
    assert world.due_name("app/0") == "install"


@pytest.mark.parametrize(
    ("text", "mib"), [("10G", 10240), ("1.5G", 1536), ("512M", 512), ("1GiB", 1024), ("7", 7)]
)
def test_a_size_is_read_as_mebibytes(text: str, mib: int):
    assert parse_size(text) == mib


@pytest.mark.parametrize(
    ("multiple", "count"), [("0-2", (0, 2)), ("1+", (1, None)), ("2-", (2, None)), ("3", (3, 3))]
)
def test_counts_of_storage(multiple: str, count: tuple[int, int | None]):
    storage = {"data": {"type": "block", "multiple": {"range": multiple}}}
    spec = parse_charm({"name": "x", "storage": storage}, {}, {}, 0).storage["data"]
    assert (spec.minimum, spec.maximum) == count
