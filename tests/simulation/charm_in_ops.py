# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The charm on the real ops, for every tenth seed: its framework, its model, its events.

Only what ops.main reads from the process is replaced: the environment, the hook tools, and the
file in which ops keeps events that wait.
"""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from types import MethodType, SimpleNamespace

import ops
from ops import _main, framework, model  # pyright: ignore[reportPrivateUsage]
from ops.charm import _evaluate_status  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType]
from ops.jujucontext import JujuContext
from ops.jujuversion import JujuVersion

import charm
from lab.model.hooks import HookRun
from tests.simulation.hook_commands import HookCommands
from tests.simulation.ops_storage import MemoryStorage
from tests.simulation.stage import Stage, current, set_stage

_ROOT = Path(charm.__file__).resolve().parents[1]
_VERSION = JujuVersion("4.0.15")


class _Events(ops.CharmEvents):
    """The charm's events. ops defines those of its endpoints, storage and actions for each charm.

    A process of Juju's has one charm; here each hook has one.
    """

    @classmethod
    def define_event(cls, event_kind: str, event_type: type[framework.EventBase]) -> None:
        """As ops.CharmEvents, unless an earlier charm has defined it."""
        if event_kind not in vars(cls):
            super().define_event(event_kind, event_type)


class CharmInOps(charm.LxdClusterCharm):
    """The charm, as ops runs it."""

    on = _Events()  # pyright: ignore[reportAssignmentType]


def run_hook(stage: Stage) -> None:
    """Runs the charm for the stage's hook, until its end or its exception."""
    set_stage(stage)
    juju = _juju_context(stage.context.run)
    backend = model._ModelBackend(juju_context=juju)  # pyright: ignore[reportPrivateUsage]
    meta = _meta()
    the_framework = framework.Framework(
        MemoryStorage(),  # pyright: ignore[reportArgumentType]
        _ROOT,
        meta,
        model.Model(meta, backend),
    )
    the_charm = CharmInOps(the_framework)
    try:
        event = getattr(the_charm.on, _event_name(stage.context.run))
        args, named = _main._get_event_args(the_charm, event, juju)  # pyright: ignore[reportPrivateUsage]
        event.emit(*args, **named)
        _evaluate_status(the_charm)
        the_framework.commit()
    finally:
        the_framework.close()
        # The charm and what it has refer to each other: only a garbage collection would free them.
        vars(the_charm).clear()


def install() -> None:
    """Puts the model's world into ops for the lifetime of this process."""
    ops.model._log_security_event = _ignore  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]
    ops.model.hookcmds = HookCommands  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    # ops looks at the parameters of each handler in each process. They do not change.
    framework.inspect = SimpleNamespace(signature=_signature, getmembers=inspect.getmembers)  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    ops.model.time = SimpleNamespace(monotonic=_clock)  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]


class _Signature:
    """A handler's parameters: ops asks in each hook whether it takes one event."""

    def __init__(self, observer: MethodType) -> None:
        self._real = inspect.signature(observer, follow_wrapped=False)
        self._fits = False

    def bind(self, event: object) -> None:
        """As inspect.Signature. Raises TypeError if the handler does not take an event."""
        if not self._fits:
            self._real.bind(event)
            self._fits = True


_SIGNATURES: dict[object, _Signature] = {}
"""By function: without its first parameter."""


def _signature(observer: MethodType, *, follow_wrapped: bool) -> _Signature:
    del follow_wrapped
    found = _SIGNATURES.get(observer.__func__)
    if found is None:
        found = _SIGNATURES[observer.__func__] = _Signature(observer)
    return found


def _ignore(*_: object, **__: object) -> None:
    """Nobody reads the log of a simulated unit."""


def _clock() -> float:
    return current().now()


def _event_name(run: HookRun) -> str:
    name = f"{run.name}-action" if run.kind == "action" else run.name
    return name.replace("-", "_")


def _juju_context(run: HookRun) -> JujuContext:
    """What ops reads from a hook's environment."""
    is_action = run.kind == "action"
    return JujuContext(
        dispatch_path=f"actions/{run.name}" if is_action else f"hooks/{run.name}",
        hook_name="" if is_action else run.name,
        model_name="simulation",
        model_uuid="",
        unit_name=run.unit,
        version=_VERSION,
        charm_dir=_ROOT,
        action_name=run.name if is_action else None,
        action_uuid=run.task_id or None,
        relation_name=run.endpoint or None,
        relation_id=run.relation_id,
        remote_app_name=run.remote_app or None,
        remote_unit_name=run.remote_unit or None,
        relation_departing_unit_name=run.departing_unit or None,
    )


@cache
def _meta() -> ops.CharmMeta:
    return ops.CharmMeta.from_charm_root(_ROOT)
