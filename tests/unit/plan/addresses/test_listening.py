# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The addresses that LXD listens on: the member that may change them, and the obstacles."""

from __future__ import annotations

import pytest

from options.options import Options
from plan.addresses import listening
from state.cluster import ClusterView, Member, Server
from state.facts import SnapFacts
from state.peers import AppData, UnitData
from state.unresponsive import Unresponsive, UnresponsiveReason
from state.view import Peers, View
from steps.addresses import ChangeAddress, Listen
from steps.plan import Plan
from steps.server import RestartLxd
from values.status import Status, blocked, waiting

OLD, NEW, CLUSTER = "10.1.0.10", "10.2.0.10", "10.0.0.10"
LXD = frozenset[str]()


def view(https: str = NEW, cluster: str = CLUSTER) -> View:
    return View(
        unit="lxd/0",
        leader=False,
        now=0.0,
        options=Options(),
        resource=None,
        hostname="m0",
        cluster_address=cluster,
        https_address=https,
        zone="",
        public_key="key",
        snap=SnapFacts(snapd=True, deb=False, installed=True),
        lxd=None,
        peers=None,
    )


def server(**config: str) -> Server:
    server_config = {f"{word}.https_address": value for word, value in config.items()}
    return Server("5.21.7", True, "m0", "f00d", LXD, server_config)


def member(name: str, status: str = "ONLINE") -> Member:
    return Member(name, f"10.0.0.1{name[1:]}", status, frozenset(), "default")


def cluster(
    *notes: str,
    api: str = OLD,
    not_listening: dict[str, str] | None = None,
    m0: str = "ONLINE",
    m1: str = "ONLINE",
):
    return ClusterView(
        server(core=f"{api}:8443", cluster=f"{CLUSTER}:8443"),
        (member("m0", m0), member("m1", m1)),
        notes={f"address.{number}": entry for number, entry in enumerate(notes, 1)},
        not_listening=not_listening or {},
    )


CHANGE = (ChangeAddress("m0", CLUSTER, f"{NEW}:8443"),)
FREE = "-"


@pytest.mark.parametrize(
    ("lxd", "steps", "problem"),
    [
        pytest.param(cluster(api=NEW), (), None, id="as it should be"),
        pytest.param(cluster(), CHANGE, None, id="another address"),
        pytest.param(cluster("m1", FREE), CHANGE, None, id="others were before"),
        pytest.param(cluster("m1"), CHANGE, None, id="the step waits for the other"),
        pytest.param(cluster("m7"), CHANGE, None, id="one that is no member any more"),
        pytest.param(
            cluster("m1", m1="OFFLINE"),
            (),
            waiting("until m1, which is offline, listens again"),
            id="one that was lost by it",
        ),
        pytest.param(cluster("m0", api=NEW), CHANGE, None, id="the turn is given back"),
        pytest.param(
            cluster("m0", m0="OFFLINE", not_listening={CLUSTER: ""}),
            CHANGE,
            None,
            id="its own change was cut short, and nobody reaches it",
        ),
        pytest.param(
            cluster(api=NEW, not_listening={CLUSTER: ""}), CHANGE, None, id="nobody listens"
        ),
        pytest.param(
            cluster(not_listening={NEW: "nginx (pid 812)"}),
            (),
            blocked("nginx (pid 812) has port 8443 of 10.2.0.10, which LXD needs: stop it"),
            id="a program has the port",
        ),
    ],
)
def test_a_member_changes_its_address_in_its_turn(
    lxd: ClusterView, steps: tuple[ChangeAddress, ...], problem: Status | None
):
    own = lxd.own
    assert own is not None

    assert listening.on_member(view(), lxd, own) == listening.Due(steps, problem)


@pytest.mark.parametrize(
    ("lxd", "steps"),
    [
        (ClusterView(server()), [Listen(f"{NEW}:8443")]),
        (ClusterView(server(core=f"{NEW}:8443")), []),
        (ClusterView(server(core=f"{NEW}:8443"), not_listening={CLUSTER: ""}), []),
        (ClusterView(server(core=f"{NEW}:8443"), not_listening={NEW: ""}), [Listen(f"{NEW}:8443")]),
    ],
)
def test_what_listens_counts_and_not_what_is_configured(lxd: ClusterView, steps: list[Listen]):
    assert listening.before_join(view(), lxd) == steps


def test_a_server_listens_on_both_addresses_before_it_bootstraps():
    lxd = ClusterView(server(core=f"{NEW}:8443"))

    steps = listening.before_bootstrap(view(), lxd)

    assert steps == [Listen(f"{NEW}:8443", f"{CLUSTER}:8443")]


def peers(*members: str, own: str = "") -> Peers:
    others = {f"lxd/{n}": UnitData(cluster="c", address=a) for n, a in enumerate(members, 1)}
    mine = UnitData(cluster="c" if own else "", address=own)
    return Peers(AppData(bootstrap="lxd/1"), mine, others)


def test_a_machine_without_the_members_family_says_so():
    status = listening.other_family(view(), peers("fd00::1"))

    assert status == blocked("the members have IPv6 addresses, the binding cluster here has none")
    assert listening.other_family(view(), peers("10.0.0.1")) is None


@pytest.mark.parametrize(
    ("silent", "expected"),
    [
        (Unresponsive("", UnresponsiveReason.HUNG), None),
        (
            Unresponsive("", UnresponsiveReason.STOPPED, {OLD: "nginx (pid 8)"}),
            Plan(blocked("nginx (pid 8) has port 8443 of 10.1.0.10, which LXD needs: stop it")),
        ),
        (
            Unresponsive("", UnresponsiveReason.NO_DATABASE, {CLUSTER: ""}),
            Plan(waiting("for LXD to listen again"), (RestartLxd(),)),
        ),
    ],
)
def test_a_silent_lxd_that_nobody_reaches_is_reloaded(silent: Unresponsive, expected: Plan | None):
    assert listening.plan_without_listener(view(), silent) == expected
