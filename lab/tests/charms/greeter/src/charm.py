# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A charm of a few lines with features that most charms use."""

from __future__ import annotations

import ops


class Greeter(ops.CharmBase):
    """Publishes its address and counts its peers."""

    def __init__(self, framework: ops.Framework) -> None:
        super().__init__(framework)
        for event in (self.on.start, self.on.config_changed, self.on.update_status):
            framework.observe(event, self._tell)
        for event in self.on["cluster"].relation_created, self.on["cluster"].relation_changed:
            framework.observe(event, self._tell)
        framework.observe(self.on.collect_unit_status, self._status)
        framework.observe(self.on.greet_action, self._greet)

    def _tell(self, _: ops.EventBase) -> None:
        relation = self.model.get_relation("cluster")
        binding = self.model.get_binding("cluster")
        if relation and binding:
            relation.data[self.unit]["address"] = str(binding.network.bind_address)
            if self.unit.is_leader():
                relation.data[self.app]["planned"] = str(self.app.planned_units())
        self.unit.set_ports(8443)

    def _status(self, event: ops.CollectStatusEvent) -> None:
        relation = self.model.get_relation("cluster")
        known = [u for u in relation.units if relation.data[u].get("address")] if relation else []
        # Juju 4.0 rarely reports a departure: goal-state knows the number of peers.
        peers = min(len(known), self.app.planned_units() - 1)
        event.add_status(ops.ActiveStatus(f"{self.config['greeting']} {peers} peers"))

    def _greet(self, event: ops.ActionEvent) -> None:
        event.set_results({"said": f"{self.config['greeting']} {event.params['name']}"})


if __name__ == "__main__":
    ops.main(Greeter)
