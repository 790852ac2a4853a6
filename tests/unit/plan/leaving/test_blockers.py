# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What a unit must not take along, and what no status may tell an operator to give up."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plan.unit import make_plan
from state.cluster import CLOSED, ClusterView
from state.facts import DatabaseCopy, DatabaseNode, Role, SnapFacts
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import RunHistory
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.lxd_model.things import DEFAULT, Volume
from tests.unit.leavers import cluster, instance, leaver, member
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import (
    cluster_api,
    joined_by_hand,
    later,
    leaving,
    locations,
    names,
    note,
    notes,
    server,
    the_cluster,
    with_instance,
    without,
)
from values.status import STATUS_LIMIT

ABANDON = {"on_remove": "abandon"}
RSYNC = "Failed to run: rsync -a /var/snap/lxd/common/lxd: exit status 11: No space left on device"


@pytest.mark.parametrize("on_remove", ["evacuate", "abandon"])
def test_a_member_that_does_not_answer_for_a_moment_could_still_take_an_instance(on_remove: str):
    group = frozenset({"g"})
    members = (member("m0", groups=group), member("m1"), member("m2", scheduler=CLOSED))
    members += (member("m3"), member("m4"))
    lxd = cluster(
        instance(group="g"),
        members=members,
        unreachable=frozenset({"m0"}),
        notes={"leaving.m2": "leaving"},
    )

    plan = make_plan(leaver(lxd, options={"on_remove": on_remove}))

    assert plan.steps == ()
    assert "default/c1: m0 could take it, but is not online" in plan.hold


@pytest.mark.parametrize("name", ["c1", "x" * 60])
def test_the_status_ends_with_why_an_instance_was_not_moved(name: str):
    c1 = f"default/{name}"
    history = RunHistory(refused={c1: {"m0": RSYNC, "m1": RSYNC}}, noted=frozenset({c1}))

    status = make_plan(leaver(cluster(instance(name)), history)).status

    assert len(status.message) <= STATUS_LIMIT
    assert status.message.startswith(f"lxd/2 cannot leave: {c1}"[:70])
    assert status.message.endswith("No space left on device") is (name == "c1")


def stranger(
    lxd: Unresponsive | ClusterView | None, data: bool = False, *nodes: DatabaseNode, **options: str
):
    """A leaving unit that never was a member."""
    view = leaver(cluster(), options=options)
    assert view.peers is not None
    peers = replace(view.peers, own=view.peers.own.model_copy(update={"cluster": ""}))
    copy = DatabaseCopy(nodes, 1, 1)
    return make_plan(replace(view, lxd=lxd, peers=peers, holds_data=data, database=copy))


SILENT = Unresponsive("no daemon", UnresponsiveReason.STOPPED)
NODE = DatabaseNode("10.9.9.9", "theirs", Role.VOTER)


def test_a_silent_lxd_that_never_joined_and_is_as_installed_holds_nobody():
    assert stranger(SILENT).hold == ""


def test_the_operators_word_lets_a_silent_one_go():
    assert stranger(SILENT, True, NODE, **ABANDON).hold == ""


def test_a_unit_whose_lxd_is_a_deb_is_held():
    view = replace(leaver(cluster()), lxd=None, snap=SnapFacts(True, deb=True, installed=False))

    assert "LXD is here as a deb" in make_plan(view).hold
    assert make_plan(replace(view, options=leaver(cluster(), options=ABANDON).options)).hold == ""


def outsider(generation: str) -> ModelApp:
    app = formed(3, generation)
    app.add(9).snap.install("5.21/stable", "")
    return app


@pytest.mark.parametrize("generation", NAMES)
def test_a_silent_lxd_with_instances_that_never_joined_holds_its_unit(generation: str):
    app = outsider(generation)
    by_hand.launch(app.units["lxd/9"].server, "mine")
    app.hook("lxd/9")
    leaving(app, "lxd/9").units["lxd/9"].server.freeze()

    assert "LXD here has data" in app.hook("lxd/9").hold


@pytest.mark.parametrize("generation", NAMES)
def test_a_silent_lxd_of_another_cluster_holds_its_unit(generation: str):
    app = outsider(generation)
    by_hand.bootstrap(app.units["lxd/9"].server)
    app.hook("lxd/9")
    leaving(app, "lxd/9").units["lxd/9"].server.freeze()

    assert "LXD here is in another cluster" in app.hook("lxd/9").hold


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("holds", [True, False])
def test_a_removed_member_goes_only_without_what_its_disk_has(generation: str, *, holds: bool):
    """Its status tells the operator to remove the unit."""
    app = formed(3, generation)
    if holds:
        with_instance(app, "m2")
    server(app, "m2").kill_daemon()
    later(app, 60.0)
    cluster_api(app).members.remove("m2")
    app.hook("lxd/0")
    assert "remove this unit" in str(app.plan("lxd/2").status)

    hold = leaving(app, "lxd/2").hook("lxd/2").hold

    assert ("LXD here has data" in hold) is holds
    assert bool(hold) is holds


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("holds", [True, False])
def test_a_removed_member_that_still_answers_goes_only_without_what_its_disk_has(
    generation: str, *, holds: bool
):
    """Its LXD lists nothing of it any more. Somebody removed it by force while it ran."""
    app = formed(4, generation)
    if holds:
        with_instance(app, "m3")
    cluster_api(app).members.remove("m3")
    app.hook("lxd/0")
    assert "the cluster removed its member" in str(app.plan("lxd/0").app_status)

    hold = leaving(app, "lxd/3").hook("lxd/3").hold

    assert ("LXD here has data" in hold) is holds
    assert bool(hold) is holds

    app.options = dict(ABANDON)
    assert not app.hook("lxd/3").hold


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_called_as_an_offline_member_of_somebody_takes_another_name(generation: str):
    app = formed(3, generation)
    joined_by_hand(app)
    without(with_instance(app, "byhand"), "byhand")
    app.add(4, "byhand")
    for name in ("lxd/4", "lxd/0", "lxd/2", "lxd/4"):
        app.hook(name)

    assert "--force" not in app.databags["lxd/2"].get("refused", "")
    app.settle()
    assert "byhand-4" in names(app)
    assert locations(app) == {"c1": "byhand"}


def test_a_unit_at_the_address_of_a_member_that_is_down_does_not_remove_that():
    app = without(with_instance(formed(3), "m2"), "m2")
    app.add(4).server.address = "10.0.0.3"
    app.units["lxd/4"].address = "10.0.0.3"
    for name in ("lxd/4", "lxd/0", "lxd/1"):
        app.hook(name)

    assert str(app.plan("lxd/4").status) == (
        "blocked: the offline member m2 has this address: bring it back, or remove this unit"
    )


def test_a_member_whose_word_has_not_come_yet_has_a_unit():
    app = formed(4)
    app.leader = "lxd/1"
    del app.databags["lxd/3"]

    changed_options = app.options | {"storage_pools": "more: dir"}
    app.options = changed_options

    assert str(app.plan("lxd/0").status) == (
        "waiting: to make the pool more until lxd/3 has published its data"
    )


@pytest.mark.parametrize("generation", NAMES)
def test_nothing_that_was_noted_of_a_member_counts_for_the_next_one_of_its_name(generation: str):
    """The coordinator clears the notes, and may be busy with something else meanwhile."""
    app = formed(3, generation)
    app.leader = "lxd/1"
    leaving(app, "lxd/2").hook("lxd/2")
    app.remove("lxd/2")
    for noted, value in (("kept", "yes"), ("seen", "1"), ("quiet", "1"), ("reloaded", "1")):
        note(app, f"{noted}.m2", value)
    app.add(9, "m2")
    for name in ("lxd/9", "lxd/1", "lxd/9", "lxd/1", "lxd/9", "lxd/1"):
        app.hook(name)

    assert "m2" in names(app)
    notes_of_m2 = {
        name: value for name, value in notes(app).items() if name.endswith(".m2") and value
    }
    value = "lxd/9 0 10.0.0.10"
    assert notes_of_m2 == {"unit.m2": value, "admitted.m2": value}


@pytest.mark.parametrize("generation", NAMES)
def test_the_last_unit_does_not_go_with_what_its_cluster_holds(generation: str):
    app = with_instance(formed(1, generation), "m0")

    hold = leaving(app, "lxd/0").hook("lxd/0").hold

    assert "default/c1: no other member can take it: export or delete it" in hold
    assert locations(app) == {"c1": "m0"}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("generation", NAMES)
def test_what_is_in_a_ceph_is_in_the_cluster_too(generation: str, count: int):
    """It is on no member, so it holds only the last units of the cluster."""
    app = formed(count, generation)
    records = server(app, "m0").records
    volume = Volume(DEFAULT, "local", "data", "")
    records.volumes[volume.key] = volume

    leaving(app, *app.units)
    held = [unit for unit in [*app.units, *app.units] if app.hook(unit).hold]

    last = held[-1]
    assert "volume default/local/data: no other member can take it" in app.hook(last).hold
    app.options["on_remove"] = "abandon"
    assert app.hook(last).hold == ""


def test_the_status_asks_to_delete_backups_that_keep_an_instance():
    """LXD issue 7959: backups cannot move, so an instance that has one cannot move either."""
    refused = {"m0": "Instance has backups", "m1": "Instance has backups"}
    history = RunHistory(refused={"default/c1": refused}, noted=frozenset({"default/c1"}))

    hold = make_plan(leaver(cluster(instance("c1")), history)).hold

    assert "default/c1: could not be moved (Instance has backups): delete them" in hold


@pytest.mark.parametrize(
    "limit", ["number of instances", 'aggregate value "1GiB" for "limits.memory"']
)
def test_the_status_asks_to_raise_the_limit_that_keeps_an_instance(limit: str):
    """LXD 5.0 counts an instance twice while it moves (measured on 5.0.2; 6.9 does not)."""
    why = f'Failed instance creation: Reached maximum {limit} in project "default"'
    refused = {"m0": why, "m1": why}
    history = RunHistory(refused={"default/c1": refused}, noted=frozenset({"default/c1"}))

    hold = make_plan(leaver(cluster(instance("c1")), history)).hold

    assert f"default/c1: could not be moved ({why}): raise the project's limit" in hold


@pytest.mark.parametrize("key", ["storage.backups_volume", "storage.images_volume"])
@pytest.mark.parametrize("generation", NAMES)
def test_the_status_names_the_key_of_a_volume_that_lxd_uses(generation: str, key: str):
    """LXD does not delete a volume that its own configuration names."""
    app = formed(3, generation)
    by_hand.add_volume(server(app, "m2"), "local", "mine")
    server(app, "m2").config[key] = "local/mine"
    leaving(app, "lxd/2")

    reason = f"volume default/local/mine: lxc config unset {key} --target m2, then delete it"
    assert reason in app.hook("lxd/2").hold


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("place", [("default", "lxd-cluster-dumps"), ("web", "lxd-cluster-images")])
def test_only_the_charms_own_volumes_are_deleted(generation: str, place: tuple[str, str]):
    app = formed(3, generation)
    project, name = place
    if project != "default":
        by_hand.add_project(server(app, "m0"), project, {"features.storage.volumes": "true"})
    by_hand.add_volume(server(app, "m2"), "local", name, project)
    leaving(app, "lxd/2")

    hold = app.hook("lxd/2").hold

    assert [v.name for v in the_cluster(app).volumes.values()] == [name]
    assert name in hold


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("word", ["true", "yes", "1", "on", "True"])
def test_each_of_lxds_words_for_yes_gives_a_project_its_own_volumes(generation: str, word: str):
    app = formed(3, generation)
    by_hand.add_project(server(app, "m0"), "web", {"features.storage.volumes": word})
    by_hand.add_volume(server(app, "m2"), "local", "data", "web")
    leaving(app, "lxd/0", "lxd/1", "lxd/2")

    assert "web/local/data" in app.hook("lxd/2").hold


def test_the_only_voter_stays_until_another_member_has_the_database():
    """LXD gives it to one of the others within its heartbeats."""
    spares = [member(name, roles=frozenset()) for name in ("m0", "m1")]
    lxd = cluster(members=(*spares, member("m2", scheduler=CLOSED)))

    plan = make_plan(leaver(lxd))

    assert "no other member has the database yet" in plan.hold
