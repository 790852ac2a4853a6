# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""What this unit publishes through Juju. It writes only changes: each write runs hooks."""

from __future__ import annotations

import logging

import ops

from act import token_revocation
from hooks import tool_failures
from ports.ports import Ports
from relations import RELATIONS
from relations.relation import Requester
from state import peers
from state.hook_input import HookInput
from state.peers import Storage
from state.view import Peers
from steps.plan import Plan
from values.addresses import PORT
from values.status import Kind, Status

logger = logging.getLogger(__name__)


def publish(model: ops.Model, binding: str, juju: HookInput, plan: Plan, hostname: str) -> None:
    """Publishes this unit's data, for its peers and for the applications it is related with.

    `binding` is the peer relation's name.
    """
    relation = model.get_relation(binding)
    if relation is None or juju.peers is None:
        return
    own = juju.peers.own
    address = plan.own.address if plan.own else own.address
    storage, pools = juju.peers.app.storage, _pools(juju.peers)
    _publish_requests(model, Requester(juju.unit, juju.options, hostname, address, storage, pools))
    if plan.own is not None and (plan.own != own or own.invalid_key):
        write(relation.data[model.unit], plan.own)
        # A new version or port is published together with the data for the peers.
        model.unit.set_ports(PORT)
        model.unit.set_workload_version(plan.own.lxd)
    if plan.app is not None and plan.app != juju.peers.app and is_leader(model):
        write(relation.data[model.app], plan.app)


def _pools(peers: Peers) -> tuple[Storage, ...]:
    """The pools that the members publish."""
    members = (data for data in (peers.own, *peers.others.values()) if data.cluster)
    return tuple(pool for data in members for pool in data.pools)


def is_leader(model: ops.Model) -> bool:
    """Whether this unit is the leader now. Leadership may have moved during a long hook."""
    return tool_failures.answer_or(model.unit.is_leader, otherwise=False)


_STATUS = {
    Kind.ACTIVE: ops.ActiveStatus,
    Kind.WAITING: ops.WaitingStatus,
    Kind.BLOCKED: ops.BlockedStatus,
}


def as_juju(status: Status) -> ops.StatusBase:
    """A status as ops' type."""
    return _STATUS[status.kind](status.message)


def publish_leaving(
    model: ops.Model, binding: str, juju: HookInput, plan: Plan, ports: Ports
) -> bool:
    """Publishes a leaving unit's data for its peers. Returns whether anything was new.

    A join token that cannot be published is cancelled.
    """
    relation = model.get_relation(binding)
    peers = juju.peers
    if relation is None or peers is None or plan.own is None or plan.own == peers.own:
        return False
    with token_revocation.publishing(juju, plan, ports):
        write(relation.data[model.unit], plan.own)
    return True


def _publish_requests(model: ops.Model, requester: Requester) -> None:
    """Publishes this unit's requests to other applications."""
    for row in RELATIONS:
        for endpoint, request in row.requests.items():
            for relation in model.relations[endpoint]:
                if relation.active:
                    _request(model, relation, request(requester))


def _request(model: ops.Model, relation: ops.Relation, values: dict[str, str]) -> None:
    """Juju refuses it for an application of another model that is gone (`juju remove-saas`)."""
    try:
        _set(relation.data[model.unit], values)
    except ops.ModelError as error:
        logger.warning("%s:%d takes no request: %s", relation.name, relation.id, error)


def _set(databag: ops.RelationDataContent, values: dict[str, str]) -> None:
    for key, value in values.items():
        if databag.get(key) != value:
            databag[key] = value


def write(databag: ops.RelationDataContent, data: peers.UnitData | peers.AppData) -> None:
    """Sets the content of a databag."""
    wanted = peers.dump(data)
    _set(databag, wanted)
    # Juju keeps its own addresses in a unit's databag: do not delete them.
    for key in [key for key in type(data).model_fields if key in databag and key not in wanted]:
        del databag[key]
