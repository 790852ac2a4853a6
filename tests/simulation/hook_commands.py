# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Juju's hook tools as `ops.hookcmds` offers them, on calls into the model of Juju."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ops import hookcmds

from lab.model.context import HookContext
from lab.model.errors import HookToolError
from tests.simulation.stage import current

_NOW = dt.datetime.fromtimestamp(0, dt.timezone.utc)


class HookCommands:
    """What ops and the charm use of `ops.hookcmds`, for the hook that runs now."""

    Error = hookcmds.Error

    @staticmethod
    def relation_ids(endpoint: str) -> list[str]:
        """As ops.hookcmds."""
        return _tools().relation_ids(endpoint)

    @staticmethod
    def relation_list(number: int, *, endpoint: str | None = None, app: bool = False) -> Any:
        """As ops.hookcmds."""
        del endpoint
        with _refusing("relation-list") as tools:
            return tools.relation_app(number) if app else tools.relation_list(number)

    @staticmethod
    def relation_get(
        number: int, *, unit: str, endpoint: str | None = None, app: bool = False
    ) -> dict[str, str]:
        """As ops.hookcmds."""
        del endpoint
        with _refusing("relation-get") as tools:
            return tools.relation_get(number, unit, app=app)

    @staticmethod
    def relation_set(
        data: Mapping[str, str], number: int, *, endpoint: str | None = None, app: bool = False
    ) -> None:
        """As ops.hookcmds."""
        del endpoint
        with _refusing("relation-set") as tools:
            tools.relation_set(data, number, app=app)

    @staticmethod
    def config_get() -> Mapping[str, Any]:
        """As ops.hookcmds."""
        return _tools().config_get()

    @staticmethod
    def is_leader() -> bool:
        """As ops.hookcmds."""
        return _tools().is_leader(current().now())

    @staticmethod
    def resource_get(name: str) -> Path:
        """As ops.hookcmds."""
        with _refusing("resource-get") as tools:
            return Path(tools.resource(name).path)

    @staticmethod
    def status_get(*, app: bool = False) -> hookcmds.UnitStatus:
        """As ops.hookcmds."""
        if app:
            raise NotImplementedError("the charm does not ask for it")
        found = _tools().status_get()
        return hookcmds.UnitStatus(status=found.current, message=found.message, status_data={})

    @staticmethod
    def status_set(status: str, message: str = "", *, app: bool = False) -> None:
        """As ops.hookcmds."""
        with _refusing("status-set") as tools:
            tools.status_set(current().now(), status, message, app=app)

    @staticmethod
    def storage_list(name: str) -> list[str]:
        """As ops.hookcmds."""
        return _tools().storage_list(name)

    @staticmethod
    def network_get(binding: str, *, relation_id: int | None = None) -> hookcmds.Network:
        """As ops.hookcmds."""
        with _refusing("network-get") as tools:
            found = tools.network_get(binding, relation_id)
        bound = [
            hookcmds.BindAddress(
                mac_address=one.get("mac-address", ""),
                interface_name=one.get("interface-name", ""),
                addresses=[
                    hookcmds.Address(
                        hostname=a.get("hostname", ""), value=a["value"], cidr=a.get("cidr", "")
                    )
                    for a in one["addresses"]
                ],
            )
            for one in found["bind-addresses"]
        ]
        return hookcmds.Network(
            bind_addresses=bound,
            egress_subnets=found.get("egress-subnets", []),
            ingress_addresses=found.get("ingress-addresses", []),
        )

    @staticmethod
    def goal_state() -> hookcmds.GoalState:
        """As ops.hookcmds."""
        with _refusing("goal-state") as tools:
            found = tools.goal_state()["units"]
        units = {
            name: hookcmds.Goal(status=goal["status"], since=_NOW) for name, goal in found.items()
        }
        return hookcmds.GoalState(units=units, relations={})

    @staticmethod
    def open_port(protocol: str, port: int) -> None:
        """As ops.hookcmds."""
        _tools().open_port(protocol, port, port, [])

    @staticmethod
    def opened_ports() -> list[hookcmds.Port]:
        """As ops.hookcmds."""
        opened = (text.partition("/") for text in _tools().opened_ports())
        return [hookcmds.Port(protocol=protocol, port=int(port)) for port, _, protocol in opened]  # pyright: ignore[reportArgumentType]

    @staticmethod
    def app_version_set(version: str) -> None:
        """As ops.hookcmds."""
        _tools().application_version_set(version)

    @staticmethod
    def action_get() -> dict[str, Any]:
        """As ops.hookcmds."""
        return dict(_tools().action_get())

    @staticmethod
    def action_set(results: Mapping[str, Any]) -> None:
        """As ops.hookcmds."""
        _tools().action_set({key: str(value) for key, value in results.items()})

    @staticmethod
    def action_log(message: str) -> None:
        """As ops.hookcmds."""
        _tools().action_log(current().now(), message)

    @staticmethod
    def action_fail(message: str = "") -> None:
        """As ops.hookcmds."""
        _tools().action_fail(message)

    @staticmethod
    def juju_log(message: str, *, level: str = "INFO") -> None:
        """As ops.hookcmds."""
        _tools().juju_log(current().now(), level, message)


def _tools() -> HookContext:
    return current().context


@contextmanager
def _refusing(command: str) -> Generator[HookContext]:
    """The hook's tools; their refusals become the errors of ops.hookcmds."""
    try:
        yield _tools()
    except HookToolError as error:
        raise hookcmds.Error(returncode=1, cmd=[command], stderr=str(error)) from error
