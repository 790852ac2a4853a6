# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An LXD that was on the machine before the charm, and one that Juju puts there later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from options.options import Options
from plan.unit import make_plan
from state.cluster import ClusterView, Network, Pool
from state.facts import Resource, SnapFacts
from state.lxd_objects import Image, Instance
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import View
from steps.install import (
    BackupDatabase,
    InstallSnap,
    InstallSnapFile,
    InstallSnapVersion,
    RemoveSnap,
)
from steps.plan import Step
from tests.lxd_model import by_hand
from tests.lxd_model.generations import NAMES
from tests.unit import views
from tests.unit.findings import statuses
from tests.unit.model_units import ModelApp, ModelUnit, formed
from tests.unit.scenarios import names, server
from tests.unit.views import data, lxd, member, peers

FOUND = SnapFacts(
    snapd=True,
    deb=False,
    installed=True,
    revision="29351",
    version="5.0.3-abc",
    channel="5.0/stable/ubuntu-22.04",
    foreign=True,
)
NEW = data(0, cluster="", lxd="", package="", revision="", channel="")


def existing_lxd(version: str = "5.0.3", *, foreign: bool = True, **fields: Any) -> View:
    """Unit 0 on a machine with such an LXD, alone."""
    snap = replace(FOUND, version=version, foreign=foreign)
    plain = views.view(lxd(version=version), peers(NEW, {}), snap=snap, public_key="")
    return replace(plain, **fields)


def beside(version: str = "5.0.3", **fields: Any) -> View:
    """The same beside two members of 5.21.7."""
    return existing_lxd(version, peers=peers(NEW, {n: data(n) for n in (1, 2)}), **fields)


def with_file(view: View, offered: str) -> View:
    """The operator has attached LXD as a file."""
    snap = replace(view.snap, offered=offered, same_as_resource=False)
    return replace(view, resource=Resource("/lxd.snap", "new"), snap=snap)


LATEST = InstallSnap("5.21/stable")
THEIRS = InstallSnap("5.21/stable", "100")
FAILED = data(0, cluster="", attempt=1)
SILENT = Unresponsive("no answer", UnresponsiveReason.STOPPED)


@pytest.mark.parametrize(
    ("view", "steps"),
    [
        pytest.param(existing_lxd(), (LATEST,), id="the channel's"),
        pytest.param(existing_lxd("5.21.3"), (LATEST,), id="of the same series"),
        pytest.param(existing_lxd("5.21.9"), (LATEST,), id="a later one of the series"),
        pytest.param(existing_lxd("6.9"), (RemoveSnap(),), id="one that is later"),
        pytest.param(
            existing_lxd("6.9", options=Options(snap_channel="6/stable")),
            (InstallSnap("6/stable"),),
            id="what the option names",
        ),
        pytest.param(
            existing_lxd("6.9", options=Options(snap_channel="latest/stable")),
            (InstallSnap("latest/stable"),),
            id="latest is later than all",
        ),
        pytest.param(existing_lxd(peers=None), (LATEST,), id="before the peer relation"),
        pytest.param(beside(), (THEIRS,), id="the members' revision"),
        pytest.param(beside("5.21.9"), (RemoveSnap(),), id="later in one series"),
        pytest.param(beside("6.9"), (RemoveSnap(),), id="later than the cluster's"),
        pytest.param(beside("6.9", foreign=False), (RemoveSnap(),), id="that the charm chose"),
        pytest.param(
            existing_lxd(lxd=SILENT, snap=replace(FOUND, untouched=True)),
            (LATEST,),
            id="never started",
        ),
        pytest.param(
            with_file(existing_lxd(), "5.21.7"), (InstallSnapFile("/lxd.snap"),), id="a file"
        ),
        pytest.param(with_file(existing_lxd("6.9"), "5.21.7"), (RemoveSnap(),), id="an older file"),
    ],
)
def test_one_that_holds_nothing_becomes_the_right_one_first(view: View, steps: tuple[Step, ...]):
    assert make_plan(view).steps == steps


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(existing_lxd(foreign=False), id="the charm's own"),
        pytest.param(existing_lxd(lxd=SILENT), id="one that says nothing"),
        pytest.param(
            existing_lxd("6.9", peers=peers(FAILED, {1: data(1)})),
            id="its certificate may be with the cluster",
        ),
    ],
)
def test_what_is_left_as_it_is(view: View):
    assert not {type(step) for step in make_plan(view).steps} & {
        InstallSnap,
        InstallSnapVersion,
        RemoveSnap,
    }


POOL = Pool("default", "zfs", "Created", frozenset())
BRIDGE = Network("mpbr0", "bridge", "Created", {}, frozenset())
PLAIN = lxd(version="5.0.3")
INSTANCE = Instance(project="default", name="c1", location="none")
IMAGE = Image("default", "f" * 64)
CACHED = Image("default", "a" * 64, cached=True)
JUJUS = Image("default", "b" * 64, "juju/ubuntu@24.04/amd64")


def configured(**config: str) -> ClusterView:
    """An LXD with these keys."""
    keys = {key.replace("_", ".", 1): value for key, value in config.items()}
    return replace(PLAIN, server=replace(PLAIN.server, config=keys))


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (
            replace(PLAIN, instances=(INSTANCE,)),
            "LXD here has instances, joining would lose them: move or delete them",
        ),
        (
            replace(PLAIN, pools=(POOL,)),
            "LXD here has a storage pool default: delete it, or use another machine",
        ),
        (
            replace(PLAIN, networks=(BRIDGE,)),
            "LXD here has a network mpbr0: delete it, or use another machine",
        ),
        (
            replace(PLAIN, images=(CACHED, IMAGE)),
            "LXD here has the image ffffffffffff: export it, then delete it",
        ),
        # A MAAS's KVM host.
        (
            replace(PLAIN, projects=frozenset({"default", "maas"})),
            "LXD here has a project maas: delete it, or use another machine",
        ),
        (
            configured(core_https_address="[::]:8443"),
            "LXD here has core.https_address set: unset it, or use another machine",
        ),
        (
            replace(PLAIN, devices=frozenset({"eth0"})),
            "LXD here has a profile device eth0: delete it, or use another machine",
        ),
        (
            replace(PLAIN, profiles=frozenset({"default", "gpu"})),
            "LXD here has a profile gpu: delete it, or use another machine",
        ),
        (
            replace(PLAIN, server=replace(PLAIN.server, clustered=True), members=(member(0),)),
            "LXD here is in another cluster, as member m0: use another machine",
        ),
    ],
)
@pytest.mark.parametrize("with_a_file", [False, True])
def test_one_that_is_used_is_left_alone(seen: ClusterView, status: str, with_a_file: bool):
    view = existing_lxd(lxd=seen, public_key="key" if seen.server.clustered else "")
    if with_a_file and not seen.server.clustered:
        view = with_file(view, "5.21.7")
    plan = make_plan(view)

    assert plan.steps == ()
    assert str(plan.status) == f"blocked: {status}"


def test_an_lxd_that_an_older_charm_prepared_is_not_a_used_one():
    """It noted no revision."""
    seen = configured(core_https_address="10.0.0.1:8443")

    assert make_plan(existing_lxd(lxd=seen, public_key="key")).steps == (LATEST,)


def test_what_lxd_keeps_for_itself_does_not_count_as_use():
    assert make_plan(existing_lxd(lxd=configured(volatile_uuid="u"))).steps == (LATEST,)


def test_images_that_can_be_fetched_again_do_not_count_as_use():
    assert make_plan(existing_lxd(lxd=replace(PLAIN, images=(CACHED, JUJUS)))).steps == (LATEST,)


@pytest.mark.parametrize("foreign", [False, True])
def test_a_newer_one_with_an_image_is_not_removed(foreign: bool):
    seen = replace(lxd(version="6.9"), images=(IMAGE,))

    assert RemoveSnap() not in make_plan(beside("6.9", lxd=seen, foreign=foreign)).steps


def test_what_jujus_agent_sets_on_any_lxd_does_not_count_as_use():
    seen = configured(core_proxy_http="http://squid.internal:3128")

    assert make_plan(existing_lxd(lxd=seen)).steps == (LATEST,)


# Juju's replacement of a member's LXD: `juju deploy --to lxd:N`.


def replaced(version: str, **fields: Any) -> View:
    """A member with another LXD on its machine now, as its unit sees it first."""
    snap = replace(FOUND, version=version, channel="5.0/stable", revision="29351")
    among = peers(data(0), {n: data(n) for n in (1, 2)})
    return replace(views.view(SILENT, among, snap=snap), **fields)


def replaced_with_file(offered: str) -> View:
    """The same where LXD was from a file, and a file is attached. LXD does not start."""
    stopped = replace(SILENT, reason=UnresponsiveReason.STOPPED)
    among = peers(data(0), {1: data(1, revision="x1")})
    view = replaced("5.0.3", peers=among, lxd=stopped, resource=Resource("/f", "digest"))
    return replace(view, snap=replace(view.snap, offered=offered, same_as_resource=False))


@pytest.mark.parametrize(
    ("view", "steps"),
    [
        pytest.param(replaced("5.0.3"), (THEIRS,), id="as the others have it"),
        pytest.param(replaced("5.21.5"), (THEIRS,), id="as the others have it, of the same series"),
        pytest.param(replaced("5.0.3", peers=peers(data(0), {})), (THEIRS,), id="as it was, alone"),
        pytest.param(
            replaced("5.0.3", peers=peers(data(0, revision="29351"), {})),
            (InstallSnapVersion("5.21/stable", "5.21.7"),),
            id="as it ran, when that could not be done at once",
        ),
        pytest.param(replaced("6.9", lxd=SILENT), (), id="a later one has opened the database"),
        pytest.param(
            replaced("5.0.3", peers=peers(data(0), {1: data(1, revision="x1")})),
            (),
            id="from a file",
        ),
        pytest.param(
            replaced_with_file("5.21.7"), (InstallSnapFile("/f"),), id="that file is attached"
        ),
        pytest.param(replaced_with_file("5.21.6"), (), id="an older file is attached"),
        pytest.param(
            replaced_with_file("6.9"),
            (BackupDatabase("6.9"), InstallSnapFile("/f")),
            id="a newer file is attached",
        ),
    ],
)
def test_an_older_one_in_a_members_place_is_put_back(view: View, steps: tuple[Step, ...]):
    installs = [s for s in make_plan(view).steps if not str(s).startswith("note")]

    assert tuple(installs) == steps


def test_the_status_says_what_was_put_in_its_place():
    assert str(make_plan(replaced("5.0.3")).status) == (
        "waiting: to install LXD 5.21.7 again instead of 5.0.3"
    )
    from_file = replaced("5.0.3", peers=peers(data(0), {1: data(1, revision="x1")}))
    assert str(make_plan(from_file).status) == (
        "blocked: LXD was 5.21.7 from a file: attach that file as lxd-snap again"
    )


# On whole clusters.


def preinstalled(app: ModelApp, number: int, *, runs: bool = True) -> None:
    """One more unit, on a machine whose image has an LXD."""
    unit = app.add(number)
    unit.snap.facts_ = replace(
        unit.snap.facts_, installed=True, revision="29351", channel="5.0/stable/ubuntu-22.04"
    )
    unit.server.revision = "29351"
    if runs:
        unit.server.start_daemon()
        app.cloud.now += 20.0


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize("runs", [False, True])
def test_machines_of_an_image_with_lxd_become_one_cluster(generation: str, runs: bool):
    app = formed(0, generation, snap_channel="latest/stable")
    for number in range(3):
        preinstalled(app, number, runs=runs)

    app.settle()

    assert names(app) == ["m0", "m1", "m2"]
    assert [u.snap.calls[0] for u in app.units.values()][:1] == ["install latest/stable"]
    assert all(u.snap.calls for u in app.units.values())


@pytest.mark.parametrize("generation", NAMES)
def test_a_newer_one_is_removed_and_the_unit_joins(generation: str):
    app = formed(2, generation)
    app.add(2).snap.install("latest/stable", "")
    app.units["lxd/2"].server.version = "7.1"

    app.settle()

    assert app.units["lxd/2"].snap.calls[1:] == ["remove", "install 5.21/stable 100"]
    assert names(app) == ["m0", "m1", "m2"]


USES: list[tuple[Callable[[ModelApp], object], str]] = [
    (lambda app: by_hand.add_image(app.units["lxd/1"].server, "f" * 64), "the image ffffffffffff"),
    (lambda app: by_hand.add_profile(app.units["lxd/1"].server, "gpu"), "profile gpu"),
    (lambda app: by_hand.launch(app.units["lxd/1"].server, "c1"), "instances"),
    (lambda app: app.units["lxd/1"].ports.lxd.pools.create("old", "dir", {}, {}), "pool old"),
    (lambda app: app.units["lxd/1"].ports.lxd.server.set_config({"user.x": "1"}), "user.x"),
]


@pytest.mark.parametrize(("use", "reason"), USES)
@pytest.mark.parametrize("generation", NAMES)
def test_a_used_one_is_not_even_refreshed(
    use: Callable[[ModelApp], object], reason: str, generation: str
):
    app = formed(1, generation)
    preinstalled(app, 1)
    use(app)

    app.settle()

    assert app.units["lxd/1"].snap.calls == []
    assert statuses(app)["lxd/1"].startswith("blocked: LXD here has ")
    assert reason in statuses(app)["lxd/1"]


def refreshed_by_juju(unit: ModelUnit) -> None:
    """Juju has given its machine an older LXD."""
    unit.snap.facts_ = replace(
        unit.snap.facts_,
        installed=True,
        disabled=False,
        changing=False,
        revision="29351",
        channel="5.0/stable",
    )
    unit.server.kill_daemon()
    unit.server.version = "5.0.3"
    unit.server.start_daemon()


@pytest.mark.parametrize("generation", ["5.21", "6.9"])
def test_a_member_that_juju_gave_an_older_lxd_gets_its_own_back(generation: str):
    app = formed(3, generation)
    unit = app.units["lxd/1"]
    was = unit.server.version
    refreshed_by_juju(unit)

    app.settle()

    assert unit.snap.calls[-1] == "install 5.21/stable 100"
    assert server(app, "m1").version == was
    assert statuses(app)["lxd/1"] == "active: member m1, voter"


def test_a_lone_member_gets_its_own_back_although_a_hook_met_the_exchange():
    """The channel has a later release meanwhile, so only the revision tells what it ran."""
    app = formed(1)
    unit = app.units["lxd/0"]
    unit.snap.newest = "5.21.8"
    was = unit.server.version
    unit.server.kill_daemon()
    facts = unit.snap.facts_
    unit.snap.facts_ = replace(
        facts, installed=False, disabled=True, changing=True, revision="", channel=""
    )
    app.hook("lxd/0")
    refreshed_by_juju(unit)

    app.hook("lxd/0")

    assert unit.server.version == was


def test_a_lone_member_tries_its_own_again_after_a_failure():
    app = formed(1)
    unit = app.units["lxd/0"]
    unit.snap.newest = "5.21.8"
    was = unit.server.version
    refreshed_by_juju(unit)
    unit.snap.store_error = "the store does not answer"
    app.hook("lxd/0")

    unit.snap.store_error = ""
    app.hook("lxd/0")

    assert unit.server.version == was
