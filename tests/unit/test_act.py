"""Steps carried out: what happens when LXD fails half way, or its answer is lost."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from lxd_reading import LxdError, LxdUnreachable

import seal
import turns
from act import StepFailed, act, purpose
from addresses import endpoint
from steps import (
    CancelToken,
    CreateNetwork,
    CreatePool,
    Join,
    MakeToken,
    RemoveMember,
    SetDefaultProfile,
    SetFailureDomain,
)
from tests.unit.model_units import ModelApp, formed
from view import Events, Network, Pool


def joining(app: ModelApp) -> Join:
    """What the next unit would do with a fresh token."""
    app.add(9)
    unit = app.units["lxd/9"]
    unit.snap.install("5.21/stable", "")
    private = seal.new_key()
    unit.machine.keep_key(private, seal.public_half(private))
    token = app.units["lxd/0"].lxd.make_join_token("m9")
    return Join(
        name="m9",
        address="10.0.0.10:8443",
        https_address="10.0.0.10:8443",
        sealed=seal.seal(token, seal.public_half(private), purpose("lxd/9")),
        pools={"local": {"source": ""}},
    )


def test_a_join_whose_answer_is_lost_counts(monkeypatch: pytest.MonkeyPatch):
    app = formed(1)
    step = joining(app)
    lxd = app.units["lxd/9"].lxd
    join = lxd.join_cluster

    def lost(
        name: str, address: str, token: str, member_config: list[dict[str, str]], seconds: float
    ) -> None:
        join(name, address, token, member_config, seconds)
        raise LxdUnreachable("no answer in time")

    monkeypatch.setattr(lxd, "join_cluster", lost)

    events = act(step, "lxd/9", app.units["lxd/9"].world, Events())

    assert not events.join_failure
    assert lxd.server().clustered


def test_a_join_that_fails_leaves_an_empty_lxd():
    app = formed(1)
    step = joining(app)
    unit = app.units["lxd/9"]
    unit.lxd.fail_join = "database is busy"

    events = act(step, "lxd/9", unit.world, Events())

    assert events.join_failure == "database is busy"
    assert unit.machine.forming() is None
    assert "core.https_address" not in unit.lxd.server().config


def test_a_token_for_another_unit_is_of_no_use():
    app = formed(1)
    step = joining(app)

    with pytest.raises(StepFailed, match="not sealed to this unit"):
        act(step, "lxd/8", app.units["lxd/9"].world, Events())


def test_a_made_token_can_be_read_by_its_unit_alone():
    app = formed(1)
    private = seal.new_key()
    step = MakeToken("lxd/5", "m5", seal.public_half(private), 3, adopted=False)

    made = act(step, "lxd/0", app.units["lxd/0"].world, Events()).made

    assert made is not None
    assert (made.unit, made.attempt) == ("lxd/5", 3)
    assert seal.unseal(made.sealed, private, purpose("lxd/5"))


def test_a_network_made_on_some_members_only_is_taken_away(monkeypatch: pytest.MonkeyPatch):
    app = formed(2)
    world = app.units["lxd/0"].world
    (cluster,) = app.clusters.values()

    def half(name: str, kind: str, config: Mapping[str, str], *more: object) -> None:
        del more
        cluster.networks[name] = Network(name, kind, "Errored", config, frozenset())
        raise LxdError("failed to notify peer m1")

    monkeypatch.setattr(world.lxd, "create_network", half)

    with pytest.raises(StepFailed, match="failed to notify peer m1"):
        act(CreateNetwork("br7", "bridge", {}, {"m0": {}, "m1": {}}), "lxd/0", world, Events())

    assert "br7" not in cluster.networks


def test_a_token_tells_of_what_is_being_made():
    app = formed(1)
    (cluster,) = app.clusters.values()
    for name in ("lan", "left"):
        cluster.networks[name] = Network(name, "macvlan", "Pending", {}, frozenset())
        cluster.pools[name] = Pool(name, "zfs", "Pending", frozenset())
    public = seal.public_half(seal.new_key())
    step = MakeToken("lxd/5", "m5", public, 3, adopted=False, soon=frozenset({"lan"}))

    made = act(step, "lxd/0", app.units["lxd/0"].world, Events()).made

    # What nobody asks for may stay half made for ever.
    assert made is not None
    assert [network.name for network in made.networks] == ["lan"]
    assert [storage.pool for storage in made.pools] == ["lan", "local"]


CREATIONS = [
    CreateNetwork("br7", "bridge", {}, {"m0": {}}),
    CreatePool("fast", "dir", {}, {"m0": {}}),
]


@pytest.mark.parametrize("step", CREATIONS, ids=["network", "pool"])
def test_nothing_is_made_while_somebody_joins(step: CreateNetwork | CreatePool):
    app = formed(1)
    (cluster,) = app.clusters.values()
    world = app.units["lxd/0"].world
    cluster.notes[turns.KEY] = "lxd/5 0 m5"

    with pytest.raises(StepFailed, match="lxd/5 is joining") as refused:
        act(step, "lxd/0", world, Events())

    assert refused.value.later
    assert not {"br7", "fast"} & {*cluster.networks, *cluster.pools}
    # It has joined: its turn is over, whether somebody has said so or not.
    cluster.notes[turns.KEY] = "lxd/0 0 m0"
    act(step, "lxd/0", world, Events())
    assert {"br7", "fast"} & {*cluster.networks, *cluster.pools}


def test_other_devices_of_the_default_profile_stay():
    app = formed(1)
    (cluster,) = app.clusters.values()
    cluster.devices["gpu"] = {"type": "gpu"}
    world = app.units["lxd/0"].world

    act(SetDefaultProfile("local", {}), "lxd/0", world, Events())

    assert sorted(cluster.devices) == ["gpu", "root"]


@pytest.mark.parametrize(
    "step",
    [
        CancelToken("m5", ""),
        SetFailureDomain("m0", "a"),
        SetDefaultProfile("local", {"network": "lxdbr0"}),
    ],
)
def test_a_step_done_twice_ends_the_same(step: CancelToken | SetFailureDomain | SetDefaultProfile):
    app = formed(1)
    world = app.units["lxd/0"].world
    act(step, "lxd/0", world, Events())
    before = app.view("lxd/0").lxd

    act(step, "lxd/0", world, Events())

    assert app.view("lxd/0").lxd == before


@pytest.mark.parametrize(
    ("address", "written"), [("10.0.0.1", "10.0.0.1:8443"), ("fd00::1", "[fd00::1]:8443")]
)
def test_addresses_are_written_as_lxd_writes_them(address: str, written: str):
    assert endpoint(address) == written


@pytest.mark.parametrize(
    ("refusal", "later"),
    [
        # LXD promotes another member meanwhile, for a minute or more.
        ("Failed to leave the cluster: a configuration change is already in progress (5)", True),
        ("Member is not empty", False),
    ],
)
def test_a_removal_waits_for_a_change_of_the_database_that_is_under_way(
    monkeypatch: pytest.MonkeyPatch, refusal: str, later: bool
):
    app = formed(3)
    unit = app.units["lxd/0"]

    def refuses(name: str) -> None:
        raise LxdError(refusal)

    monkeypatch.setattr(unit.lxd, "remove_member", refuses)

    with pytest.raises(StepFailed) as failed:
        act(RemoveMember("m2"), "lxd/0", unit.world, Events())
    assert failed.value.later == later
