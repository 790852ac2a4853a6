# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The names under which the cluster trusts its members."""

from __future__ import annotations

import pytest

from lxd.api import LxdApi
from tests.lxd_model import by_hand, certificates
from tests.lxd_model.generations import NAMES
from tests.unit.model_units import formed
from tests.unit.scenarios import api, later, leaving, names, server, the_cluster

SWAPPED = {"m1": "m2", "m2": "m1"}


@pytest.mark.parametrize("generation", NAMES)
@pytest.mark.parametrize(
    ("own", "renamed", "trusted", "left"),
    [
        pytest.param(None, {"m1": "rack1"}, "m0 rack1 m2", "", id="renamed"),
        pytest.param(None, {"m9": "rack1"}, "m0 m1 m2", "", id="nobody"),
        pytest.param(None, {"m1": "m0"}, "m0 m1 m2", "m1", id="taken"),
        pytest.param(None, {"m1": "m2", "m2": "x"}, "m0 m2 x", "", id="a chain"),
        pytest.param(None, SWAPPED, "m0 m1 m2", "m1 m2", id="others have exchanged their names"),
        pytest.param((1, "m2"), {"m2": "m1"}, "m0 m2 m1", "", id="exchanged its name"),
        pytest.param((1, "m2"), {"m2": "x"}, "m0 m2 x", "", id="got another's name"),
        pytest.param((1, "x"), {}, "m0 x m2", "", id="its own"),
        pytest.param((1, "m1"), {"m1": "x"}, "m0 m1 m2", "", id="its own is right already"),
    ],
)
def test_members_are_trusted_under_their_new_names(
    own: tuple[int, str] | None, renamed: dict[str, str], trusted: str, left: str, generation: str
):
    app = formed(3, generation)
    members = [app.units[f"lxd/{number}"].server for number in range(3)]
    number, name = own or (0, "m0")
    fingerprint = certificates.fingerprint(members[number].certificate) if own else ""

    for again in (False, True):
        found = api(app).trust.rename_certificates(fingerprint, name, renamed)

        assert again or found == frozenset(left.split())
        certain = the_cluster(app).trusted
        assert [certain[member.certificate] for member in members] == trusted.split()


@pytest.mark.parametrize("generation", NAMES)
def test_a_name_that_the_cluster_trusts_of_a_member_without_a_record_is_taken_from_it(
    generation: str,
):
    """LXD 5.0 and 5.21 would trust both no more when the one with the name leaves."""
    app = formed(3, generation)
    own, other = (app.units[unit].server.certificate for unit in ("lxd/1", "lxd/2"))

    api(app).trust.rename_certificates(certificates.fingerprint(own), "m2", {})

    trusted = the_cluster(app).trusted
    assert trusted[own] == "m2"
    assert trusted[other] == f"m2-{certificates.fingerprint(other)[:12]}"


@pytest.mark.parametrize("generation", NAMES)
def test_a_renamed_member_leaves_and_nobody_trusts_it_any_more(generation: str):
    app = formed(3, generation)
    by_hand.rename_member(server(app, "m0"), "m2", "rack2")
    for _ in range(2):
        for unit in app.units:
            app.hook(unit)
    leaving(app, "lxd/2")

    for _ in range(3):
        later(app, 10.0)
        app.hook("lxd/2")

    assert names(app) == ["m0", "m1"]
    assert set(the_cluster(app).trusted.values()) == {"m0", "m1"}


def test_lxd_keeps_the_old_name_and_6_9_then_does_not_find_it():
    app = formed(3, "6.9")
    by_hand.rename_member(server(app, "m0"), "m2", "rack2")
    lxd: LxdApi = api(app)

    with pytest.raises(Exception, match="Identity not found"):
        lxd.members.remove("rack2")

    assert names(app) == ["m0", "m1", "rack2"]


@pytest.mark.parametrize("generation", NAMES)
def test_its_own_unit_follows_a_rename_once(generation: str):
    app = formed(3, generation)
    by_hand.rename_member(server(app, "m0"), "m2", "rack2")
    app.units["lxd/2"].shown_steps.clear()

    app.hook("lxd/2")

    assert set(the_cluster(app).trusted.values()) == {"m0", "m1", "rack2"}
    assert app.units["lxd/2"].shown_steps.count("trust the member rack2, which was m2") == 1
