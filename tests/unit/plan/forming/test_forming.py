# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Units become one cluster, whatever happens in between."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from deadlines import LAPSE
from state.notes import IDENTITY
from state.peers import Storage
from steps.forming import AwaitJoin, ResetLxd
from tests.lxd_model.cloud import Cloud, Fault
from tests.lxd_model.generations import NAMES
from tests.lxd_model.things import Pool
from tests.unit.joins import two_waiting
from tests.unit.model_units import ModelApp, formed
from tests.unit.scenarios import fail, heal, names, notes, the_cluster, use_token, without
from values.status import Kind


def units_that_may_join(app: ModelApp) -> set[str]:
    """Those with a token that they can read and that LXD would accept."""
    tokens = [app.own(u).token for u in app.units if app.own(u).cluster]
    valid = {name for records in app.cloud.databases for name in records.tokens}
    named = {t.unit for t in tokens if t and t.unit in app.units}
    return {u for u in named if not app.own(u).cluster and app.own(u).name in valid}


@pytest.mark.parametrize("generation", NAMES)
def test_units_become_one_cluster(generation: str):
    app = formed(5, generation)

    assert names(app) == ["m0", "m1", "m2", "m3", "m4"]
    assert all(app.plan(u).status.kind is Kind.ACTIVE for u in app.units)


@pytest.mark.parametrize("seed", range(50))
def test_any_order_of_hooks_and_lost_commits_ends_in_one_cluster(seed: int):
    rng = random.Random(seed)
    app = ModelApp(cloud=Cloud(generation=NAMES[seed % len(NAMES)]))
    for number in range(rng.randint(1, 7)):
        app.add(number)
    for _ in range(60):
        app.leader = rng.choice(list(app.units)) if rng.random() < 0.1 else app.leader
        app.hook(rng.choice(list(app.units)), commit=rng.random() > 0.3)
        assert len(app.cloud.databases) <= 1
        assert len(units_that_may_join(app)) <= 1, "two units could join at once"
        app.cloud.now += 1
    app.settle()

    assert len(names(app)) == len(app.units)


@pytest.mark.parametrize("generation", NAMES)
def test_units_join_although_lxd_refuses_what_is_for_all_members(generation: str):
    app = ModelApp(cloud=Cloud(generation=generation))
    for number in range(3):
        app.add(number)

    def fault(machine: str, call: str) -> Fault:
        return "refuse" if call.startswith("POST /1.0/networks") and "target" not in call else ""

    app.cloud.fault = fault

    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert str(app.hook("lxd/0").status).startswith("blocked: could not create the bridge network")
    heal(app)
    app.settle()
    assert all(app.plan(u).status.kind is Kind.ACTIVE for u in app.units)


@pytest.mark.parametrize("generation", NAMES)
def test_a_settled_cluster_has_nothing_to_do(generation: str):
    app = formed(3, generation)

    assert [app.plan(u).steps for u in app.units] == [(), (), ()]


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_asks_six_things_and_the_coordinator_eight(generation: str):
    app = formed(3, generation)
    asked = dict.fromkeys(app.units, 0)
    for name in app.units:

        def count(machine: str, call: str, name: str = name) -> Fault:
            del machine, call
            asked[name] += 1
            return ""

        app.cloud.fault = count
        app.hook(name)

    assert asked == {"lxd/0": 8, "lxd/1": 6, "lxd/2": 6}


def test_the_leader_does_not_act_on_its_own_word_before_it_is_committed():
    app = ModelApp()
    app.add(0)

    app.hook("lxd/0", commit=False)
    app.hook("lxd/0", commit=False)

    assert not app.cloud.databases


def test_no_cluster_is_made_on_a_pool_that_lxd_cannot_use():
    app = ModelApp()
    unit = app.add(0)
    app.hook("lxd/0")
    pools = unit.server.records.pools
    pools["local"] = Pool("local", "btrfs", "Unavailable", {}, {"none": {}})

    app.settle()

    status = "blocked: LXD here cannot use its pool local: bring it back or delete it"
    assert str(app.plan("lxd/0").status) == status
    del pools["local"]
    app.settle()
    assert names(app) == ["m0"]


@pytest.mark.parametrize("folder", [False, True])
@pytest.mark.parametrize("generation", NAMES)
def test_a_bootstrap_unit_finishes_a_pool_that_lxd_did_not_finish(folder: bool, generation: str):
    app = ModelApp(cloud=Cloud(generation=generation))
    unit = app.add(0)
    app.hook("lxd/0")
    unit.server.records.pools["local"] = Pool("local", "btrfs", "Pending", {}, {"none": {}})
    if folder:
        unit.server.pool_folders.add("local")

    for _ in range(4):
        app.settle()

    assert names(app) == ["m0"]
    assert the_cluster(app).pools["local"].status == "Created"


def test_another_pool_is_asked_for_before_the_bootstrap_was_published():
    app = ModelApp()
    app.add(0)
    app.hook("lxd/0")
    app.hook("lxd/0", commit=False)

    app.options["storage_pool"] = "other"
    app.settle()

    assert set(the_cluster(app).pools) == {"local", "other"}
    assert set(the_cluster(app).networks) == {"lxdbr0"}
    assert app.app().storage == Storage(backend="btrfs", pool="other")


@pytest.mark.parametrize("generation", NAMES)
def test_the_next_hook_publishes_a_bootstrap_that_was_not_published(generation: str):
    app = ModelApp(cloud=Cloud(generation=generation))
    app.add(0)
    app.hook("lxd/0")
    app.hook("lxd/0", commit=False)
    assert names(app) == ["m0"]
    assert not app.own("lxd/0").cluster

    app.hook("lxd/0")

    assert app.own("lxd/0").cluster == notes(app)[IDENTITY]


def test_a_gone_unit_that_never_bootstrapped_is_replaced():
    app = ModelApp()
    for number in range(3):
        app.add(number)
    app.hook("lxd/0")
    app.remove("lxd/0")
    app.leader = "lxd/2"
    app.settle()

    assert names(app) == ["m1", "m2"]


def test_a_leader_that_is_not_a_member_is_not_an_obstacle():
    app = formed(2)
    app.add(2)
    app.leader = "lxd/2"
    app.settle()

    assert len(names(app)) == 3


@pytest.mark.parametrize("generation", NAMES)
def test_a_failed_join_is_tried_again_after_the_others(generation: str):
    app = formed(1, generation)
    app.add(1)
    fail(app, "lxd/1", "PUT /1.0/cluster")
    app.add(2)
    for _ in range(3):
        for name in app.units:
            app.hook(name)
    assert app.own("lxd/1").attempt >= 1
    assert app.own("lxd/2").cluster

    heal(app)
    app.settle()

    assert app.own("lxd/1").cluster


@pytest.mark.parametrize(("ahead", "passed"), [(0.0, LAPSE + 1), (86400.0, 0.0)])
def test_a_unit_that_does_not_use_its_token_goes_last(ahead: float, passed: float):
    app = formed(1)
    issuer = app.units["lxd/0"]
    right = issuer.ports
    issuer.ports = replace(right, clock=lambda: app.cloud.now + ahead)
    app.add(1)
    app.add(2)
    app.hook("lxd/1")
    app.hook("lxd/2")
    app.hook("lxd/0")
    app.hook("lxd/0")
    assert [p.unit for p in app.app().queue] == ["lxd/0", "lxd/1", "lxd/2"]

    # Or the issuer's clock was a day ahead, and was corrected.
    app.cloud.now += passed
    issuer.ports = right
    for name in ("lxd/0", "lxd/2", "lxd/0"):
        app.hook(name)

    assert app.own("lxd/2").cluster
    assert [p.unit for p in app.app().queue] == ["lxd/0", "lxd/2", "lxd/1"]


def test_a_clock_that_is_an_hour_off_keeps_nobody_out():
    app = formed(1)
    app.add(1)
    issuer = app.units["lxd/0"]
    issuer.ports = replace(issuer.ports, clock=lambda: app.cloud.now - 3600)
    app.settle()

    assert app.own("lxd/1").cluster
    assert app.own("lxd/1").attempt == 0


@pytest.mark.parametrize("generation", NAMES)
def test_a_withdrawn_token_is_useless_although_its_unit_was_renamed(generation: str):
    app = formed(1, generation)
    unit = app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)
    assert "m1" in the_cluster(app).tokens
    unit.server.hostname = "renamed"
    app.hook("lxd/1")
    assert not app.own("lxd/1").cluster
    app.hook("lxd/0")

    assert "m1" not in the_cluster(app).tokens
    app.settle()
    assert app.own("lxd/1").cluster


def with_a_token_that_is_used() -> ModelApp:
    """The unit with the token began to join and was removed by force at once."""
    app = two_waiting()
    use_token(app, "m1").remove("lxd/1")
    return app


def test_a_unit_that_is_gone_and_may_still_be_joining_is_waited_for():
    app = with_a_token_that_is_used()

    app.settle()

    assert app.units["lxd/0"].shown_steps.count(str(AwaitJoin("m1"))) == 1
    assert app.own("lxd/2").cluster


def test_a_unit_that_is_gone_and_did_join_keeps_nobody_waiting():
    app = two_waiting()
    app.hook("lxd/1", commit=False)
    assert names(app) == ["m0", "m1"]
    app.remove("lxd/1")

    app.settle()

    assert str(AwaitJoin("m1")) not in app.units["lxd/0"].shown_steps
    assert app.own("lxd/2").cluster


def test_a_unit_that_misses_its_turn_by_a_clock_that_jumped_is_waited_for():
    app = two_waiting()
    use_token(app, "m1")
    app.cloud.now += LAPSE + 1
    app.hook("lxd/0")

    assert str(AwaitJoin("m1")) in app.units["lxd/0"].shown_steps


def test_a_unit_with_a_token_of_another_issuer_comes_first():
    app = formed(2)
    app.add(2)
    app.add(3)
    for name in ("lxd/3", "lxd/0", "lxd/1"):
        app.hook(name)
    token = app.own("lxd/1").token
    assert token is not None
    assert token.unit == "lxd/3"
    app.hook("lxd/2")
    without(app, "m1")
    app.hook("lxd/0")

    token = app.own("lxd/0").token
    assert token is not None
    assert token.unit == "lxd/3"


@pytest.mark.parametrize("generation", NAMES)
def test_what_a_join_that_was_cut_short_left_is_reset(generation: str):
    app = formed(1, generation)
    unit = app.add(1)
    unit.snap.install("5.21/stable", "")
    unit.ports.lxd.pools.create("local", "dir", {}, {})
    unit.machine.note_forming("join", app.cloud.now, ())

    app.settle()

    assert app.own("lxd/1").cluster


@pytest.mark.parametrize("published", [False, True])
def test_a_join_that_was_cut_short_is_reset_though_its_daemon_does_not_start(published: bool):
    app = formed(2)
    unit = app.units["lxd/1"]
    unit.server.kill_daemon()
    unit.machine.log = "Failed to start: No node registered with address 10.0.0.2:8443"
    unit.machine.note_forming("join", app.cloud.now, ())
    if not published:
        del app.databags["lxd/1"]["cluster"]

    resets = [step for step in app.plan("lxd/1").steps if isinstance(step, ResetLxd)]

    assert resets == ([] if published else [ResetLxd("its join was interrupted", 1)])


def test_a_refusal_by_a_unit_that_is_gone_does_not_count():
    app = formed(1)
    app.add(1)
    app.settle()
    gone = app.databags["lxd/1"] | {"refused": '{"lxd/2": "rename this machine"}'}
    app.remove("lxd/1")
    app.hook("lxd/0")
    app.databags["lxd/1"] = gone
    app.add(2)
    app.app_data["queue"] = '[{"unit": "lxd/0"}, {"unit": "lxd/2"}]'

    assert "rename" not in app.hook("lxd/2").status.message


def test_tokens_are_never_readable_in_a_databag():
    app = formed(1)
    app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)

    assert the_cluster(app).tokens["m1"].secret not in str(app.databags)
    assert app.own("lxd/0").token is not None


def test_a_member_removed_from_the_middle_leaves_an_issuer():
    app = formed(3)
    app.remove("lxd/2")
    app.add(3)
    app.settle()

    assert app.own("lxd/3").cluster


@pytest.mark.parametrize("generation", NAMES)
def test_failure_domains_follow_the_zones(generation: str):
    app = ModelApp(cloud=Cloud(generation=generation))
    app.add(0).zone = "zone-a"
    app.add(1).zone = "zone-b"
    app.settle()

    domains = {row.name: row.domain for row in the_cluster(app).members}
    assert domains == {"m0": "zone-a", "m1": "zone-b"}
