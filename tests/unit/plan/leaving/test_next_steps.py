# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The next steps of a leaving unit, from views made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from plan.unit import make_plan
from state.cluster import CLOSED, ClusterView
from state.lxd_objects import Bucket, Image, Instance, Volume
from state.peers import ParentInterface
from state.view import RunHistory, View
from steps.leaving import MoveInstance
from tests.unit.leavers import cluster, instance, leaver, member

VOLUME = Volume("default", "local", "data", "m2")
BUCKET = Bucket("default", "local", "b1", "m2")
IMAGE = Image("default", "ab" * 32)
REMOVING = {"leaving.m2": "going"}
RAN = {"ran.m2": "default/c1"}
ABANDON = {"on_remove": "abandon"}
ONE = {"cluster.images_minimal_replica": "1"}
GPU = {"gpu0": {"type": "gpu"}}


def steps(view: View) -> list[str]:
    return [str(step) for step in make_plan(view).steps]


def move(view: View) -> MoveInstance:
    (step,) = make_plan(view).steps
    assert isinstance(step, MoveInstance)
    return step


def holds(view: View) -> str:
    plan = make_plan(view)
    assert plan.steps == (), [str(step) for step in plan.steps]
    return plan.hold


def refused(*by: str, name: str = "default/c1") -> RunHistory:
    return RunHistory(refused={name: dict.fromkeys(by, "disk gone")})


def tried(times: int) -> dict[str, str]:
    return {"unmoved.m2": json.dumps({"default/c1": [times, "disk gone"]})}


class TestWhatHolds:
    """Before anything is stopped, moved or changed."""

    @pytest.mark.parametrize(
        ("lxd", "reason"),
        [
            (
                cluster(instance(added=GPU)),
                "default/c1: gpu gpu0 cannot move: detach it, or delete the instance",
            ),
            (
                cluster(instance(), instance("c2", ephemeral=True)),
                "default/c2: is ephemeral, LXD deletes it when it stops: copy it, then delete it",
            ),
            (
                cluster(instance("juju-0a1b2c-3-lxd-0")),
                "default/juju-0a1b2c-3-lxd-0: belongs to Juju: juju remove-machine 3/lxd/0",
            ),
            (
                cluster(buckets=(BUCKET,)),
                "bucket default/local/b1: copy its objects to another member, then delete it",
            ),
            (
                cluster(volumes=(VOLUME,)),
                "volume default/local/data: copy it to another member, or delete it",
            ),
            (
                cluster(
                    instance(architecture="aarch64"),
                ),
                "default/c1: no other member can take it",
            ),
            (
                cluster(
                    instance(),
                    members=(member("m0"), member("m1", scheduler=CLOSED), member("m2")),
                    notes={"leaving.m0": "leaving"},
                ),
                "default/c1: no other member can take it",
            ),
            (
                cluster(
                    instance(architecture="aarch64"),
                    members=(
                        member("m0"),
                        member("m1", "EVACUATED", architecture="aarch64"),
                        member("m2"),
                    ),
                ),
                "default/c1: m1 could take it: lxc cluster restore m1",
            ),
        ],
        ids=lambda value: "" if isinstance(value, ClusterView) else str(value)[:30],
    )
    def test_what_holds_the_member_is_named(self, lxd: ClusterView, reason: str):
        plan = make_plan(leaver(lxd))

        assert (plan.steps, reason in plan.hold) == ((), True), plan.hold
        assert "lxd/2 cannot leave: " in plan.status.message

    def test_a_device_comes_with_the_way_to_say_that_it_does_not_matter(self):
        view = leaver(cluster(instance(added=GPU)))

        assert "moves with cluster.evacuate=migrate" in holds(view)

    def test_what_is_on_other_members_does_not_matter(self):
        lxd = cluster(
            instance(location="m0", added=GPU),
            volumes=(replace(VOLUME, location="m0"),),
            buckets=(replace(BUCKET, location="m1"),),
        )

        assert steps(leaver(lxd)) == ["note leaving.m2=going"]


class TestUnknownState:
    """LXD says ERROR of an instance: its QEMU or its monitor does not answer, and it may run.

    LXD takes it for stopped, and from 5.21 on copies its disk while it runs.
    """

    def test_it_is_not_moved_and_the_others_are(self):
        view = leaver(cluster(instance("v1", running=False, unknown=True), instance("c2")))

        assert move(view).name == "c2"

    def test_the_status_says_what_to_do(self):
        view = leaver(cluster(instance("v1", running=False, unknown=True)))

        assert steps(view) == ["note that 1 instance could not be moved off m2"]
        noted = replace(view, history=RunHistory(noted=frozenset({"default/v1"})))
        why = "default/v1: could not be moved (status ERROR): lxc stop -f"
        assert why in holds(noted)
        assert make_plan(noted).status.message == f"lxd/2 cannot leave: {why}"

    @pytest.mark.parametrize(("times", "left"), [(1, False), (2, True)])
    def test_with_permission_it_is_left_behind_like_what_every_member_refused(
        self, times: int, left: bool
    ):
        """An error may pass: a container's monitor is slow on a machine that is busy."""
        notes = {"unmoved.m2": json.dumps({"default/v1": [times, "status ERROR"]})}
        lxd = cluster(instance("v1", running=False, unknown=True), notes=notes | REMOVING)
        noted = RunHistory(noted=frozenset({"default/v1"}))

        plan = make_plan(leaver(lxd, noted, options=ABANDON))

        assert [str(step) for step in plan.steps] == (
            ["abandon m2 with 1 thing left on it"] if left else ["note leaving.m2=leaving"]
        )


class TestMoving:
    """One instance after the other, while the others run."""

    def test_first_nothing_new_comes(self):
        lxd = cluster(instance(), members=(member("m0"), member("m1"), member("m2")))

        assert steps(leaver(lxd)) == ["let LXD place nothing new on m2"]

    def test_one_at_a_time_with_progress(self):
        view = leaver(cluster(instance("c1"), instance("c2"), instance("c3")))

        assert steps(view) == ["move default/c1 to m0 (2 left)"]

    @pytest.mark.parametrize(
        ("fields", "expected"),
        [
            ({}, (True, 30, False)),
            ({"shutdown": 90}, (True, 90, False)),
            ({"running": False}, (False, None, False)),
            ({"type": "virtual-machine", "stateful": True}, (True, None, True)),
            ({"running": False, "stopped_by_lxd": True}, (True, None, False)),
            ({"running": False, "stopped_by_lxd": True, "starts": False}, (False, None, False)),
        ],
        ids=str,
    )
    def test_an_instance_moves_as_its_state_allows(
        self, fields: dict[str, Any], expected: tuple[bool, int | None, bool]
    ):
        """A machine that boots starts its instances one after the other, also for minutes."""
        step = move(leaver(cluster(instance(**fields))))

        assert (step.ran, step.stops, step.live) == expected

    def test_what_an_evacuation_stopped_runs_again_where_it_goes(self):
        members = (member("m0"), member("m1"), member("m2", "EVACUATED"))
        stopped = instance(running=False, stopped_by_lxd=True, starts=False)
        step = move(leaver(cluster(stopped, members=members)))

        assert (step.ran, step.stops) == (True, None)

    def test_in_mode_flat_instances_move_to_members_with_the_bridge(self):
        nic = {"type": "nic", "nictype": "bridged", "parent": "br0"}
        view = leaver(
            cluster(instance(added={"eth0": nic})),
            options={"network_mode": "flat", "network_parent": "br0"},
            links={name: {"flat br0": ParentInterface(parent="br0")} for name in ("m1", "m2")},
        )

        assert steps(view) == ["move default/c1 to m1"]

    def test_another_member_is_tried(self):
        view = leaver(cluster(instance()), refused("m0"))

        assert steps(view) == ["move default/c1 to m1"]

    def test_one_that_cannot_move_does_not_keep_the_others(self):
        view = leaver(cluster(instance("c1"), instance("c2")), refused("m0", "m1"))

        assert steps(view) == ["move default/c2 to m0"]

    def test_what_no_member_took_is_put_on_record_and_named(self):
        view = leaver(cluster(instance()), refused("m0", "m1"))
        assert steps(view) == ["note that 1 instance could not be moved off m2"]

        with_note = replace(view, history=replace(view.history, noted=frozenset({"default/c1"})))

        assert "default/c1: could not be moved (disk gone): move or delete it" in holds(with_note)

    def test_a_running_one_that_no_member_takes_may_move_stopped(self):
        """Machines with other processors take none that runs (LXD issue 15613)."""
        running = instance(type="virtual-machine", stateful=True)
        view = leaver(cluster(running), refused("m0", "m1"))
        with_note = replace(view, history=replace(view.history, noted=frozenset({"default/c1"})))

        hold = holds(with_note)

        cure = "cluster.evacuate=migrate moves it stopped"
        assert f"default/c1: could not be moved (disk gone): {cure}" in hold

    def test_somebody_elses_evacuation_is_waited_for(self):
        lxd = cluster(instance(), members=(member("m0"), member("m1"), member("m2", "EVACUATED")))

        assert steps(leaver(replace(lxd, evacuating=True))) == [
            "wait until LXD has evacuated or restored m2"
        ]


class TestStoppedOnTheWay:
    """What this unit stopped, to move it, runs again in the end."""

    def test_it_runs_again_where_it_is_now(self):
        moved = instance(location="m0", running=False)

        assert steps(leaver(cluster(moved, notes=RAN))) == ["start default/c1, which ran before"]

    def test_it_runs_again_here_if_no_member_takes_it(self):
        stuck = instance(running=False)
        view = leaver(cluster(stuck, notes=RAN), refused("m0", "m1"))

        assert steps(view) == ["start default/c1, which ran before"]

    def test_it_runs_after_its_move_if_a_member_takes_it(self):
        step = move(leaver(cluster(instance(running=False), notes=RAN)))

        assert (str(step), step.ran) == ("move default/c1 to m0", True)

    @pytest.mark.parametrize("now", [(instance(location="m0"),), (instance(),), ()], ids=str)
    def test_it_is_started_only_once(self, now: tuple[Instance, ...]):
        """An operator may stop it later, on purpose."""
        assert steps(leaver(cluster(*now, notes=RAN))) == ["note ran.m2="]


class TestAbandon:
    """What cannot move is given up, and nothing else."""

    def of(self, lxd: ClusterView, history: RunHistory | None = None) -> View:
        return leaver(lxd, history, options=ABANDON)

    def test_what_can_move_moves_first(self):
        view = self.of(cluster(instance("c1", added=GPU), instance("c2"), volumes=(VOLUME,)))

        assert steps(view) == ["move default/c2 to m0"]

    def test_then_the_rest_is_left_behind(self):
        stays = instance(added=GPU)
        view = self.of(cluster(stays, volumes=(VOLUME,), buckets=(BUCKET,), notes=REMOVING))

        assert steps(view) == ["abandon m2 with 3 things left on it"]

    def test_it_waits_until_another_leaving_member_has_left(self):
        view = self.of(cluster(volumes=(VOLUME,), notes={"leaving.m1": "going"}))

        assert steps(view) == ["wait until m1 has left"]

    def test_one_failure_is_not_the_end(self):
        history = replace(refused("m0", "m1"), noted=frozenset({"default/c1"}))
        view = self.of(cluster(instance(), notes=REMOVING | tried(1)), history)

        assert steps(view) == ["note leaving.m2=leaving"]

    def test_what_failed_in_two_hooks_is_left_behind(self):
        history = replace(refused("m0", "m1"), noted=frozenset({"default/c1"}))
        view = self.of(cluster(instance(), notes=REMOVING | tried(2)), history)

        assert steps(view) == ["abandon m2 with 1 thing left on it"]

    def test_what_failed_before_is_tried_again_first(self):
        assert steps(self.of(cluster(instance(), notes=tried(2)))) == ["move default/c1 to m0"]

    def test_nothing_that_a_member_could_take_which_is_down(self):
        lxd = cluster(
            instance(),
            members=(
                member("m0", "OFFLINE", roles=frozenset[str]()),
                member("m1", scheduler=CLOSED),
                member("m2", scheduler=CLOSED),
            ),
        )

        assert "m0 could take it, but is not online" in holds(self.of(lxd))


class TestImages:
    """An image that may have its only copy on this member."""

    def test_it_is_copied_before_the_member_goes(self):
        view = leaver(cluster(config=ONE, images=(IMAGE,), notes=REMOVING))

        assert steps(view) == ["let LXD copy images that only one member has"]
        assert steps(replace(view, history=RunHistory(copied=True))) == [
            "take m2 out of the cluster"
        ]

    @pytest.mark.parametrize(
        ("config", "images"), [(ONE, ()), ({}, (IMAGE,)), (ONE, None)], ids=str
    )
    def test_nothing_is_copied_needlessly(self, config: Any, images: Any):
        view = leaver(cluster(config=config, images=images, notes=REMOVING))

        assert steps(view) == ["take m2 out of the cluster"]

    def test_what_lxd_could_not_copy_is_named(self):
        history = RunHistory(only_copies=("ab" * 32,))
        view = leaver(cluster(images=(IMAGE,)), history)
        assert steps(view) == ["let LXD copy images that only one member has"]
        view = replace(view, history=replace(history, copied=True))

        assert "image abababababab: no other member has a copy" in holds(view)

    def test_with_abandon_what_lxd_could_not_copy_is_left_behind(self):
        options = {"on_remove": "abandon"}
        history = RunHistory(only_copies=("ab" * 32,), copied=True)

        assert steps(leaver(cluster(notes=REMOVING), history, options=options)) == [
            "abandon m2 with 1 thing left on it"
        ]


class TestOutside:
    """A unit whose LXD is in no cluster."""

    def of(self, *instances: Instance, **options: Any) -> View:
        lxd = cluster(*instances, members=())
        alone = replace(lxd, server=replace(lxd.server, clustered=False))
        return leaver(alone, options=options)

    def test_what_was_there_before_keeps_it(self):
        assert "default/c1: is in LXD here" in holds(self.of(instance()))

    def test_unless_the_operator_gives_it_up_or_it_is_jujus(self):
        assert holds(self.of(instance(), on_remove="abandon")) == ""
        assert holds(self.of(instance("juju-0a1b2c-3-lxd-0"))) == ""
        assert holds(self.of()) == ""


def test_the_leader_shows_what_no_member_took():
    lxd = cluster(instance(), notes=tried(1))
    view = leaver(lxd)
    seen = replace(view, unit="lxd/0", leader=True, leaving=False)
    assert seen.peers is not None
    own, gone = seen.peers.others["lxd/0"], seen.peers.own
    others = {"lxd/1": seen.peers.others["lxd/1"], "lxd/2": gone}
    there = replace(lxd, server=replace(lxd.server, name="m0"))
    plan = make_plan(replace(seen, peers=replace(seen.peers, own=own, others=others), lxd=there))

    assert str(plan.app_status).startswith(
        "blocked: lxd/2 cannot leave: default/c1: could not be moved (disk gone)"
    )
