# Copyright 2026 The lxd-cluster authors
# See LICENSE file for licensing details.

"""Bridges of LXD's networks that somebody deleted while LXD runs."""

from __future__ import annotations

from ports.ports import Ports
from values.status import StatusText

_DELETED: StatusText = "no bridge: snap restart --reload lxd"


def deleted(member: str, ports: Ports) -> dict[str, str]:
    """By network whose bridge is not on this machine: what is wrong, and what helps.

    LXD makes the bridge again when its daemon starts, and does not look meanwhile: it calls the
    network created (LXD issue 3100). It is asked only about a bridge that is not here.
    """
    missing = sorted(ports.machine.missing_bridges())
    return dict.fromkeys(ports.lxd.networks.created_bridges(missing, member), _DELETED)
