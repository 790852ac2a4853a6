# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Databags of other units and of the leader: every unit continues, whatever they contain."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from state import peers
from state.cluster import ClusterView
from tests.fuzz import texts
from tests.fuzz.checks import Unwell, check_plan, members
from tests.unit.model_units import ModelApp, formed
from values.addresses import is_address
from values.public_keys import is_key


def _of_type(r: random.Random, kind: Any) -> Any:
    """A value that may fit a databag's field."""
    if r.random() < 0.1:
        return texts.value(r)
    args = get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = kind.model_fields.items()
        return {n: _of_type(r, f.annotation) for n, f in fields if r.random() < 0.9}
    if get_origin(kind) is tuple:
        return [_of_type(r, args[0]) for _ in range(r.randrange(4))]
    if get_origin(kind) is dict:
        return {texts.word(r): _of_type(r, args[1]) for _ in range(r.randrange(3))}
    if args:
        return _of_type(r, r.choice(args))
    leaves: dict[Any, Callable[[], Any]] = {
        bool: lambda: r.random() < 0.5,
        int: lambda: texts.number(r),
        float: lambda: texts.number(r),
        str: lambda: texts.word(r),
    }
    return leaves.get(kind, lambda: None)()


def _databag(r: random.Random, kind: type[BaseModel], before: Mapping[str, str]) -> dict[str, str]:
    """A databag where some keys are another charm's, or unknown."""
    found = dict(before)
    for name in r.sample(sorted(kind.model_fields), r.randrange(1, 5)):
        if name != "version" or r.random() < 0.1:
            found[name] = texts.json_text(r, _of_type(r, kind.model_fields[name].annotation))
    if r.random() < 0.2:
        found[texts.word(r)] = texts.word(r)
    return found


_ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"storage_pools": "{fast: dir}"},
    {"storage_pools": "{fast: zfs}", "storage_devices": "/dev/sdb"},
    {"networks": "{lan: {mode: macvlan, parent: eth1}}"},
    {"network_mode": "vxlan", "network_name": "lxdvx"},
    {"networks": "{lan2: {mode: macvlan, parent: eth0}}"},
)


def databags(r: random.Random) -> None:
    """Another unit's databag, or the leader's: every unit continues, whatever it contains."""
    app = members() if r.random() < 0.7 else _joining()
    units = {name: dict(bag) for name, bag in app.databags.items()}
    app_data, asked = dict(app.app_data), app.options
    try:
        app.options = r.choice(_ASKED)
        for name in r.sample(sorted(units), r.choice((1, 1, 2))):
            app.databags[name] = _databag(r, peers.UnitData, units[name])
        if r.random() < 0.2:
            app.app_data = _databag(r, peers.AppData, app_data)
        if r.random() < 0.1:
            app.leaving = {r.choice(sorted(units))}
        _count_what_may_count(app, r.choice(sorted(units)))
        for name in units:
            plan = app.plan(name)
            check_plan(plan)
            for data in (plan.own, plan.app):
                if data is not None:
                    peers.dump(data)
    finally:
        app.options, app.app_data, app.leaving = asked, app_data, set()
        app.databags = units


def _count_what_may_count(app: ModelApp, name: str) -> None:
    """Keys and addresses of others have their form, and only members say what members may say."""
    view = app.view(name)
    if view.peers is None:
        return
    looks_from_inside = app.units[name].server.records.clustered
    for unit, data in view.peers.others.items():
        if data.key and not is_key(data.key):
            raise Unwell(f"{name} counts the key {data.key!r} of {unit}")
        if data.address and not is_address(data.address):
            raise Unwell(f"{name} counts the address {data.address!r} of {unit}")
        member = app.units[unit].server.records.clustered or not looks_from_inside
        # One that has left says so until it is gone: LXD's list does not have it.
        listed = isinstance(view.lxd, ClusterView) and view.lxd.member_of(data) is not None
        if not member and (listed or data.offers or data.links or data.refused):
            raise Unwell(f"{name} counts {unit} as a member")


@cache
def _joining() -> ModelApp:
    """Two members and a unit with a token."""
    app = formed(2)
    app.add(2)
    for name in ("lxd/2", "lxd/0", "lxd/1"):
        app.hook(name)
    return app
