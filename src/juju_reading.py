"""What Juju says to this unit beside its peers, and what this unit says to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import ops

import ceph
import links
import ovn
import peers
from addresses import is_address
from facts import Bound, Ceph, Ovn
from options import Options

NETWORK = "network"
RESOURCE = "lxd-snap"
CEPH = "ceph"
OVSDB, OVSDB_CMS, CERTIFICATES = "ovsdb", "ovsdb-cms", "certificates"


def addresses(model: ops.Model, binding: str) -> tuple[str, ...]:
    """This unit's addresses on a binding, as Juju sorts them. None while it has none.

    Juju may give host names among them.
    """
    found = model.get_binding(binding)
    told = [str(nic.address) for nic in found.network.interfaces] if found else []
    return tuple(dict.fromkeys(word for word in told if is_address(word)))


def attached_snap(model: ops.Model) -> Path | None:
    """The LXD snap that the operator attached, if there is one."""
    try:
        return model.resources.fetch(RESOURCE)
    except (ops.ModelError, NameError):
        return None  # A charm deployed from a file may come without it.


def active_ceph(model: ops.Model) -> ops.Relation | None:
    """The relation with a Ceph, if it is there to stay."""
    relation = model.get_relation(CEPH)
    return relation if relation is not None and relation.active else None


def of_ceph(model: ops.Model) -> Ceph | None:
    """What a Ceph says to this unit, None without the relation."""
    relation = active_ceph(model)
    if relation is None:
        return None
    asked = relation.data[model.unit].get("broker_req", "")
    return ceph.answer(model.unit.name, asked, _published(model, CEPH))


def of_ovn(model: ops.Model, options: Options) -> Ovn | None:
    """What is said of OVN to this unit, None where nobody says anything."""
    units = [*_published(model, OVSDB), *_published(model, OVSDB_CMS)]
    relation = model.get_relation(OVSDB)
    application = dict(relation.data[relation.app]) if relation and relation.app else {}
    connection = ovn.northbound(options, units, application)
    if not connection:
        return None
    return ovn.answer(model.unit.name, connection, _published(model, CERTIFICATES))


def _published(model: ops.Model, name: str) -> list[Mapping[str, str]]:
    """What the units on the other side of a relation publish."""
    return [
        relation.data[unit]
        for relation in model.relations[name]
        for unit in sorted(relation.units, key=lambda u: u.name)
    ]


def bound(model: ops.Model, options: Options) -> Bound:
    """What carries the binding for networks, where one asks. Looking takes a process."""
    if not any(net.mode in links.ASKING for net in options.networks_asked):
        return Bound()
    found = model.get_binding(NETWORK)
    nics = found.network.interfaces if found else []
    return Bound(nics[0].name, str(nics[0].subnet or "")) if nics else Bound()


def write(databag: ops.RelationDataContent, data: peers.UnitData | peers.AppData) -> None:
    """Publishes data in the peer relation. Only what changed is written: each write wakes all."""
    wanted = peers.dump(data)
    for key, value in wanted.items():
        if databag.get(key) != value:
            databag[key] = value
    # Juju keeps addresses of its own in a unit's databag: those are not ours to delete.
    for key in [key for key in type(data).model_fields if key in databag and key not in wanted]:
        del databag[key]
