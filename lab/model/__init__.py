"""A model of Juju: what its controller and its agents decide, and nothing else.

No I/O, no clock, no threads, no chance: the same requests at the same moments give the same
model. The lab runs each hook it names as a real process; a simulation runs them in process.
`lab.model.juju.Juju` is the door. The rules come from Juju's sources and reference pages, and from
what was seen on a controller of 4.0.15. Where 3.6 and 4.0 differ, `state.Model.rules` says which:

- On 3.6 a dying unit departs for the others at once: they hear nothing of it any more, and units
  that come later never meet it. On 4.0 it stays in its relations until it has left them, and what
  it writes is delivered; then the departure of a unit that is gone is dropped. `Faults` has the
  exceptions.
- On 4.0 a dying leader resigns before `stop` and `remove`, and the lease of a unit that is removed
  by force is revoked. On 3.6 the first keeps it until it is gone, the second lets it lapse.
- When an application goes, a hook that fails does not hold its last unit on 4.0.
- Where a binding has no network, `network-get` fails on 4.0. 3.6 gives a private address if the
  binding is in the default space. 3.6 sorts a binding's addresses as text, 4.0 lists its
  interfaces in any order.
- 4.0 refuses to grant a unit's secret over a peer relation.

What real Juju does and this model does not:

- Subordinate charms, cross-model relations and offers, Kubernetes models, containers on machines,
  more than one model or user, controllers that fail, upgrades of Juju or of a machine's base.
- An application related to itself; relations suspended; limits on the number of relations.
- Constraints; placement other than on an existing machine; `juju expose` and firewalls: opened
  ports are kept and shown, they open nothing.
- Bindings that keep Juju from getting a machine; network-get of more than one subnet for an egress.
- Secrets: expiry and rotation are kept and never come due; secret backends. URIs are counted,
  not random. A grant does not check that its relation has the unit.
- Storage: pools with attributes, shared instances, import. Provisioning is the world's: the model
  waits for `storage_provisioned` and does not make volumes apart from filesystems.
- Actions of an action group or in parallel. Parameters are checked for names, types and
  `required`, not for the rest of JSON schema. `juju exec` runs as an action does, in turn.
- Whether an agent that starts anew on 4.0 hears of departures that were dropped. What becomes in
  the cloud of a dead machine that is removed by force: here it is released.
- Leases: another unit takes a lapsed one at `expire_leases`, the lowest number first; real units
  race for it. Retries and update-status come without Juju's random jitter.
- An agent that died is shown as `lost` at once; Juju takes minutes to. An agent that is killed in
  a hook runs it again at once; Juju may first show an error and wait for the retry timer.
- The order of relations among themselves is by id; in Juju it is that of a Go map: any.
- A charm upgrade always works; there is no upgrade forced through an error.
- Relation data has no limits of size; `relation-set` does not check keys.
- `meter-status`, `leader-get`, `leader-set`, `payload-*`, `credential-get`, `series-upgrade`.
"""
