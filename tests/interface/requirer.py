# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The whole charm, on one unit, as the requirer of a relation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from ops import testing

from tests.unit.model_units import ModelApp
from tests.unit.stage import Stage

Databag = Mapping[str, str]
Units = Mapping[int, Databag]
"""The databags of the provider's units, by number."""

JUJUS = frozenset({"egress-subnets", "ingress-address", "private-address"})
"""Keys that Juju itself writes into the databag of each unit."""
NOTHING: Units = {0: {}}
"""The databags of a provider that has not answered yet."""


@dataclass
class Requirer:
    """One unit, and its side of the relation `endpoint`, from hook to hook."""

    app: ModelApp
    unit: str
    endpoint: str
    config: Mapping[str, str | int]
    monkeypatch: pytest.MonkeyPatch
    more: tuple[testing.Relation, ...] = ()
    """Other relations of the unit."""
    databag: Databag = field(default_factory=dict[str, str])
    """What the unit has written so far, without Juju's own keys."""
    status: str = ""
    """The status of the unit after the last hook, as KIND: MESSAGE."""

    def created(self, units: Units = NOTHING) -> None:
        """The unit's hook after the relation was made."""
        self._hook("created", units, {})

    def changed(self, units: Units, application: Databag | None = None) -> None:
        """The unit's hook after the provider has written these databags."""
        self._hook("changed", units, application or {})

    def departed(self, units: Units) -> None:
        """The unit's hook after the provider's unit 9 has left, and these are still there."""
        self._hook("departed", units, {})

    def broken(self) -> None:
        """The unit's last hook of the relation: the provider's units are gone."""
        self._hook("broken", {}, {})

    def without(self) -> None:
        """A later hook, without the relation."""
        stage = self._stage()
        state = stage.state(config=self.config, relations={stage.relation, *self.more})
        self._keep(stage.context.run(stage.context.on.update_status(), state))

    @property
    def files(self) -> dict[str, str]:
        """What the charm has written on the machine, by path."""
        written = self.app.units[self.unit].machine.files
        return {str(path): text for path, text in written.items()}

    def _hook(self, event: str, units: Units, application: Databag) -> None:
        stage = self._stage()
        relation = testing.Relation(
            self.endpoint,
            remote_app_name="provider",
            remote_units_data={number: dict(data) for number, data in units.items()},
            remote_app_data=dict(application),
            local_unit_data=dict(self.databag),
        )
        on = stage.context.on
        happened = {
            "created": lambda: on.relation_created(relation),
            "changed": lambda: on.relation_changed(relation, remote_unit=min(units)),
            "departed": lambda: on.relation_departed(relation, remote_unit=9, departing_unit=9),
            "broken": lambda: on.relation_broken(relation),
        }[event]()
        relations = {stage.relation, *self.more, relation}
        out = stage.context.run(happened, stage.state(config=self.config, relations=relations))
        after = out.get_relation(relation.id)
        assert after.local_app_data == {}, "these interfaces have no data of the application"
        own = after.local_unit_data
        self.databag = {key: value for key, value in own.items() if key not in JUJUS}
        self._keep(out)

    def _keep(self, out: testing.State) -> None:
        self.status = f"{out.unit_status.name}: {out.unit_status.message}"

    def _stage(self) -> Stage:
        """The charm on the unit as its machine and its peers are now."""
        return Stage(self.app, self.app.units[self.unit], self.monkeypatch)
