# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Execution of steps: LXD fails half way, or its answer is lost."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace

import pytest

from act import token_sealing
from act.forming import purpose
from act.step import HANDLERS, StepFailed, act
from lxd.api import LxdApi
from lxd.http import Request, Response
from lxd.port import LxdPort
from state.notes import IDENTITY
from state.view import RunHistory
from steps.forming import CancelToken, MakeToken
from steps.leaving import AbandonMember, LeaveCluster, RemoveMember
from steps.networks import CreateNetwork, SetDefaultProfile
from steps.plan import Step
from steps.server import SetFailureDomain
from steps.storage import CreatePool
from tests.lxd_model.generations import NAMES
from tests.lxd_model.things import Network, Pool
from tests.unit.joins import joining
from tests.unit.model_units import formed
from tests.unit.scenarios import cluster_api, fail, give_join_lock, names, notes, the_cluster
from values.addresses import endpoint


@pytest.mark.parametrize("generation", NAMES)
def test_a_join_whose_answer_is_lost_counts(generation: str):
    app = formed(1, generation)
    step = joining(app)
    fail(app, "lxd/9", "PUT /1.0/cluster", how="lost")

    history = act(step, "lxd/9", app.units["lxd/9"].ports, RunHistory())

    assert not history.join_failure
    assert names(app) == ["m0", "m9"]


@pytest.mark.parametrize("generation", NAMES)
def test_a_join_that_fails_leaves_an_empty_lxd(generation: str):
    app = formed(1, generation)
    step = joining(app)
    unit = app.units["lxd/9"]
    fail(app, "lxd/9", "PUT /1.0/cluster")

    history = act(step, "lxd/9", unit.ports, RunHistory())

    assert history.join_failure == "PUT /1.0/cluster was refused"
    assert unit.machine.forming() is None
    assert unit.server.config == {}


@pytest.mark.parametrize("generation", NAMES)
def test_a_unit_does_not_join_if_the_one_that_admitted_it_is_gone(generation: str):
    """It was the bootstrap unit, removed by force. The leader names another one by now."""
    app = formed(1, generation)
    step = replace(joining(app), issuer="lxd/0")
    ports = replace(app.units["lxd/9"].ports, is_gone={"lxd/0": True}.__getitem__)

    with pytest.raises(StepFailed, match="lxd/0, which admitted this unit, is gone"):
        act(step, "lxd/9", ports, RunHistory())

    assert names(app) == ["m0"]
    assert app.units["lxd/9"].machine.forming() is None


def test_a_token_for_another_unit_is_of_no_use():
    app = formed(1)
    step = joining(app)

    with pytest.raises(StepFailed, match="not sealed to this unit"):
        act(step, "lxd/8", app.units["lxd/9"].ports, RunHistory())


def test_a_made_token_can_be_read_by_its_unit_alone():
    app = formed(1)
    private = token_sealing.new_key()
    step = MakeToken("lxd/5", "m5", token_sealing.public_half(private), 3, adopted=False)

    made = act(step, "lxd/0", app.units["lxd/0"].ports, RunHistory()).made

    assert made is not None
    assert (made.unit, made.attempt) == ("lxd/5", 3)
    token = json.loads(token_sealing.unseal(made.sealed, private, purpose("lxd/5")))
    assert token["cluster"] == notes(app)[IDENTITY]


@pytest.mark.parametrize("generation", NAMES)
def test_a_network_made_on_some_members_only_is_taken_away(generation: str):
    app = formed(2, generation)
    ports = app.units["lxd/0"].ports
    parents = {"m0": {"parent": "eth1"}, "m1": {"parent": "eth1"}}
    assert "eth1" not in app.units["lxd/1"].server.interfaces

    with pytest.raises(StepFailed, match='Parent interface "eth1" not found'):
        act(CreateNetwork("lan", "macvlan", {}, parents), "lxd/0", ports, RunHistory())

    assert "lan" not in the_cluster(app).networks


def test_a_token_lists_what_is_being_made():
    app = formed(1)
    for name in ("lan", "left"):
        the_cluster(app).networks[name] = Network(name, "macvlan", "Pending")
        the_cluster(app).pools[name] = Pool(name, "zfs", "Pending")
    public = token_sealing.public_half(token_sealing.new_key())
    step = MakeToken("lxd/5", "m5", public, 3, adopted=False, soon=frozenset({"lan"}))

    made = act(step, "lxd/0", app.units["lxd/0"].ports, RunHistory()).made

    # What no option asks for may stay half made forever.
    assert made is not None
    assert [network.name for network in made.networks] == ["lan"]
    assert [storage.pool for storage in made.pools] == ["lan", "local"]


CREATIONS = [
    CreateNetwork("br7", "bridge", {}, {"m0": {}}),
    CreatePool("fast", "dir", {}, {"m0": {}}),
]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("step", CREATIONS, ids=["network", "pool"])
def test_nothing_is_made_while_somebody_joins(step: CreateNetwork | CreatePool, generation: str):
    app = formed(1, generation)
    cluster, ports = the_cluster(app), app.units["lxd/0"].ports
    give_join_lock(app, "lxd/5 0 m5 m0")

    with pytest.raises(StepFailed, match="lxd/5 is joining") as refused:
        act(step, "lxd/0", ports, RunHistory())

    assert refused.value.later
    assert not {"br7", "fast"} & {*cluster.networks, *cluster.pools}
    # It has joined: its turn is over, whether anybody has said so or not.
    give_join_lock(app, "lxd/0 0 m0 m0")
    act(step, "lxd/0", ports, RunHistory())
    assert {"br7", "fast"} & {*cluster.networks, *cluster.pools}


def test_other_devices_of_the_default_profile_stay():
    app = formed(1)
    profile = cluster_api(app).profiles.default()
    devices = {**profile["devices"], "gpu": {"type": "gpu"}}
    cluster_api(app).profiles.set_default({**profile, "devices": devices})

    act(SetDefaultProfile("local", {}), "lxd/0", app.units["lxd/0"].ports, RunHistory())

    assert sorted(the_cluster(app).profile.devices) == ["gpu", "root"]


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    "step",
    [
        CancelToken("m5", ""),
        SetFailureDomain("m0", "a"),
        SetDefaultProfile("local", {"network": "lxdbr0"}),
    ],
)
def test_a_step_done_twice_ends_the_same(
    step: CancelToken | SetFailureDomain | SetDefaultProfile, generation: str
):
    app = formed(1, generation)
    ports = app.units["lxd/0"].ports
    act(step, "lxd/0", ports, RunHistory())
    before = app.view("lxd/0").lxd

    act(step, "lxd/0", ports, RunHistory())

    assert app.view("lxd/0").lxd == before


@pytest.mark.parametrize(
    ("address", "written"), [("10.0.0.1", "10.0.0.1:8443"), ("fd00::1", "[fd00::1]:8443")]
)
def test_addresses_are_written_as_lxd_writes_them(address: str, written: str):
    assert endpoint(address) == written


class Refusing:
    """LXD, except that it refuses every DELETE."""

    def __init__(self, port: LxdPort, words: str) -> None:
        self._port, self._words = port, words
        self.certificate, self.now, self.sleep = port.certificate, port.now, port.sleep

    def send(self, request: Request, seconds: float) -> Response:
        if request.method != "DELETE":
            return self._port.send(request, seconds)
        return Response(500, {"type": "error", "error": self._words, "metadata": None})


@pytest.mark.parametrize(
    ("refusal", "later"),
    [
        # LXD promotes another member meanwhile, for a minute or more.
        ("Failed to leave the cluster: a configuration change is already in progress (5)", True),
        ("Member is not empty", False),
    ],
)
def test_a_removal_waits_for_a_change_of_the_database_that_is_under_way(refusal: str, later: bool):
    app = formed(3)
    unit = app.units["lxd/0"]
    ports = replace(unit.ports, lxd=LxdApi(Refusing(unit.server.lxd, refusal)))

    with pytest.raises(StepFailed) as failed:
        act(RemoveMember("m2", "10.0.0.3"), "lxd/0", ports, RunHistory())
    assert failed.value.later == later


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    "step",
    [
        RemoveMember("m2", "10.0.0.9"),
        AbandonMember("m2", (), "10.0.0.9"),
        LeaveCluster("m2", "10.0.0.9"),
    ],
    ids=["removed", "abandoned", "left"],
)
def test_a_member_that_got_the_name_since_the_plan_stays(
    step: RemoveMember | AbandonMember | LeaveCluster, generation: str
):
    app = formed(3, generation)

    with pytest.raises(StepFailed) as failed:
        act(step, "lxd/2", app.units["lxd/2"].ports, RunHistory())

    assert failed.value.later
    assert names(app) == ["m0", "m1", "m2"]


@pytest.mark.parametrize("fails", ["sealing", "asking LXD for its pools"])
def test_a_token_that_reaches_no_unit_is_cancelled(fails: str, monkeypatch: pytest.MonkeyPatch):
    app = formed(1)
    ports = app.units["lxd/0"].ports
    step = MakeToken(
        "lxd/5", "m5", token_sealing.public_half(token_sealing.new_key()), 3, adopted=False
    )

    def raises(message: str, *_: object) -> str:
        # The form of the key is checked first, without any text to seal.
        if message:
            raise token_sealing.SealError("no key")
        return ""

    if fails == "sealing":
        monkeypatch.setattr(token_sealing, "seal", raises)
    else:
        app.cloud.fault = lambda _, call: "refuse" if call == "GET /1.0/storage-pools" else ""
    with pytest.raises(StepFailed):
        act(step, "lxd/0", ports, RunHistory())

    app.cloud.fault = lambda _, __: ""
    assert the_cluster(app).tokens == {}


@pytest.mark.parametrize("kind", Step.__subclasses__(), ids=lambda kind: kind.__name__)
def test_each_step_is_executed_by_the_function_that_takes_it(kind: type[Step]):
    taken = inspect.signature(HANDLERS[kind]).parameters["step"].annotation

    assert taken == kind.__name__
