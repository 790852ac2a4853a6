# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The action recover-quorum on whole clusters: one database before, one database after."""

from __future__ import annotations

import pytest

from actions.recover_quorum import recover_quorum
from actions.refusal import ActionRefused
from deadlines import RECOVERY_ANSWER
from tests.lxd_model.generations import NAMES
from tests.lxd_model.records import Role
from tests.unit.model_units import ModelApp, formed
from tests.unit.recoveries import dead, given_up, hooks, insist, recover
from tests.unit.scenarios import later, leaving, the_cluster
from values.addresses import host


def units_that(app: ModelApp, role: Role) -> list[str]:
    """The units whose members have a role."""
    rows = {host(row.address): row for row in the_cluster(app).members}
    return [name for name, unit in app.units.items() if rows[unit.address].role is role]


@pytest.mark.parametrize("generation", NAMES)
def test_the_last_voter_of_three_goes_on_alone(generation: str):
    app = formed(3, generation)
    app = given_up(dead(app, ("lxd/1", "lxd/2")), ("lxd/1", "lxd/2"))

    assert "run recover-quorum" in str(app.plan("lxd/0").status)
    assert recover(app, "lxd/0").startswith("/var/lib/lxd-cluster/backups/")

    later(app, 60)
    hooks(app, app.units)
    assert "voter" in str(app.plan("lxd/0").status)
    assert app.own("lxd/0").silent is None


@pytest.mark.parametrize("generation", NAMES)
def test_one_of_several_survivors_recovers_and_the_others_follow(generation: str):
    app = formed(5, generation)
    voters = units_that(app, Role.VOTER)
    app = given_up(dead(app, voters[1:]), voters[1:])
    stand_bys = sorted(set(app.units) - {voters[0]})

    with pytest.raises(ActionRefused, match="has not said yet that its database does not answer"):
        recover(app, voters[0])
    hooks(app, stand_bys)
    for name in stand_bys:
        with pytest.raises(ActionRefused, match=f"run it on {voters[0]}|has not said yet"):
            recover(app, name)
    hooks(app, app.units)
    recover(app, voters[0])

    later(app, 60)
    hooks(app, app.units)
    assert not any(app.own(name).silent for name in app.units)
    assert len([t for t in app.cloud.clusters() if t.answering]) == 1


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_in_error_answers_when_the_action_runs_there(generation: str):
    """It is being removed, and its hooks, which fail, publish nothing."""
    app = formed(5, generation)
    voters, held = units_that(app, Role.VOTER), units_that(app, Role.STANDBY)[0]
    leaving(app, held)
    app = given_up(dead(app, voters[1:]), voters[1:])
    app.leader = voters[0]
    with pytest.raises(ActionRefused, match="has not said yet"):
        recover(app, voters[0])
    hooks(app, app.units)
    with pytest.raises(ActionRefused, match=f"^{held} has not said yet .* run the action there"):
        recover(app, voters[0])

    with pytest.raises(ActionRefused, match=f"run it on {voters[0]}|has not said yet"):
        recover(app, held)
    recover(app, voters[0])

    later(app, 60)
    hooks(app, app.units)
    assert len([t for t in app.cloud.clusters() if t.answering]) == 1


def test_a_stand_by_that_merely_reaches_nobody_is_refused():
    """Others have their quorum: it would be a second database."""
    app = formed(4)
    (stand_by,) = units_that(app, Role.STANDBY)
    for name, unit in app.units.items():
        if name != stand_by:
            app.cloud.cut(app.units[stand_by].server.machine, unit.server.machine)
    later(app, 60)
    hooks(app, app.units)

    with pytest.raises(ActionRefused, match="0 of 3 voters are lost: start LXD on"):
        recover(app, stand_by)
    # Even if the operator is wrong about the voters.
    with pytest.raises(ActionRefused, match="has not said yet"):
        recover(app, stand_by, "lxd/0,lxd/1")
    assert app.units[stand_by].server.database.backups == []


def test_a_voter_that_is_said_to_be_lost_must_not_listen():
    app = dead(formed(3), ("lxd/1",))
    app.units["lxd/2"].server.freeze()
    later(app, 60)
    hooks(app, ("lxd/0",))

    with pytest.raises(ActionRefused, match="counts as lost, but accepts connections"):
        insist(app, "lxd/0", "lxd/1 lxd/2")


def test_the_operator_names_whom_juju_still_knows():
    app = dead(formed(3), ("lxd/1", "lxd/2"))

    with pytest.raises(ActionRefused, match="juju remove-machine --force N, or lost=UNIT"):
        recover(app, "lxd/0")
    insist(app, "lxd/0", "lxd/1, m2")


@pytest.mark.parametrize("generation", NAMES)
def test_a_member_that_is_cut_off_does_not_recover_beside_a_cluster_that_works(generation: str):
    app = formed(3, generation)
    for other in ("lxd/1", "lxd/2"):
        app.cloud.cut(app.units["lxd/0"].server.machine, app.units[other].server.machine)
    later(app, 60)
    hooks(app, app.units)
    with pytest.raises(ActionRefused, match="run it again in 5 min, with lost=lxd/1,lxd/2"):
        recover(app, "lxd/0", "lxd/1,lxd/2")

    hooks(app, app.units)

    with pytest.raises(ActionRefused, match="LXD works on lxd/1, lxd/2: mend the network"):
        recover(app, "lxd/0", "lxd/1,lxd/2")
    assert app.units["lxd/0"].server.database.backups == []


def test_an_answer_from_before_the_others_died_does_not_count_for_ever():
    app = formed(3)
    for other in ("lxd/1", "lxd/2"):
        app.cloud.cut(app.units["lxd/0"].server.machine, app.units[other].server.machine)
    later(app, 60)
    hooks(app, app.units)
    for refusal in ("run it again in 5 min", "LXD works on lxd/1, lxd/2: mend the network"):
        with pytest.raises(ActionRefused, match=refusal):
            recover(app, "lxd/0", "lxd/1,lxd/2")
        hooks(app, app.units)
    dead(app, ("lxd/1", "lxd/2"))
    later(app, RECOVERY_ANSWER)

    with pytest.raises(ActionRefused, match="LXD works on"):
        recover(app, "lxd/0", "lxd/1,lxd/2")

    assert insist(app, "lxd/0", "lxd/1,lxd/2")


@pytest.mark.parametrize("generation", NAMES)
def test_a_new_unit_at_a_lost_members_address_does_not_prevent_it(generation: str):
    app = given_up(dead(formed(3, generation), ("lxd/1", "lxd/2")), ("lxd/1", "lxd/2"))
    unit = app.add(3, "m1")
    unit.address = unit.server.address = "10.0.0.2"
    hooks(app, app.units)

    assert recover(app, "lxd/0")


def test_a_name_that_means_nobody_does_not_take_the_question_back():
    app = formed(5)
    dead(app, ["lxd/0", "lxd/1"])
    with pytest.raises(ActionRefused):
        recover(app, "lxd/2", "lxd/0,lxd/1")
    asked = app.own("lxd/2").lost

    with pytest.raises(ActionRefused, match="lost=lxd/9: no member has that name"):
        recover(app, "lxd/2", "lxd/0 lxd/9")

    assert asked
    assert app.own("lxd/2").lost == asked


def test_a_cluster_that_answers_has_its_quorum():
    app = formed(3)

    with pytest.raises(ActionRefused, match="its database has its quorum"):
        recover(app, "lxd/0", "lxd/1,lxd/2")


def test_it_asks_for_no_word_while_it_would_refuse():
    app = formed(3)

    with pytest.raises(ActionRefused, match="its database has its quorum"):
        recover_quorum(app.view("lxd/0"), app.units["lxd/0"].ports, "", "")


def test_it_asks_for_a_word_first():
    app = dead(formed(3), ("lxd/1", "lxd/2"))
    view = app.view("lxd/0")

    with pytest.raises(ActionRefused, match="confirm=recover-lxd-0"):
        recover_quorum(view, app.units["lxd/0"].ports, "lxd/1,lxd/2", "yes")


def test_a_daemon_that_is_not_running_is_started_first():
    app = formed(3)
    app.units["lxd/0"].server.kill_daemon()

    with pytest.raises(ActionRefused, match="LXD is not running here: snap start lxd"):
        recover(app, "lxd/0", "lxd/1,lxd/2")


def test_no_unit_says_anything_while_the_silence_may_end_by_itself():
    app = formed(3)
    for name in ("lxd/1", "lxd/2"):
        app.units[name].server.power_off()
    later(app, 30)
    app.hook("lxd/0")

    assert str(app.plan("lxd/0").status) == "waiting: for LXD's database, which does not answer"
    assert app.own("lxd/0").silent is None


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_that_joined_and_could_not_say_so_recovers_without_the_first_one(generation: str):
    app = formed(1, generation)
    app.add(1)
    for name in ("lxd/1", "lxd/0", "lxd/0"):
        app.hook(name)
    app.hook("lxd/1", commit=False)
    assert app.own("lxd/1").cluster == ""
    (joined,) = (row for row in the_cluster(app).members if row.name == "m1")
    joined.role = Role.STANDBY
    app = given_up(dead(app, ("lxd/0",)), ("lxd/0",))
    app.leader = "lxd/1"
    hooks(app, ("lxd/1",))
    assert "run recover-quorum" in str(app.plan("lxd/1").status)

    recover(app, "lxd/1", "m0")

    later(app, 60)
    for _ in range(4):
        hooks(app, ("lxd/1",))
    assert "member m1, voter" in str(app.plan("lxd/1").status)
    assert app.own("lxd/1").cluster == app.app().cluster


def test_a_unit_without_lxd_does_not_say_that_lxd_answers():
    app = formed(3)
    app.add(3)

    with pytest.raises(ActionRefused, match="no quorum is missing here: waiting: for the LXD snap"):
        recover_quorum(app.view("lxd/3"), app.units["lxd/3"].ports, "", "")
