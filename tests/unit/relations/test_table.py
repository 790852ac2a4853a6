# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Each relation with another application: what it reads and asks, and when the charm looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import ops
import pytest
from ops import testing

from options.options import Options
from relations import ENDPOINTS, RELATIONS
from relations.relation import Requester
from state.facts import Ceph, Ovn
from tests.unit.model_units import formed
from tests.unit.stage import Stage

Bags = dict[str, list[Mapping[str, str]]]


@dataclass
class Published:
    """The databags of relations, as a test sets them."""

    theirs: Bags
    applications: dict[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])

    def units(self, endpoint: str) -> list[Mapping[str, str]]:
        return self.theirs.get(endpoint, [])

    def application(self, endpoint: str) -> Mapping[str, str]:
        return self.applications.get(endpoint, {})

    def own(self, endpoint: str) -> Mapping[str, str] | None:
        return {} if endpoint in self.theirs else None


ROWS: dict[str, tuple[dict[str, Any], Published, object, dict[str, set[str]]]] = {
    "ceph": (
        {"storage_backend": "ceph"},
        Published({"ceph": [{"key": "AQDsecretkeyAA==", "ceph-public-address": "10.0.9.1"}]}),
        Ceph("lxd", "AQDsecretkeyAA==", ("10.0.9.1",), granted=False),
        {"ceph": {"application-name", "unit-name", "broker_req"}},
    ),
    "ovn": (
        {},
        Published({"ovsdb": []}, {"ovsdb": {"db_nb_connection_str": "tcp:10.0.9.3:6641"}}),
        Ovn("tcp:10.0.9.3:6641", microovn=True),
        {"certificates": {"unit_name", "common_name", "sans", "certificate_name"}},
    ),
}
"""By relation: options, databags, the answer, and the keys of what a unit publishes by endpoint."""


@pytest.mark.parametrize("row", RELATIONS, ids=lambda row: row.name)
def test_what_a_relation_reads_and_asks(row: Any):
    options, databags, answer, asked = ROWS[row.name]
    wanted = Options(**options)
    requester = Requester("lxd/1", wanted, "m1", "10.0.0.2", None)

    assert row.read("lxd/1", wanted, databags) == answer
    assert {e: set(request(requester)) for e, request in row.requests.items()} == asked
    assert set(asked) <= set(row.endpoints)


@pytest.mark.parametrize("row", RELATIONS, ids=lambda row: row.name)
def test_without_data_a_relation_has_no_answer(row: Any):
    assert row.read("lxd/1", Options(), Published({})) is None


EVENTS = ("created", "changed", "departed", "broken")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_event_of_an_endpoint_runs_the_charm(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, event: str
):
    app = formed(3)
    stage = Stage(app, app.units["lxd/1"], monkeypatch)
    relation = testing.Relation(endpoint, remote_app_name="other", remote_units_data={0: {}})
    happens = getattr(stage.context.on, f"relation_{event}")(relation)

    out = stage.context.run(happens, stage.state(relations={stage.relation, relation}))

    assert out.unit_status == ops.ActiveStatus("member m1, voter")
