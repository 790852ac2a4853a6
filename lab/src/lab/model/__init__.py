# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""A model of Juju: the decisions of its controller and its agents, and nothing else.

It has no I/O, no clock, no threads and no randomness: the same requests at the same moments give
the same model. The lab runs each hook that it names as a real process; a simulation runs hooks in
process. `lab.model.juju.Juju` is the entry point. The rules come from Juju's sources and reference
pages, and from observations of a controller of 4.0.15. Where 3.6 and 4.0 differ,
`state.Model.rules` says which rules apply:

- On 3.6 a dying unit departs for the others at once: they hear nothing of it any more, and later
  units never meet it. On 4.0 it stays in its relations until it has left them, and Juju delivers
  what it writes; then the departure of the removed unit is dropped. `Faults` has the exceptions.
- On 4.0 a dying leader resigns before `stop` and `remove`, and Juju revokes the lease of a unit
  that is removed by force. On 3.6 the dying leader keeps the lease until it is gone, and the lease
  of the other expires.
- When an application goes, a failed hook does not hold its last unit on 4.0.
- If a binding has no network, `network-get` fails on 4.0. 3.6 gives a private address if the
  binding is in the default space. 3.6 sorts a binding's addresses as text, 4.0 lists its interfaces
  in any order.
- 4.0 refuses to grant a unit's secret over a peer relation.

Real Juju does these things, and this model does not:

- Subordinate charms, cross-model relations and offers, Kubernetes models, containers on machines,
  more than one model or user, failing controllers, upgrades of Juju or of a machine's base.
- An application related to itself; suspended relations; limits on the number of relations.
- Constraints; placement other than on an existing machine; `juju expose` and firewalls: the model
  keeps and shows opened ports, but they open nothing.
- Bindings that prevent Juju from getting a machine; network-get with more than one subnet for
  egress.
- Secrets: the model keeps expiry and rotation, but they never happen; secret backends. URIs are
  counted, not random. A grant does not check that its relation has the unit.
- Storage: pools with attributes, shared instances, import. The world provisions: the model waits
  for `storage_provisioned` and does not make volumes separately from filesystems.
- Actions of an action group or in parallel. The model checks names, types and `required` of
  parameters, not the rest of JSON schema. `juju exec` runs like an action, in turn.
- Whether a restarted agent on 4.0 hears of departures that were dropped. What happens in the cloud
  to a dead machine that is removed by force: here it is released.
- Leases: another unit takes an expired lease in `expire_leases`, the lowest number first; real
  units race for it. Retries and update-status come without Juju's random jitter.
- An agent that died is shown as `lost` at once; Juju takes minutes. An agent that is killed in a
  hook runs it again at once; Juju may first show an error and wait for the retry timer.
- The order of relations among themselves is by id; in Juju it is the order of a Go map: any.
- A charm upgrade always works; there is no upgrade forced through an error.
- Relation data has no limits of size; `relation-set` does not check keys.
- `meter-status`, `leader-get`, `leader-set`, `payload-*`, `credential-get`, `series-upgrade`.
"""
