# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The actions by name, with their inputs and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import ops
from pydantic import ValidationError

from actions import let_in, parameters, plan, recover_quorum
from actions.backup_database import backup_database
from actions.cluster_status import cluster_status
from actions.forget_lost import forget_lost
from actions.form_again import form_again
from actions.parameters import word
from actions.remove_pool import remove_pool
from actions.retry_join import retry_join
from actions.take_back import take_back
from actions.wipe_device import wipe_device
from hooks import publishing, reading
from hooks.input_reader import PEERS, InputReader
from hooks.tool_failures import answer_or
from observe.view import observe, observe_networks
from options.options import Options
from ports.ports import Ports
from state.peers import AppData
from state.view import RunHistory, View

Results = dict[str, object]


@dataclass(frozen=True)
class Call:
    """One call of an action: its parameters, and what it can observe and change."""

    params: Mapping[str, Any]
    charm: ops.CharmBase
    reader: InputReader
    ports: Ports

    def view(self, options: Options | None = None) -> View:
        """The action's view, with these options in place of the configured ones."""
        return observe(self.reader.of_action(options), self.ports, RunHistory())


@dataclass(frozen=True)
class Action:
    """The function of an action, and whether a hook's work may be due after it."""

    run: Callable[[Call], Results]
    changes: bool = False


def _cluster_status(call: Call) -> Results:
    return cluster_status(observe_networks(call.view(), call.ports))


def _plan(call: Call) -> Results:
    config = call.charm.config
    options = parameters.with_options(config, call.params)
    result = plan.answer(call.view(options), call.ports, _present(config))
    return result | parameters.as_read(config, call.params)


def _present(config: ops.ConfigData) -> Options | None:
    """The options as they are, None while one is wrong."""
    try:
        return parameters.with_options(config, {})
    except ValidationError:
        return None


def _on_name(action: Callable[[View, Ports, str], str]) -> Callable[[Call], Results]:
    def run(call: Call) -> Results:
        return {"result": action(call.view(), call.ports, word(call.params, "name"))}

    return run


def _remove_pool(call: Call) -> Results:
    name, confirm = (word(call.params, key) for key in ("name", "confirm"))
    return {"result": remove_pool(call.view(), call.ports, name, confirm)}


def _retry_join(call: Call) -> Results:
    return {"result": retry_join(call.view(), call.ports)}


def _form_again(call: Call) -> Results:
    _publish(call, form_again(call.view(), word(call.params, "confirm")))
    return {"result": "the units form a new cluster"}


def _take_back(call: Call) -> Results:
    _publish(call, take_back(call.view(), call.ports, word(call.params, "confirm")))
    return {"result": "the cluster is this application's"}


def _publish(call: Call, app: AppData) -> None:
    charm = call.charm
    publishing.write(charm.model.relations[PEERS][0].data[charm.app], app)


def _let_in(call: Call) -> Results:
    juju = replace(call.reader.when_leaving(), can_publish=True)
    decided = let_in.let_in(juju, call.ports)
    publishing.publish_leaving(call.charm.model, PEERS, juju, decided, call.ports)
    return {"result": "the next unit may join"}


def _wipe_device(call: Call) -> Results:
    device, confirm = (word(call.params, key) for key in ("device", "confirm"))
    return {"result": wipe_device(call.reader.peers(), call.ports, device, confirm)}


def _backup_database(call: Call) -> Results:
    # It needs nothing from Juju.
    return {"path": backup_database(call.ports)}


def _recover_quorum(call: Call) -> Results:
    lost, confirm = (word(call.params, key) for key in ("lost", "confirm"))
    # Only units that Juju has removed, or that the operator names, are lost.
    view = replace(call.view(), units=answer_or(reading.units, None))
    try:
        return {"backup": recover_quorum.recover_quorum(view, call.ports, lost, confirm)}
    except recover_quorum.RecoveryRefused as refused:
        (relation,) = call.charm.model.relations[PEERS]
        publishing.write(relation.data[call.charm.unit], refused.own)
        raise


ACTIONS: Mapping[str, Action] = {
    "backup-database": Action(_backup_database),
    "cluster-status": Action(_cluster_status),
    "forget-lost": Action(_on_name(forget_lost), changes=True),
    "form-again": Action(_form_again),
    "let-in": Action(_let_in),
    "plan": Action(_plan),
    "recover-quorum": Action(_recover_quorum, changes=True),
    "remove-pool": Action(_remove_pool, changes=True),
    "retry-join": Action(_retry_join, changes=True),
    "take-back": Action(_take_back),
    "wipe-device": Action(_wipe_device, changes=True),
}
