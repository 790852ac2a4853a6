# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""An LXD on the machine that differs from this charm's last installation.

Ubuntu 22.04 comes with one, an operator may have installed one, and Juju may replace a member's by
another version: `juju deploy --to lxd:N` first refreshes the machine's LXD to the model's
`lxd-snap-channel`, even if its refreshes are held (read in its source).
"""

from __future__ import annotations

from plan.install import versions
from plan.leaving import migration
from state.cluster import ClusterView
from state.notes import PROJECT
from state.unresponsive import Unresponsive
from state.view import View
from steps.install import RemoveSnap
from steps.plan import Plan
from values.status import StatusText, blocked, waiting

_COMMON_KEYS = ("volatile.", "core.proxy_")
"""Keys that LXD sets by itself, and that Juju's agent sets on any machine with an LXD."""
_CHARM_KEYS = ("core.https_address", "cluster.https_address")
"""Keys that this charm sets before LXD is in a cluster."""


def due(view: View) -> Plan | None:
    """The plan for such an LXD; None if it may stay as it is, or another module handles it."""
    lxd, peers = view.lxd, view.peers
    if peers is not None and peers.own.cluster:
        return _put_back(view)
    if view.forming is not None or (isinstance(lxd, ClusterView) and lxd.server.clustered):
        return None
    return _outside(view)


def _outside(view: View) -> Plan | None:
    """The plan for such an LXD if it is in no cluster."""
    if why := _foreign_use(view):
        return Plan(blocked(why))
    if isinstance(view.lxd, Unresponsive) and not view.snap.untouched:
        return None
    if versions.goes_back(view):
        return _replaced(view)
    if not view.snap.foreign or view.resource is not None:
        return None
    status, step = versions.first_install(view)
    return Plan(status, (step,) if step else ())


def _foreign_use(view: View) -> str:
    """How an LXD is used that this charm did not install, empty if it is unused or unresponsive."""
    if not view.snap.foreign or not isinstance(view.lxd, ClusterView):
        return ""
    # The key shows that this charm was here, but with another revision of LXD.
    return _use(view.lxd, _CHARM_KEYS if view.public_key else ())


def _replaced(view: View) -> Plan | None:
    """The plan that removes a newer LXD, with its database and its certificate.

    None if it is used, or if this unit has tried to join: the cluster may then trust its
    certificate, and would refuse every later one of this unit.
    """
    used = isinstance(view.lxd, ClusterView) and _use(view.lxd, _CHARM_KEYS)
    if used or (view.peers is not None and view.peers.own.attempt):
        return None
    return Plan(waiting("to install the cluster's LXD"), (RemoveSnap(),))


def _put_back(view: View) -> Plan | None:
    """The plan of a member whose LXD was replaced by an older one.

    The older LXD did not open the member's database, and changed nothing. A newer LXD has opened
    the database: it waits for the others as in any upgrade.
    """
    if not versions.is_older_than_it_ran(view) or versions.is_newer_than_it_ran(view):
        return None
    status, step = versions.as_it_ran(view)
    return Plan(status, (step,) if step else ())


def _use(lxd: ClusterView, ours: tuple[str, ...]) -> StatusText:
    """How an LXD outside a cluster is used, empty if it is as freshly installed."""
    if lxd.instances:
        return "LXD here has instances, joining would lose them: move or delete them"
    if why := with_image(lxd):
        return why
    if things := _things(lxd):
        return f"LXD here has a {things[0]}: delete it, or use another machine"
    config = sorted(lxd.server.config)
    keys = [key for key in config if not key.startswith(_COMMON_KEYS) and key not in ours]
    return f"LXD here has {keys[0]} set: unset it, or use another machine" if keys else ""


def with_image(lxd: ClusterView) -> StatusText:
    """The message about an image here that no server offers for download, empty without one."""
    images = [i for i in lxd.images or () if not (i.cached or migration.of_juju(i))]
    if not images:
        return ""
    fingerprint = min(image.fingerprint for image in images)[:12]
    return f"LXD here has the image {fingerprint}: export it, then delete it"


def _things(lxd: ClusterView) -> list[str]:
    """What a freshly installed LXD does not have, except instances, images and keys."""
    return [
        *(f"storage pool {p.name}" for p in lxd.pools or ()),
        *(f"network {n.name}" for n in lxd.networks or ()),
        *(f"project {name}" for name in sorted(lxd.projects - {"default", PROJECT})),
        *(f"profile {name}" for name in sorted(lxd.profiles - {"default"})),
        *(f"profile device {name}" for name in sorted(lxd.devices)),
    ]
