# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""The proxies for LXD's requests to image servers: the model's, or those of the options.

Their keys are shared by the whole cluster, and an operator may have set them. So the charm notes
what it has written, and changes or removes nothing else. A proxy's URL may contain a password: the
note is a digest.

Juju writes these keys, too: its agent sets them to the model's proxies, or unsets them, on each
machine with LXD, when the agent starts and when the proxies change (read in its source). It leaves
out the members' addresses. So the charm treats the model's own value as Juju's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from options.options import Options
from state.cluster import ClusterView
from state.facts import Proxies
from state.notes import WROTE
from state.view import View
from steps.plan import Step
from steps.server import SetProxies, WriteNotes
from values import yaml_maps
from values.addresses import family
from values.status import Status, blocked

HTTP, HTTPS, IGNORED = "core.proxy_http", "core.proxy_https", "core.proxy_ignore_hosts"
AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class Due:
    """What is due, and the message for the operator."""

    steps: tuple[Step, ...] = ()
    problem: Status | None = None


def due(view: View, lxd: ClusterView) -> Due:
    """Sets the keys to the wanted values, if they are the charm's or unset."""
    members = [member.address for member in lxd.members]
    values: dict[str, str] = {}
    notes: dict[str, str] = {}
    problem: Status | None = None
    for key, value in wanted(view.options, view.proxies, members).items():
        current, digest_before = lxd.server.config.get(key, ""), lxd.notes.get(WROTE + key, "")
        if not may_change(key, current, lxd.notes, view.proxies):
            notes |= {WROTE + key: ""} if digest_before else {}
            problem = _set_by_hand(view.options, key, current, value) or problem
        elif current != value:
            values[key] = value
        elif digest_before and digest_before != digest(key, value):
            notes[WROTE + key] = digest(key, value)
    return Due(_steps(notes, values, view.proxies), problem)


def _steps(notes: dict[str, str], values: dict[str, str], model: Proxies) -> tuple[Step, ...]:
    steps: tuple[Step, ...] = (WriteNotes(notes),) if notes else ()
    return (*steps, SetProxies(values, model)) if values else steps


def _set_by_hand(options: Options, key: str, current: str, value: str) -> Status | None:
    """Blocked for a key with another value than an option names."""
    if current == value or _option(options, key) == AUTO:
        return None
    return blocked(f"{key} was set by hand: lxc config unset {key}")


def wanted(options: Options, model: Proxies, members: Iterable[str]) -> dict[str, str]:
    """By key: its value, empty for none. Members reach one another without a proxy."""
    http = _chosen(options.proxy_http, model.http)
    https = _chosen(options.proxy_https, model.https)
    ignore_hosts = options.proxy_ignore_hosts
    ignored = (
        model.ignored if ignore_hosts == AUTO else "" if ignore_hosts == NONE else ignore_hosts
    )
    if not http and not https and ignore_hosts in (AUTO, NONE):
        return {HTTP: "", HTTPS: "", IGNORED: ""}
    hosts = {_as_lxd_reads(word) for word in (*yaml_maps.words(ignored), *members)}
    return {HTTP: http, HTTPS: https, IGNORED: ",".join(sorted(hosts))}


def may_change(key: str, current: str, notes: Mapping[str, str], model: Proxies) -> bool:
    """Whether a key is unset, or has a value that the charm or Juju has written."""
    by_juju = {HTTP: model.http, HTTPS: model.https, IGNORED: model.ignored}[key]
    return current in ("", by_juju) or digest(key, current) in notes.get(WROTE + key, "").split()


def digest(key: str, value: str) -> str:
    """The note about a value, empty for none."""
    return hashlib.sha256(f"{key} {value}".encode()).hexdigest()[:16] if value else ""


def _chosen(option: str, model: str) -> str:
    return {AUTO: model.strip(), NONE: ""}.get(option, option)


def _option(options: Options, key: str) -> str:
    return {
        HTTP: options.proxy_http,
        HTTPS: options.proxy_https,
        IGNORED: options.proxy_ignore_hosts,
    }[key]


def _as_lxd_reads(host: str) -> str:
    """LXD reads what follows the last colon as a port, except in brackets."""
    return f"[{host}]" if family(host) == 6 else host
